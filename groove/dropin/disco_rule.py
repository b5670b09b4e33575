"""Disco103 in any training loop: one step of an agent towards the rule's targets for a batch of trajectories.

::

    rule = groove.load("disco103=disco_103.npz")
    optimizer = optax.chain(optax.scale_by_adam(), optax.clip(1.0), optax.scale(-3e-4))
    learner = rule.init(params, optimizer)
    learner, info = rule.update(learner, apply, optimizer, rollout, behaviour=behaviour)

The rule was discovered with agents that learn from a transition about 32 times. Loops therefore keep rollouts together
with the logits that acted, and call `update` with batches that are drawn from them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from groove.dropin import inputs
from groove.dropin.apply import Apply, as_agent, check_optimizer, finite_logits, read_heads
from groove.dropin.arrays import as_numbers, read_experience
from groove.dropin.update import AgentState, check_learner
from groove.lpg.disco.heads import WIDTH, head_widths
from groove.lpg.disco.rule import DiscoState, Stepped, as_trajectories, begin_state, learn
from groove.lpg.disco.weights import DiscoWeights
from groove.types import LOGITS, Array, Key, Params, Rollout
from groove.utils.errors import GrooveError
from groove.utils.jax_flags import usual_promotion
from groove.utils.limits import MOST_INTEGER, check_integer


@dataclass(frozen=True, eq=False)
class DiscoRule:
    """The update rule of Oh et al. (2025), for agents of other people.

    Attributes:
      name: the name under which the rule was loaded.
      eta: parameters of the rule's network, read-only NumPy arrays.
      about: the origin of the rule.
    """

    name: str
    eta: DiscoWeights = field(repr=False)
    about: Mapping[str, Any] = field(repr=False)

    @property
    def prediction_width(self) -> int:
        """Width of the prediction head y."""
        return WIDTH

    def heads(self, num_actions: int) -> dict[str, int]:
        """Return the heads that an agent must have, name -> width, in the order in which `apply` returns them.

        "logits" is the policy and "y" a prediction. The heads "z", "aux_pi" and "q" have outputs for every action, A
        groups of 600, A and 601 numbers. The published agents compute them from a model of the action, as
        `groove.agents.action_model` does.

        Args:
          num_actions: A.
        """
        check_integer("num_actions", num_actions, MOST_INTEGER, least=0)
        return head_widths(num_actions)

    @usual_promotion()
    def init(self, params: Params, optimizer: optax.GradientTransformation) -> AgentState:
        """Return an agent at the beginning of its lifetime, with a target network of the same parameters.

        Args:
          params: parameters of the agent's network.
          optimizer: an optax transformation. The published agents clip every element of Adam's step to +-1.
        """
        check_optimizer("optimizer", optimizer)
        return AgentState(params, optimizer.init(params), begin_state(params), jnp.int32(0))

    @usual_promotion()
    def update(
        self,
        learner: AgentState,
        apply: Apply,
        optimizer: optax.GradientTransformation,
        rollout: Rollout,
        key: Key | None = None,
        *,
        behaviour: Array | None = None,
        progress: Array | float | None = None,
        lifetime: Array | float | None = None,
    ) -> tuple[AgentState, dict[str, Array]]:
        """Take one step on a batch of trajectories.

        Args:
          learner: of `init` or of the update before.
          apply: (params, obs [B, ...]) -> the heads of `heads`, a tuple in their order or a mapping by name.
          optimizer: the optax transformation that `init` got.
          rollout: T steps of W trajectories, of the last rollout or drawn from a replay. Every end of an episode counts
            as a termination. Rows that the mask hides have no loss.
          key: not read; the updates of other rules draw minibatches.
          behaviour: f32[T, W, A], logits of the policies that acted; None if the present policy did.
          progress, lifetime: not read; other rules are told the lifetime.

        Returns:
          The agent after the step, and numbers f32[] for logs: "loss", and "value_error", the mean squared error of q.

        Raises:
          GrooveError: if shapes do not fit together, a head is missing or has the wrong width, an action is no index of
            a policy logit, or a reward is not finite. Inside `jit`, wrong actions and rewards make the loss NaN.
        """
        del key
        check_learner(learner)
        check_optimizer("optimizer", optimizer)
        for name, value in {"progress": progress, "lifetime": lifetime}.items():
            if value is not None:
                inputs.check_told(name, value)
        rollout = read_experience(rollout)
        if not isinstance(learner.rule_state, DiscoState):
            raise GrooveError(f'the agent has no memory of the rule "{self.name}": begin with rule.init.')
        rank = jnp.ndim(rollout.obs) - 2
        actions = _num_actions(apply, learner.params, rollout.obs, rank)
        inputs.check_actions(rollout, actions)
        inputs.check_rewards(rollout)
        agent = as_agent(apply, learner.params, optimizer, self.heads(actions), rank)
        if behaviour is None:
            behaviour = agent.read(learner.params, rollout.obs, (LOGITS,))[1][LOGITS]
        else:
            behaviour = _behaviour(behaviour, (*np.shape(rollout.reward), actions))
        rollout = inputs.counted(rollout)
        valid = ~jnp.isnan(inputs.action_log_prob(jnp.zeros_like(behaviour), rollout))
        rollout = dataclasses.replace(rollout, reward=jnp.where(valid, rollout.reward, jnp.nan))
        if (mask := rollout.mask) is not None:  # actions of hidden rows may be no index of a logit
            rollout = dataclasses.replace(rollout, action=jnp.where(mask, rollout.action, 0))
            mask = mask.astype(jnp.float32)
        now = Stepped(learner.params, learner.opt_state, learner.rule_state)
        now, info = learn(self.eta, agent, now, as_trajectories(rollout, behaviour), mask)
        return AgentState(now.params, now.opt_state, now.state, learner.updates + 1), dict(info)


def _behaviour(given: Any, shape: tuple[int, ...]) -> Array:
    """Return the logits that acted, after comparing their shape with T, W and A."""
    given = as_numbers("behaviour", given)
    if np.shape(given) != shape:
        raise GrooveError(
            f"behaviour must be f32[T, W, A] = {shape}, not {np.shape(given)}: give the logits of the policy that "
            "acted."
        )
    return finite_logits(jnp.asarray(given, jnp.float32))


def _num_actions(apply: Apply, params: Params, obs: Array, rank: int) -> int:
    """Return A, the number of logits that `apply` returns; nothing is computed."""
    one = jnp.zeros((1, *np.shape(obs)[-rank:]) if rank else (1,), jnp.asarray(obs).dtype)
    heads: Any = jax.eval_shape(lambda: apply(params, one)) if callable(apply) else None
    listed = heads if isinstance(heads, tuple | list) else ()
    logits = heads.get(LOGITS) if isinstance(heads, Mapping) else next(iter(listed), None)
    if not (shape := getattr(logits, "shape", None)):  # reading the heads says what is wrong with them
        jax.eval_shape(lambda: read_heads(apply, params, one, head_widths(1), rank))
    return int(shape[-1]) if shape else 1
