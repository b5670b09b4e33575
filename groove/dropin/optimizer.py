"""A learned rule as an optax transformation."""

import difflib
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from groove.agents.agent import scaled
from groove.dropin.apply import Apply, check_optimizer, read_heads, take_step
from groove.dropin.arrays import read_experience
from groove.dropin.disco_rule import DiscoRule
from groove.dropin.rule import Rule
from groove.lpg.controls import remember
from groove.types import LOGITS, PyTree, Rollout
from groove.utils.errors import GrooveError
from groove.utils.jax_flags import usual_promotion
from groove.utils.text import shown

_ALIKE = 0.75  # share of letters by which a keyword is taken for a misspelt one


class RuleOptState(NamedTuple):
    """The state of `as_optax` for a rule with a memory, such as the running scale of rewards."""

    inner: Any  # the state of the inner transformation
    rule_state: PyTree


def as_optax(rule: Rule, apply: Apply, inner: optax.GradientTransformation) -> optax.GradientTransformationExtraArgs:
    """Return the rule as an optax transformation, which computes updates from a rollout instead of gradients.

    ::

        updates, state = optimizer.update(None, state, params, rollout=rollout)

    Other transformations belong into `inner`, which sees the rule's gradient, as in
    `as_optax(rule, apply, optax.chain(optax.clip_by_global_norm(0.5), optax.adam(5e-4)))`. The same holds for
    `optax.MultiSteps`, `apply_if_finite`, `masked` and `multi_transform`. Flax's `TrainState` cannot pass a rollout on:
    give it the gradient of `Rule.loss` and an ordinary optimizer.

    For rules that scale rewards, the optimizer's state also holds the running scale, and every call of `update` brings
    it up to date. One call takes one step on the whole rollout. Several steps on one rollout, which rules with the base
    "ppo" are made for, need `Rule.update`.

    Args:
      rule: the learned rule.
      apply: see `Rule.loss`.
      inner: the transformation that turns the rule's gradient into updates, such as optax.adam(5e-4).

    Returns:
      A transformation whose `update` takes None for gradients, the parameters, and by keyword `rollout`, `progress` and
      `lifetime`, as `Rule.loss` does.

    Raises:
      GrooveError: if the rule or the inner transformation is none; from `init` inside another transformation or a
        `TrainState`; from `update` if a gradient is given, the parameters or the rollout are missing, the state is not
        of `init`, or a keyword is misspelt.
    """
    if not isinstance(rule, Rule):
        if isinstance(rule, DiscoRule):
            raise GrooveError(
                f'as_optax cannot hold the target network of the rule "{rule.name}": use rule.update, which takes any '
                "optimizer."
            )
        raise GrooveError(f"rule must be a learned rule of groove.load, not {shown(rule)}.")
    check_optimizer("inner", inner)
    inner = optax.with_extra_args_support(inner)

    def init(params: PyTree) -> Any:
        _refuse_wrappers(sys._getframe(1).f_globals.get("__name__", ""))
        state = inner.init(params)
        return RuleOptState(state, rule.init_state()) if rule.has_state else state

    @usual_promotion()
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
        _refuse_misspelt(extra)
        rollout = read_experience(rollout)
        rule_state: Any = None
        inner_state = state
        if rule.has_state:
            if not isinstance(state, RuleOptState):
                raise GrooveError(
                    f'the optimizer\'s state lacks the memory of the rule "{rule.name}": begin with optimizer.init('
                    "params) of as_optax, not with the state of inner."
                )
            rule_state, inner_state = rule.observe(state.rule_state, rollout), state.inner
        told = {"state": rule_state, "progress": progress, "lifetime": lifetime}
        gradient, (controls, logits) = jax.grad(rule.loss_and_controls, has_aux=True)(params, apply, rollout, **told)
        updates, inner_state = take_step(inner, gradient, inner_state, params, **extra)
        if controls is not None:
            updates = scaled(updates, controls.step)
            rank = jnp.ndim(rollout.obs) - 2
            moved = read_heads(apply, optax.apply_updates(params, updates), rollout.obs, rule.heads(0), rank)
            rule_state = remember(rule_state, controls.step, logits, moved[LOGITS], rollout.mask)
        return updates, RuleOptState(inner_state, rule_state) if rule.has_state else inner_state

    return optax.GradientTransformationExtraArgs(init=init, update=update)


def _refuse_misspelt(extra: Mapping[str, Any]) -> None:
    """Refuse further keywords, which belong to inner, if they are meant for the rule: inner might ignore them."""
    for name in extra:
        if close := difflib.get_close_matches(name, ("rollout", "progress", "lifetime"), n=1, cutoff=_ALIKE):
            raise GrooveError(f'unknown argument "{name}" (did you mean "{close[0]}"?).')


def _refuse_wrappers(caller: str) -> None:
    """Refuse a caller, the name of a module, that would hand as_optax no gradient to wrap or no rollout."""
    if caller.startswith(("optax.", "flax.training.")):
        raise GrooveError(
            f"as_optax cannot be wrapped by {caller.partition('.')[0]}, because wrappers see no gradient: put the "
            "other transformations into inner, as in as_optax(rule, apply, optax.chain("
            "optax.clip_by_global_norm(0.5), optax.adam(5e-4))), or use the gradient of rule.loss with an ordinary "
            "optimizer."
        )
