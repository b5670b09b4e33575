"""A learned rule in any training loop.

::

    rule = groove.load("groove")
    learner = rule.init(params, optax.adam(1e-3))
    learner, info = rule.update(learner, apply, optax.adam(1e-3), rollout, key, lifetime=1000)

    loss = groove.load("paper-groove").loss(params, apply, rollout)  # rules without controls; in any value_and_grad
    optimizer = groove.as_optax(rule, apply, optax.adam(5e-4))       # or as an optax transformation

The agent's network has the heads of `rule.heads`: logits of the policy, and for some rules a value, and logits of a
prediction whose meaning the rule decides.
"""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from groove.dropin import inputs
from groove.dropin.apply import Apply, as_agent, check_optimizer, finite_logits, read_heads
from groove.dropin.arrays import read_experience, read_rollout
from groove.dropin.memory import check_state
from groove.dropin.rule_file import fingerprint
from groove.dropin.shapes import check_moved
from groove.dropin.targets import ControlledTargets, Targets, ValueTargets, given_heads, make_batch
from groove.dropin.update import AgentState, check_learner, in_epochs, take_steps
from groove.lpg.controls import Controls, remember
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.reward_scale import divided, grown
from groove.lpg.value_lpg import Batch, agent_loss, prediction_targets, rule_state
from groove.types import LOGITS, PREDICTION, VALUE, Array, Heads, Key, Params, PyTree, Rollout
from groove.utils.errors import GrooveError
from groove.utils.jax_flags import usual_promotion
from groove.utils.limits import MOST_INTEGER, check_integer


@dataclass(frozen=True, eq=False)
class Rule:
    """A learned update rule. Rules of equal settings and equal parameters are equal.

    Attributes:
      name: the name under which the rule was loaded.
      config: settings of the rule's network.
      eta: parameters of the network, read-only NumPy arrays.
      about: the origin of the rule.
      card: the model card, Markdown; empty for rules that have not been released.
    """

    name: str
    config: LPGConfig
    eta: Mapping[str, Any] = field(repr=False)
    about: Mapping[str, Any] = field(repr=False)
    card: str = field(default="", repr=False)

    @property
    def prediction_width(self) -> int:
        """Y, the width of the prediction head that agents need; 0 if they need none."""
        return self.config.prediction_width if self.config.predicts else 0

    def heads(self, num_actions: int) -> dict[str, int]:
        """Return the heads that an agent must have, name -> width, in the order in which `apply` returns them.

        The heads are "logits" of the policy, "y", the logits of the prediction, unless the rule sets controls only, and
        for rules with a base or a value head "value".

        Args:
          num_actions: A.

        Raises:
          GrooveError: if A is no integer, or negative.
        """
        check_integer("num_actions", num_actions, MOST_INTEGER, least=0)
        heads = {LOGITS: num_actions}
        if self.config.predicts:
            heads[PREDICTION] = self.prediction_width
        return heads | {VALUE: 1} if self.config.sees_values else heads

    @property
    def has_state(self) -> bool:
        """Whether the rule has a memory of the agent's lifetime, such as the running scale of its rewards."""
        return rule_state(self.config) != ()

    @property
    def sets_controls(self) -> bool:
        """Whether the rule sets the size of the optimizer's steps and the weight of the policy's entropy."""
        return self.config.controls

    @functools.cached_property
    def _identity(self) -> tuple[str, str]:
        return repr(self.config), fingerprint(self.eta)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @usual_promotion()
    def init_state(self) -> PyTree:
        """Return the memory of the rule at the beginning of an agent's lifetime; () if the rule has none."""
        return jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), rule_state(self.config))

    @usual_promotion()
    def observe(self, state: PyTree, rollout: Rollout) -> PyTree:
        """Return the memory of the rule after a rollout, which every rollout must be shown to once.

        Args:
          state: of `init_state` or of the `observe` before.
          rollout: only reward, terminated, truncated and mask are read, each [T, W].

        Raises:
          GrooveError: if the state is none of this rule, shapes do not fit together, or a reward is not finite.
        """
        check_state(self.name, self.config, state)
        if not self.has_state:
            return state
        rollout = read_rollout(rollout)
        inputs.check_rewards(rollout)
        return grown(state, inputs.counted(rollout), self.config.discount) if self.config.divides_rewards else state

    @usual_promotion()
    def remember(
        self, state: PyTree, targets: ControlledTargets, logits: Array, new_logits: Array, mask: Array | None = None
    ) -> PyTree:
        """Return the memory of a rule that sets controls after the steps towards its targets.

        `update` and `as_optax` do this themselves.

        Args:
          state: of `observe`.
          targets: of `targets`.
          logits: f32[T, W, A], of the policy at the observations of the rollout, before the steps.
          new_logits: f32[T, W, A], after the steps.
          mask: bool[T, W], of the rollout.

        Raises:
          GrooveError: if shapes do not fit together.
        """
        check_moved(np.shape(logits), np.shape(new_logits), None if mask is None else np.shape(mask))
        return remember(state, targets.step, finite_logits(logits), finite_logits(new_logits), mask)

    @usual_promotion()
    def loss(
        self,
        params: Params,
        apply: Apply,
        rollout: Rollout,
        *,
        state: PyTree = None,
        progress: Array | float | None = None,
        lifetime: Array | float | None = None,
    ) -> Array:
        """Return the loss that an agent descends, f32[] (Oh et al. 2020, eq. 2).

        The gradient with respect to `params` is the update of the rule. Over the rows t that `rollout.mask` does not
        hide, the loss is::

            mean_t [ -log pi(a_t|s_t) pi_hat_t + alpha_y KL(y(s_t) || y_hat_t) ]

        For agents with a value V, it has the further term (V(s_t) - R_t)^2 / 2, where R_t is the value plus the
        generalised advantage, and under a base the term -c H(pi(.|s_t)).

        `apply` reads `next_obs` as well as `obs`: layers that gather statistics of their inputs see both.

        Args:
          params: parameters of the agent's network.
          apply: (params, obs [B, ...]) -> the heads of `heads`, where B = T W: a tuple (policy logits [B, A],
            prediction logits [B, Y]), with the value [B] or [B, 1] for some rules, or a mapping by name.
          rollout: T steps of W workers; `next_obs` are the true successors (see `make_rollout`).
          state: of `observe`, which has seen this rollout; read by rules that scale rewards.
          progress: n / L, the share of the agent's lifetime that is over, between 0 and 1; read by rules that are
            conditioned on the lifetime.
          lifetime: L, agent updates, positive and finite; read by the same rules.

        Raises:
          GrooveError: if shapes do not fit together, a head is missing or has the wrong width, an action is no index of
            a policy logit, a reward is not finite in float32, ends or a mask are neither 0 nor 1, progress or lifetime
            is outside its range, the state is none of this rule, or a rule that is conditioned on the lifetime gets
            none; from every rule that sets controls, because a loss cannot set the size of steps. Inside `jit`, wrong
            actions, rewards, ends, masks, progress and lifetimes make the loss NaN instead.
        """
        if self.sets_controls:
            raise GrooveError(
                f'the rule "{self.name}" sets the size of the optimizer\'s steps, which a loss cannot: use rule.update '
                "or groove.as_optax, or build the steps from rule.targets."
            )
        return self.loss_and_controls(params, apply, rollout, state, progress, lifetime)[0]

    @usual_promotion()
    def loss_and_controls(
        self, params: Params, apply: Apply, rollout: Rollout, state: PyTree, progress: Any, lifetime: Any
    ) -> tuple[Array, tuple[Controls | None, Array]]:
        """Return the loss with (controls f32[] or None, logits of the policy f32[T, W, A]); arguments as for `loss`."""
        rollout = read_experience(rollout)
        rank = jnp.ndim(rollout.obs) - 2
        heads = read_heads(apply, params, rollout.obs, self._widths, rank)
        after = read_heads(apply, inputs.constant(params), rollout.next_obs, self._widths, rank)
        batch, controls = self._batch(rollout, heads, after, state, progress, lifetime)
        batch = dataclasses.replace(batch, y_hat=self._y_hat(jax.lax.stop_gradient(heads), batch))
        loss, _ = agent_loss(heads, batch, self.config, None, None if controls is None else controls.entropy)
        return loss, (controls, jax.lax.stop_gradient(heads[LOGITS]))

    @usual_promotion()
    def targets(
        self,
        rollout: Rollout,
        logits: Array,
        y: Array | None = None,
        next_y: Array | None = None,
        value: Array | None = None,
        next_value: Array | None = None,
        *,
        state: PyTree = None,
        progress: Array | float | None = None,
        lifetime: Array | float | None = None,
    ) -> Targets | ValueTargets | ControlledTargets:
        """Return the targets of a rollout, for other losses and for agents with a memory.

        Args:
          rollout: only reward, terminated, truncated, action and mask are read, each [T, W].
          logits: f32[T, W, A], of the policy at obs.
          y, next_y: f32[T, W, Y], of the prediction at obs and next_obs, for rules with a prediction head.
          value, next_value: f32[T, W], the value at obs and next_obs, for rules with a value head.
          state, progress, lifetime: see `loss`.

        Returns:
          Targets; ValueTargets from a rule with a value head; ControlledTargets from one that also sets controls, whose
          `step` multiplies every step of the optimizer, and whose memory goes on by `remember` after the steps.

        Raises:
          GrooveError: see `loss`.
        """
        given = {LOGITS: (logits, logits), PREDICTION: (y, next_y), VALUE: (value, next_value)}
        rollout = read_rollout(rollout, "action")
        heads, after = given_heads(self.name, self._widths, given, np.shape(rollout.reward))
        batch, controls = self._batch(rollout, heads, after, state, progress, lifetime)
        y_hat = jax.lax.stop_gradient(self._y_hat(heads, batch))
        if controls is not None and batch.target is not None:
            weight = self.config.entropy_coefficient * controls.entropy
            return ControlledTargets(batch.pi_hat, y_hat, batch.target, controls.step, weight)
        assert y_hat is not None  # a rule without a prediction sets controls
        return Targets(batch.pi_hat, y_hat) if batch.target is None else ValueTargets(batch.pi_hat, y_hat, batch.target)

    @usual_promotion()
    def init(self, params: Params, optimizer: optax.GradientTransformation) -> AgentState:
        """Return an agent at the beginning of its lifetime, for `update`.

        Args:
          params: parameters of the agent's network.
          optimizer: an optax transformation, such as optax.adam(5e-4).

        Raises:
          GrooveError: if the optimizer is no such transformation.
        """
        check_optimizer("optimizer", optimizer)
        return AgentState(params, optimizer.init(params), self.init_state(), jnp.int32(0))

    @usual_promotion()
    def update(
        self,
        learner: AgentState,
        apply: Apply,
        optimizer: optax.GradientTransformation,
        rollout: Rollout,
        key: Key | None = None,
        *,
        progress: Array | float | None = None,
        lifetime: Array | float | None = None,
        epochs: int | None = None,
        minibatches: int | None = None,
    ) -> tuple[AgentState, dict[str, Array]]:
        """Make one whole update of an agent: the scale of rewards, targets, and E epochs of M minibatches towards them.

        Targets are computed once. If E M > 1, the loss of a minibatch has the clipped ratio of PPO in the place of
        log pi. One step on the whole rollout is one step on the gradient of `loss`. Rows that `rollout.mask` hides are
        in no minibatch: the others are dealt to the M minibatches as evenly as possible.

        ::

            learner = rule.init(params, optimizer)
            update = jax.jit(lambda learner, rollout, key: rule.update(learner, apply, optimizer, rollout, key))
            learner, info = update(learner, rollout, key)

        Args:
          learner: of `init` or of the update before.
          apply: see `loss`.
          optimizer: the optax transformation that `init` got.
          rollout: see `loss`.
          key: the randomness of minibatches; needed if M > 1.
          progress: see `loss`; by default the updates done, divided by `lifetime`, and 1 for an agent that lives on.
          lifetime: see `loss`.
          epochs: E, passes over the rollout; by default the rule's own, 1 for rules that are not made for several.
          minibatches: M, steps per pass, a divisor of T W; by default as for `epochs`.

        Returns:
          The agent after the update, and numbers f32[] for logs: "entropy" of the policy in nats, "clip_fraction", and
          for some rules "value_error", the mean squared error, and "reward_scale".

        Raises:
          GrooveError: see `loss`; also if M does not divide T W, the key is missing, or the learner is not of `init`.
        """
        check_learner(learner)
        check_optimizer("optimizer", optimizer)
        config = in_epochs(self.config, epochs, minibatches)
        rollout = read_experience(rollout)
        rollout = dataclasses.replace(rollout, obs=jnp.asarray(rollout.obs))  # minibatches index it inside a scan
        if self.config.told_lifetime and progress is None and lifetime is not None:
            inputs.check_told("lifetime", lifetime)
            progress = jnp.minimum(learner.updates / jnp.asarray(lifetime), 1.0)
        agent = as_agent(apply, learner.params, optimizer, self._widths, jnp.ndim(rollout.obs) - 2)
        _, heads = agent.read(learner.params, rollout.obs, tuple(self._widths))
        _, after = agent.read(learner.params, rollout.next_obs, tuple(self._widths))
        state = self.observe(learner.rule_state, rollout)
        batch, controls = self._batch(rollout, heads, after, state, progress, lifetime)
        learner = dataclasses.replace(learner, rule_state=state)
        learner, info = take_steps(config, agent, learner, heads, batch, key, controls)
        return learner, info | {"reward_scale": state.peak} if self.config.divides_rewards else info

    def _y_hat(self, heads: Heads, batch: Batch) -> Array | None:
        """Return the log-probabilities that the prediction moves towards; None if agents have no prediction."""
        return None if batch.y_hat is None else prediction_targets(self.config, heads, batch.y_hat)

    @property
    def _widths(self) -> dict[str, int]:
        return self.heads(0)  # the number of actions is that of the policy logits

    def _batch(
        self, rollout: Rollout, heads: Heads, after: Heads, state: PyTree, progress: Any, lifetime: Any
    ) -> tuple[Batch, Controls | None]:
        """Return the transitions of a rollout with their targets, f32[T, W], and the controls, f32[]."""
        inputs.check_actions(rollout, heads[LOGITS].shape[-1])
        inputs.check_rewards(rollout)
        if self.config.told_lifetime and (progress is None or lifetime is None):
            raise GrooveError(
                f'the rule "{self.name}" is conditioned on the lifetime: give progress (0 at the beginning, 1 at the '
                "end) and lifetime (agent updates)."
            )
        check_state(self.name, self.config, state)
        told = inputs.lifetime_inputs(progress, lifetime, rollout.reward.shape[1], alike=self.sets_controls)
        rollout = inputs.counted(rollout)
        rollout = divided(rollout, state) if self.config.divides_rewards else rollout
        return make_batch(self.config, self.eta, rollout, heads, after, told, state)
