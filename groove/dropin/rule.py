"""A learned rule in anybody's training loop: what stands where a policy-gradient loss stood.

    rule = groove.load("groove")
    loss = rule.loss(params, apply, rollout)                       # inside any value_and_grad
    optimizer = groove.as_optax(rule, apply, optax.adam(5e-4))     # or as an optax transformation

The agent's network has two heads, logits of the policy and logits of a prediction of width `rule.prediction_width`;
what the prediction means is the rule's affair.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from groove import ops
from groove.dropin.find import find_rule
from groove.dropin.rule_file import find_rule_file
from groove.lpg.lpg import normalise
from groove.lpg.network import LPGConfig, LPGInputs, LPGTargets, make_lpg_network
from groove.types import Array, Params, PyTree, Rollout

# (params, obs [B, ...]) -> (policy logits f32[B, A], prediction logits f32[B, Y])
Apply = Callable[[Params, Array], tuple[Array, Array]]


class Targets(NamedTuple):
    """What a rule tells an agent to move towards; constants of the agent's gradient."""

    pi_hat: Array  # f32 [T, W]: the weight of log pi(a_t | s_t), in the place of an advantage
    y_hat: Array  # f32 [T, W, Y]: log-probabilities the prediction is to have


@dataclass(frozen=True)
class Rule:
    """A learned update rule.

    Attributes:
      name: as it was loaded.
      config: of its network.
      eta: its parameters, NumPy arrays; never written to.
      about: where it comes from.
      card: its model card, Markdown; empty for rules that have not been released.
    """

    name: str
    config: LPGConfig
    eta: Mapping[str, Any]
    about: Mapping[str, Any]
    card: str = ""

    @property
    def prediction_width(self) -> int:
        """Y, the width of the prediction head that agents need."""
        return self.config.prediction_width

    def loss(
        self,
        params: Params,
        apply: Apply,
        rollout: Rollout,
        *,
        progress: Array | float | None = None,
        lifetime: Array | float | None = None,
    ) -> Array:
        """The loss an agent descends, f32[]; its gradient by `params` is the rule's update (Oh et al. 2020, eq. 2).

            mean_t -log pi(a_t|s_t) pi_hat_t + alpha_y KL(y(s_t) || y_hat_t)

        Args:
          params: of the agent's network.
          apply: (params, obs [B, ...]) -> (policy logits [B, A], prediction logits [B, Y]), where B = T W.
          rollout: T steps of W workers, with `next_obs` the true successors (see `make_rollout`).
          progress: n / L, the share of the agent's lifetime that is over; read by rules that are conditioned on it.
          lifetime: L, in agent updates; read by the same.

        Raises:
          ValueError: where a head has the wrong width, or a rule that is conditioned on the lifetime is not told of it.
          AssertionError: where shapes do not agree; it names the argument and the shape expected.
        """
        logits, y, next_y = self._read(params, apply, rollout)
        targets = self.targets(rollout, logits, y, next_y, progress=progress, lifetime=lifetime)
        policy = -ops.log_prob(logits, rollout.action) * targets.pi_hat
        prediction = ops.kl_divergence(y, targets.y_hat)
        return jnp.mean(policy + self.config.prediction_coefficient * prediction)

    def targets(
        self,
        rollout: Rollout,
        logits: Array,
        y: Array,
        next_y: Array,
        *,
        progress: Array | float | None = None,
        lifetime: Array | float | None = None,
    ) -> Targets:
        """What the rule makes of a rollout, for losses of one's own.

        Args:
          rollout: reward, terminated, truncated [T, W] and action are read.
          logits: f32[T, W, A], the policy's at obs.
          y, next_y: f32[T, W, Y], the prediction's at obs and next_obs.
          progress, lifetime: as for `loss`.
        """
        width = rollout.reward.shape[1]
        inputs = LPGInputs(
            reward=jnp.asarray(rollout.reward, jnp.float32),
            terminated=jnp.asarray(rollout.terminated, bool),
            truncated=jnp.asarray(rollout.truncated, bool),
            prob=jnp.exp(ops.log_prob(logits, rollout.action)),
            prediction=jax.nn.softmax(y),
            next_prediction=jax.nn.softmax(next_y),
            **self._lifetime(progress, lifetime, width),
        )
        inputs = jax.lax.stop_gradient(inputs)
        found: LPGTargets = make_lpg_network(self.config).apply(self.eta, inputs)
        pi_hat = normalise(found.pi_hat) if self.config.normalise else found.pi_hat
        return Targets(*jax.lax.stop_gradient((pi_hat, found.y_hat)))

    def _read(self, params: Params, apply: Apply, rollout: Rollout) -> tuple[Array, Array, Array]:
        """Policy logits, prediction logits, and those of the successors: [T, W, ...]."""
        steps_workers = rollout.reward.shape
        chex.assert_rank(rollout.reward, 2, custom_message="rollout.reward is f32[T, W]")
        for name in ("action", "terminated", "truncated"):
            chex.assert_shape(getattr(rollout, name), steps_workers, custom_message=f"rollout.{name} is [T, W]")
        for name in ("obs", "next_obs"):
            chex.assert_shape(
                getattr(rollout, name), (*steps_workers, ...), custom_message=f"rollout.{name} is [T, W, ...]"
            )

        def flat(obs: Array) -> Array:
            return jnp.reshape(obs, (-1, *obs.shape[2:]))

        logits, y = apply(params, flat(rollout.obs))
        _, next_y = apply(jax.lax.stop_gradient(params), flat(rollout.next_obs))
        for name, head in (("prediction", y), ("policy", logits)):
            if head.ndim != 2 or (name == "prediction" and head.shape[1] != self.prediction_width):
                width = self.prediction_width if name == "prediction" else "A"
                raise ValueError(
                    f"apply must return {name} logits of shape [B, {width}] for B observations, not {head.shape}: "
                    "it returns (policy logits, prediction logits), and the prediction is rule.prediction_width wide."
                )
        logits, y, next_y = (jnp.reshape(x, (*steps_workers, x.shape[-1])) for x in (logits, y, next_y))
        return logits, y, next_y

    def _lifetime(self, progress: Any, lifetime: Any, workers: int) -> dict[str, Array]:
        if self.config.lifetime_conditioning and (progress is None or lifetime is None):
            raise ValueError(
                f'the rule "{self.name}" is conditioned on the lifetime: give progress (0 at its beginning, 1 at its '
                "end) and lifetime (in updates)."
            )
        known = {"progress": 0.0 if progress is None else progress, "lifetime": 1.0 if lifetime is None else lifetime}
        return {name: jnp.broadcast_to(jnp.asarray(x, jnp.float32), (workers,)) for name, x in known.items()}


def load(name: str) -> Rule:
    """Loads a learned rule: a released one by name, a run's directory, or a rule file. Runs no code from files.

    Raises:
      ValueError: if there is no such rule, its file is damaged, or it is not learned.
    """
    found = find_rule(name)
    if found.config is None:
        raise ValueError(f'"{name}" is written by hand and has no weights to load; name a learned rule.')
    card = find_rule_file(name).with_suffix(".md")
    return Rule(found.name, found.config, found.eta, found.about, card.read_text("utf-8") if card.is_file() else "")


def make_rollout(
    obs: Array,
    last_obs: Array,
    action: Array,
    reward: Array,
    terminated: Array,
    truncated: Array | None = None,
    next_obs: Array | None = None,
) -> Rollout:
    """A rollout from what training loops usually have.

    Args:
      obs: [T, W, ...], what was acted on.
      last_obs: [W, ...], what would be acted on next.
      action: int32[T, W].
      reward: f32[T, W].
      terminated: bool[T, W], the episode ended by the environment's own rules.
      truncated: bool[T, W], it was cut off by a time limit; by default never.
      next_obs: [T, W, ...], the true successors; by default the next step's `obs`, which after an end is of another
        episode. That does no harm where the episode terminated.

    Raises:
      ValueError: when there are truncated steps, whose true successors are needed, without `next_obs`.
    """
    if truncated is not None and next_obs is None:
        raise ValueError(
            "a truncated episode is bootstrapped from its last observation, which auto-resetting environments return "
            "apart (gymnasium: info['final_obs']): give next_obs, or truncated=None if no episode is ever cut off."
        )
    successors = jnp.concatenate([obs[1:], last_obs[None]]) if next_obs is None else next_obs
    never = jnp.zeros_like(terminated)
    return Rollout(obs, action, reward, terminated, never if truncated is None else truncated, successors)


def as_optax(rule: Rule, apply: Apply, inner: optax.GradientTransformation) -> optax.GradientTransformationExtraArgs:
    """The rule as an optax transformation, whose updates come from a rollout instead of from gradients.

        updates, state = optimizer.update(None, state, params, rollout=rollout)

    Args:
      rule: the learned rule.
      apply: as of `Rule.loss`.
      inner: what moves the parameters along the rule's gradient, such as optax.adam(5e-4).

    Returns:
      A transformation whose `update` takes None for gradients, the parameters, and by keyword `rollout`, `progress` and
      `lifetime`, as `Rule.loss` does.
    """
    inner = optax.with_extra_args_support(inner)

    def update(
        updates: Any,
        state: Any,
        params: PyTree | None = None,
        *,
        rollout: Rollout,
        progress: Any = None,
        lifetime: Any = None,
        **extra: Any,
    ) -> tuple[PyTree, Any]:
        if updates is not None or params is None:
            raise ValueError("the rule makes its own gradient: call update(None, state, params, rollout=rollout).")
        gradient = jax.grad(rule.loss)(params, apply, rollout, progress=progress, lifetime=lifetime)
        return inner.update(gradient, state, params, **extra)

    return optax.GradientTransformationExtraArgs(init=inner.init, update=update)
