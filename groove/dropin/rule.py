"""A learned rule in any training loop, in place of a policy-gradient loss.

::

    rule = groove.load("groove")
    loss = rule.loss(params, apply, rollout)                       # inside any value_and_grad
    optimizer = groove.as_optax(rule, apply, optax.adam(5e-4))     # or as an optax transformation

The agent's network has two heads: logits of the policy, and logits of a prediction of width `rule.prediction_width`.
The rule decides what the prediction means.
"""

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from groove import ops
from groove.dropin.find import named_rule
from groove.dropin.inputs import (
    action_log_prob,
    check_actions,
    check_rollout,
    constant,
    lifetime_inputs,
    masked_mean,
    masked_normalise,
    network_inputs,
)
from groove.dropin.rule_file import find_rule_file, fingerprint
from groove.lpg.network import LPGConfig, make_lpg_network
from groove.types import Array, Params, PyTree, Rollout
from groove.utils.errors import GrooveError, unknown_name
from groove.utils.paths import PathLike

AUTORESET_MODES = ("same_step", "next_step", "disabled")  # of gymnasium's vector environments

# (params, obs [B, ...]) -> (policy logits f32[B, A], prediction logits f32[B, Y])
Apply = Callable[[Params, Array], tuple[Array, Array]]


class Targets(NamedTuple):
    """The targets that a rule computes for an agent; constants of the agent's gradient."""

    pi_hat: Array  # f32 [T, W]: the weight of log pi(a_t | s_t), in the place of an advantage
    y_hat: Array  # f32 [T, W, Y]: log-probabilities that the prediction moves towards


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
        """Y, the width of the prediction head that agents need."""
        return self.config.prediction_width

    @functools.cached_property
    def _identity(self) -> tuple[str, str]:
        return repr(self.config), fingerprint(self.eta)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def loss(
        self,
        params: Params,
        apply: Apply,
        rollout: Rollout,
        *,
        progress: Array | float | None = None,
        lifetime: Array | float | None = None,
    ) -> Array:
        """Return the loss that an agent descends, f32[] (Oh et al. 2020, eq. 2).

        The gradient with respect to `params` is the update of the rule. Over the rows t that `rollout.mask` does not
        hide, the loss is::

            mean_t [ -log pi(a_t|s_t) pi_hat_t + alpha_y KL(y(s_t) || y_hat_t) ]

        `apply` reads `next_obs` as well as `obs`: layers that gather statistics of their inputs see both.

        Args:
          params: parameters of the agent's network.
          apply: (params, obs [B, ...]) -> (policy logits [B, A], prediction logits [B, Y]), where B = T W.
          rollout: T steps of W workers; `next_obs` are the true successors (see `make_rollout`).
          progress: n / L, the share of the agent's lifetime that is over; read by rules that are conditioned on the
            lifetime.
          lifetime: L, agent updates; read by the same rules.

        Raises:
          GrooveError: if a head has the wrong width, an action is no index of a policy logit, or a rule that is
            conditioned on the lifetime gets none. Inside `jit`, an action outside 0 .. A-1 makes the loss NaN instead.
          AssertionError: if shapes do not fit together; the message names the array and the shape expected.
        """
        logits, y, next_y = self._read_heads(params, apply, rollout)
        targets = self.targets(rollout, logits, y, next_y, progress=progress, lifetime=lifetime)
        policy = -action_log_prob(logits, rollout) * targets.pi_hat
        prediction = ops.kl_divergence(y, targets.y_hat)
        return masked_mean(policy + self.config.prediction_coefficient * prediction, rollout.mask)

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
        """Return the targets of a rollout, for other losses and for agents with a memory.

        Args:
          rollout: only reward, terminated, truncated, action and mask are read, each [T, W].
          logits: f32[T, W, A], of the policy at obs.
          y, next_y: f32[T, W, Y], of the prediction at obs and next_obs.
          progress, lifetime: see `loss`.

        Raises:
          GrooveError: see `loss`.
        """
        check_actions(rollout, logits.shape[-1])
        told = self._lifetime(progress, lifetime, rollout.reward.shape[1])
        logits, y, next_y = (jnp.asarray(x, jnp.float32) for x in (logits, y, next_y))
        inputs = network_inputs(rollout, logits, y, next_y, **told)
        pi_hat, y_hat = make_lpg_network(self.config).apply(self.eta, inputs)
        if self.config.normalise:
            pi_hat = masked_normalise(pi_hat, rollout.mask)
        return Targets(*jax.lax.stop_gradient((pi_hat, y_hat)))

    def _read_heads(self, params: Params, apply: Apply, rollout: Rollout) -> tuple[Array, Array, Array]:
        """Return policy logits, prediction logits, and prediction logits of the successors, f32[T, W, width]."""
        check_rollout(rollout)
        shape = rollout.reward.shape

        def flat(obs: Array) -> Array:
            return jnp.reshape(obs, (-1, *obs.shape[2:]))

        logits, y = apply(params, flat(rollout.obs))
        _, next_y = apply(constant(params), flat(rollout.next_obs))
        for name, head in (("prediction", y), ("policy", logits)):
            if head.ndim != 2 or (name == "prediction" and head.shape[1] != self.prediction_width):
                width = self.prediction_width if name == "prediction" else "A"
                raise GrooveError(
                    f"apply must return {name} logits of shape [B, {width}] for B observations, not {head.shape}: "
                    "it returns (policy logits, prediction logits), and the prediction is rule.prediction_width wide."
                )
        logits, y, next_y = (jnp.reshape(x, (*shape, x.shape[-1])).astype(jnp.float32) for x in (logits, y, next_y))
        return logits, y, next_y

    def _lifetime(self, progress: Any, lifetime: Any, workers: int) -> dict[str, Array]:
        if self.config.lifetime_conditioning and (progress is None or lifetime is None):
            raise GrooveError(
                f'the rule "{self.name}" is conditioned on the lifetime: give progress (0 at the beginning, 1 at the '
                "end) and lifetime (agent updates)."
            )
        return lifetime_inputs(progress, lifetime, workers)


def load(name: PathLike) -> Rule:
    """Load a learned rule; no code from files is run.

    Args:
      name: the name of a released rule, the directory of a run, or a rule file; "~" is the home folder.

    Raises:
      GrooveError: if there is no such rule, its file is damaged, or the rule is not an LPG rule.
    """
    found = named_rule(name)
    if found.config is None:
        raise GrooveError(f'"{name}" is written by hand and has no weights to load; name a learned rule.')
    if not isinstance(found.config, LPGConfig):
        raise GrooveError(
            f'"{name}" is a rule of the kind "{found.rule.name}", and groove.load reads the kind "lpg" only: '
            "test the rule with launch/meta_test.py."
        )
    for array in jax.tree.leaves(found.eta):
        array.setflags(write=False)
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
    *,
    autoreset_mode: Any = "same_step",
    ended_before: Array | None = None,
) -> Rollout:
    """Build a rollout from the arrays that training loops usually have.

    In gymnasium's default mode, "next_step", the step after the end of an episode ignores the action and only resets.
    The mask of the rollout hides these rows, and the successors are always the next observations.

    Args:
      obs: [T, W, ...], the observations that the actions answered.
      last_obs: [W, ...], the observation after the last step.
      action: int32[T, W].
      reward: f32[T, W].
      terminated: bool[T, W], the episode ended by the environment's own rules.
      truncated: bool[T, W], the episode was cut off by a time limit; by default never.
      next_obs: [T, W, ...], the true successors. By default the next observations, which are harmless after a
        termination even if they belong to the next episode.
      autoreset_mode: "same_step", "next_step" or "disabled", or gymnasium's `AutoresetMode`.
      ended_before: bool[W], whether the step before this rollout ended an episode; false in the first rollout. Needed
        in the mode "next_step".

    Raises:
      GrooveError: if there are truncated steps without `next_obs` in another mode than "next_step", if `ended_before`
        is missing, or on an unknown mode.
    """
    mode = str(getattr(autoreset_mode, "name", autoreset_mode)).lower()
    if mode not in AUTORESET_MODES:
        raise unknown_name("autoreset mode", mode, AUTORESET_MODES)
    never = jnp.zeros_like(terminated)
    ended = terminated | (never if truncated is None else truncated)
    mask = None
    if mode == "next_step":
        if ended_before is None:
            raise GrooveError(
                'the autoreset mode "next_step" needs ended_before, bool[W]: terminated | truncated of the step before '
                "this rollout, false in the first rollout."
            )
        mask = ~jnp.concatenate([jnp.asarray(ended_before, bool)[None], ended[:-1]])
    elif truncated is not None and next_obs is None:
        raise GrooveError(
            "a truncated episode is bootstrapped from its last observation, which auto-resetting environments return "
            "apart (gymnasium: info['final_obs']): give next_obs, or autoreset_mode='next_step' for environments in "
            "this mode, or truncated=None if no episode is ever cut off."
        )
    successors = jnp.concatenate([obs[1:], last_obs[None]]) if next_obs is None else next_obs
    return Rollout(obs, action, reward, terminated, never if truncated is None else truncated, successors, mask)


def as_optax(rule: Rule, apply: Apply, inner: optax.GradientTransformation) -> optax.GradientTransformationExtraArgs:
    """Return the rule as an optax transformation, which computes updates from a rollout instead of gradients.

    ::

        updates, state = optimizer.update(None, state, params, rollout=rollout)

    Other transformations belong into `inner`, which sees the rule's gradient, as in
    `as_optax(rule, apply, optax.chain(optax.clip_by_global_norm(0.5), optax.adam(5e-4)))`. The same holds for
    `optax.MultiSteps`, `apply_if_finite`, `masked` and `multi_transform`. Flax's `TrainState` cannot pass a rollout on:
    give it the gradient of `Rule.loss` and an ordinary optimizer.

    Args:
      rule: the learned rule.
      apply: see `Rule.loss`.
      inner: the transformation that turns the rule's gradient into updates, such as optax.adam(5e-4).

    Returns:
      A transformation whose `update` takes None for gradients, the parameters, and by keyword `rollout`, `progress` and
      `lifetime`, as `Rule.loss` does.

    Raises:
      GrooveError: from `init` inside another transformation or a `TrainState`; from `update` if a gradient is given, or
        the parameters or the rollout are missing.
    """
    inner = optax.with_extra_args_support(inner)

    def init(params: PyTree) -> Any:
        _refuse_wrappers(sys._getframe(1).f_globals.get("__name__", ""))
        return inner.init(params)

    def update(
        updates: Any,
        state: Any,
        params: PyTree | None = None,
        *,
        rollout: Rollout | None = None,
        progress: Any = None,
        lifetime: Any = None,
        **extra: Any,
    ) -> tuple[PyTree, Any]:
        if jax.tree.leaves(updates) or params is None or rollout is None:
            raise GrooveError(
                "the rule computes its own gradient: call update(None, state, params, rollout=rollout), or use the "
                "gradient of rule.loss with an ordinary optimizer."
            )
        gradient = jax.grad(rule.loss)(params, apply, rollout, progress=progress, lifetime=lifetime)
        return inner.update(gradient, state, params, **extra)

    return optax.GradientTransformationExtraArgs(init=init, update=update)


def _refuse_wrappers(caller: str) -> None:
    """Refuse a caller, the name of a module, that would hand as_optax no gradient to wrap or no rollout."""
    if caller.startswith(("optax.", "flax.training.")):
        raise GrooveError(
            f"as_optax cannot be wrapped by {caller.partition('.')[0]}, because wrappers see no gradient: put the "
            "other transformations into inner, as in as_optax(rule, apply, optax.chain("
            "optax.clip_by_global_norm(0.5), optax.adam(5e-4))), or use the gradient of rule.loss with an ordinary "
            "optimizer."
        )
