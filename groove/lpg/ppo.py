"""Proximal policy optimisation as an update rule: several steps on one rollout, close to the policy that made it."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent, AgentConfig
from groove.lpg.a2c import advantages
from groove.lpg.base import UpdateInfo, UpdateRule
from groove.lpg.reward_scale import RewardScale, scale_rewards
from groove.types import LOGITS, VALUE, Array, Heads, Key, Learner, Params, PyTree, Rollout
from groove.utils.errors import ConfigError
from groove.utils.limits import MOST_EPOCHS
from groove.utils.typed_fields import above, at_least, range_complaints, settings_repr


@dataclass(frozen=True, repr=False)
class PPOConfig:
    """Settings of proximal policy optimisation.

    Attributes:
      trace: lambda of generalised advantage estimation.
      entropy_coefficient: weight of the policy's entropy, nats.
      normalise_advantages: whether advantages have zero mean and unit variance over one agent's whole rollout; they are
        normalised once, before the passes.
      clip: epsilon; a step gains nothing from ratios pi / pi_old beyond 1 +- epsilon. math.inf switches clipping off.
      epochs: passes over a rollout.
      minibatches: steps per pass; must divide T * W, the number of transitions of a rollout.
      table_learning_rate: SGD learning rate of the policy in agents that are tables. PPO takes more steps than A2C and
        therefore smaller ones. Left out of `repr(config)`: stored results record agents separately.
      scale_rewards: see A2CConfig.
    """

    trace: float = at_least(0, 0.95, most=1)
    entropy_coefficient: float = 0.01
    normalise_advantages: bool = True
    clip: float = above(0, 0.2, most=math.inf)
    epochs: int = at_least(1, 4, most=MOST_EPOCHS)
    minibatches: int = at_least(1, 4)
    table_learning_rate: float = field(default=3.0, repr=False)
    scale_rewards: bool = True

    def __repr__(self) -> str:
        """Return the settings that are read."""
        return settings_repr(self, () if self.scale_rewards else ("scale_rewards",))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Transitions:
    """M transitions, with values and log-probabilities under the agent that made them."""

    obs: Array  # [M, ...]
    action: Array  # int32 [M]
    log_prob: Array  # f32 [M]: of the action, before the first step
    advantage: Array  # f32 [M]
    target: Array  # f32 [M]: of the value


class EpochsConfig(Protocol):
    """The settings of rules that take several steps on a rollout; see PPOConfig."""

    @property
    def trace(self) -> float:
        """Lambda."""

    @property
    def entropy_coefficient(self) -> float:
        """Weight of the policy's entropy, nats."""

    @property
    def normalise_advantages(self) -> bool:
        """Whether advantages have zero mean and unit variance."""

    @property
    def epochs(self) -> int:
        """Passes over a rollout."""

    @property
    def minibatches(self) -> int:
        """Steps per pass."""

    @property
    def table_learning_rate(self) -> float:
        """SGD learning rate of the policy in agents that are tables."""

    @property
    def scale_rewards(self) -> bool:
        """Whether rewards are divided by a running scale."""


# (log ratio f32 [M], advantage f32 [M]) -> (surrogate f32 [M], to be maximised; whether it limits the ratio, [M])
Surrogate = Callable[[Array, Array], tuple[Array, Array]]


def make_ppo(config: PPOConfig, discount: float) -> UpdateRule:
    """Build the rule: epochs x minibatches steps per rollout on the clipped surrogate (Schulman et al. 2017, eq. 7, 9).

    The first step is the step that A2C takes on its minibatch, because the ratio is 1 there. Metrics are "value_error",
    the mean squared error before the first step, and "clip_fraction", the share of transitions in all steps whose ratio
    lies beyond the clip.

    Args:
      config: of the rule.
      discount: gamma.

    Raises:
      ConfigError: on a setting out of its range; from `update`, at trace time, if the minibatches do not divide the
        rollout.
    """

    def surrogate(log_ratio: Array, advantage: Array) -> tuple[Array, Array]:
        beyond = jnp.abs(jnp.exp(log_ratio) - 1) > config.clip
        return clipped_surrogate(log_ratio, advantage, config.clip), beyond

    return make_epochs("ppo", config, discount, surrogate, "clip_fraction")


def make_epochs(name: str, config: EpochsConfig, discount: float, surrogate: Surrogate, share: str) -> UpdateRule:
    """Build a rule that takes epochs x minibatches steps per rollout on a surrogate of the ratio pi / pi_old.

    Args:
      name: of the rule.
      config: of the rule.
      discount: gamma.
      surrogate: what the policy maximises for each transition.
      share: the metric of the share of transitions, in all steps, whose ratio the surrogate limits.

    Raises:
      ConfigError: see `make_ppo`.
    """
    if complaints := list(range_complaints(config, f"{name}.")):
        raise ConfigError("\n".join(complaints))

    def update_one(agent: Agent, learner: Learner, rollout: Rollout, key: Key) -> tuple[Learner, UpdateInfo]:
        if config.scale_rewards:
            learner, rollout = scale_rewards(learner, rollout, discount)
        params, heads = agent.read(learner.params, rollout.obs, (LOGITS, VALUE))
        params, after = agent.read(params, rollout.next_obs, (VALUE,))
        value, next_value = heads[VALUE][..., 0], after[VALUE][..., 0]
        advantage, target = advantages(rollout, value, next_value, discount, config.trace, config.normalise_advantages)
        log_prob = ops.log_prob(heads[LOGITS], rollout.action)
        batch = Transitions(rollout.obs, rollout.action, log_prob, advantage, target)
        batch = jax.tree.map(lambda x: x.reshape((-1, *x.shape[2:])), batch)

        def step(carry: tuple[Params, PyTree], index: Array) -> tuple[tuple[Params, PyTree], Array]:
            params, opt_state = carry
            part: Transitions = jax.tree.map(lambda x: x[index], batch)
            params, heads = agent.read(params, part.obs, (LOGITS, VALUE))
            gradients, clipped = jax.grad(loss, has_aux=True)(heads, part, surrogate, config.entropy_coefficient)
            return agent.step(params, opt_state, part.obs, gradients), clipped

        # one scan over passes and minibatches, so that the compiled program does not grow with their number
        parts = minibatch_indices(key, advantage.size, config.epochs, config.minibatches)
        (params, opt_state), clipped = jax.lax.scan(step, (params, learner.opt_state), parts)
        metrics = {"value_error": jnp.mean((value - target) ** 2), share: jnp.mean(clipped)}
        return learner.after_update(params, opt_state), UpdateInfo(metrics)

    def update(eta: Any, agent: Agent, learner: Learner, rollout: Rollout, keys: Key) -> tuple[Learner, UpdateInfo]:
        del eta
        return jax.vmap(lambda one, r, key: update_one(agent, one, r, key))(learner, rollout, keys)

    return UpdateRule(
        name=name,
        heads=lambda num_actions: {LOGITS: num_actions, VALUE: 1},
        init=lambda key: (),
        update=update,
        adapt_agent=lambda agent: slower_tables(agent, config.table_learning_rate),
        state=RewardScale() if config.scale_rewards else (),
    )


def slower_tables(agent: AgentConfig, learning_rate: float) -> AgentConfig:
    """Return an agent configuration in which a table's policy has this learning rate."""
    return dataclasses.replace(agent, learning_rate=learning_rate) if agent.torso == "table" else agent


def minibatch_indices(key: Key, size: int, epochs: int, minibatches: int) -> Array:
    """Return a fresh permutation of transitions for each pass, cut in equal parts: int32[epochs * minibatches, M].

    Raises:
      ConfigError: if the number of minibatches does not divide `size`, the number of transitions.
    """
    if size % minibatches:
        fitting = max(m for m in range(1, min(minibatches, size + 1)) if size % m == 0)
        raise ConfigError(
            f"minibatches = {minibatches} does not divide the {size} transitions (steps x workers) of a rollout: "
            f"set it to a divisor of {size}, such as {fitting}, or change the steps or workers."
        )
    passes = jax.vmap(lambda k: jax.random.permutation(k, size))(jax.random.split(key, epochs))
    return passes.reshape((epochs * minibatches, size // minibatches))


def counted_minibatches(parts: Array, mask: Array, minibatches: int) -> tuple[Array, Array]:
    """Return minibatches that hold only the transitions that a mask does not hide, in the order of the permutations.

    The n transitions that count are dealt to the minibatches as evenly as possible, so that a minibatch has n / M of
    them, rounded up or down. If all count, the minibatches stay as they are.

    Args:
      parts: int32[epochs * M, size / M], of `minibatch_indices`.
      mask: bool[size], with at least one true element.
      minibatches: M.

    Returns:
      The indices, of the shape of `parts`, and the places of them that count, bool of the same shape: a minibatch has
      a fixed number of places, and the surplus is not counted.
    """
    width = parts.shape[-1]
    passes = parts.reshape((-1, mask.size))
    hidden_last = jnp.argsort(~mask[passes], axis=-1, stable=True)
    passes = jnp.take_along_axis(passes, hidden_last, axis=-1)
    bounds = -(-jnp.arange(minibatches + 1) * jnp.sum(mask) // minibatches)  # the first rank of each minibatch
    ranks = bounds[:-1, None] + jnp.arange(width)
    counted = jnp.broadcast_to(ranks < bounds[1:, None], (len(passes), minibatches, width))
    chosen = passes[:, jnp.minimum(ranks, mask.size - 1)]
    return chosen.reshape(parts.shape), counted.reshape(parts.shape)


def clipped_surrogate(log_ratio: Array, advantage: Array, clip: float) -> Array:
    """Return min(r A, clip(r, 1 - epsilon, 1 + epsilon) A) (Schulman et al. 2017, eq. 7).

    The ratio r is pi(a|s) / pi_old(a|s).

    Args:
      log_ratio: f32[M], log r.
      advantage: f32[M], A.
      clip: epsilon.

    Returns:
      f32[M], to be maximised; constant where r already lies beyond the clip in the direction of A.
    """
    ratio = jnp.exp(log_ratio)
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)


def loss(heads: Heads, batch: Transitions, surrogate: Surrogate, entropy_coefficient: float) -> tuple[Array, Array]:
    """Return the mean loss of M transitions, -surrogate - c H(pi) + (V - R)^2 / 2, and the share that is limited."""
    log_ratio = ops.log_prob(heads[LOGITS], batch.action) - batch.log_prob
    gain, limited = surrogate(log_ratio, batch.advantage)
    value = 0.5 * (heads[VALUE][..., 0] - batch.target) ** 2
    return jnp.mean(-gain - entropy_coefficient * ops.entropy(heads[LOGITS]) + value), jnp.mean(limited)
