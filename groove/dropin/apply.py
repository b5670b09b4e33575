"""Agents of other people: a function `apply`, whose outputs are the heads that a rule needs, and an optimizer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from groove.agents.agent import Agent, scaled
from groove.types import LOGITS, PREDICTION, VALUE, Array, Heads, Params, PyTree
from groove.utils.errors import GrooveError
from groove.utils.text import shown

# (params, obs [B, ...]) -> (policy logits f32[B, A], prediction logits f32[B, Y]) and for some rules the value f32[B];
# or a mapping with the names of the heads
Apply = Callable[[Params, Array], Sequence[Array] | Mapping[str, Array]]

_WORDS = {LOGITS: "policy logits", PREDICTION: "prediction logits", VALUE: "values"}
_CURE = (
    "groove.haiku_heads, groove.flax_agent, groove.nnx_agent and groove.equinox_heads add the heads of a rule to a "
    "network"
)


def read_heads(apply: Apply, params: Params, obs: Array, widths: Mapping[str, Any], item_rank: int) -> Heads:
    """Return the outputs of an agent's heads by name, f32[..., width].

    Args:
      apply: see `Apply`.
      params: parameters of the agent's network.
      obs: [..., D...], any number of leading axes and the axes of one observation.
      widths: name -> width of the heads of the rule, in the order of the outputs; the width of LOGITS is not checked.
      item_rank: number of axes of one observation.

    Raises:
      GrooveError: if a head is missing, there is one too many, or one has the wrong shape.
    """
    obs = jnp.asarray(obs)
    lead = obs.shape[: obs.ndim - item_rank]
    flat = jnp.reshape(obs, (-1, *obs.shape[len(lead) :]))
    if not callable(apply):
        raise GrooveError(f"apply must be a function (params, obs) -> {_signature(widths)}, not {shown(apply)}.")
    heads = _by_name(apply(params, flat), widths)
    if VALUE in heads and heads[VALUE].ndim == 1:
        heads[VALUE] = heads[VALUE][:, None]
    for name, head in heads.items():
        width = head.shape[-1] if name == LOGITS and head.ndim == 2 else widths[name]
        if head.shape != (len(flat), width):
            wanted = {LOGITS: "[B, A]", VALUE: "[B] or [B, 1]"}.get(name, f"[B, {width}]")
            raise GrooveError(
                f"apply must return {_WORDS.get(name, name)} of shape {wanted} for B observations, not {head.shape}: "
                f"it returns {_signature(widths)}."
            )
    heads = {name: jnp.reshape(x, (*lead, x.shape[-1])).astype(jnp.float32) for name, x in heads.items()}
    if LOGITS in heads:
        heads[LOGITS] = finite_logits(heads[LOGITS])
    return heads


def finite_logits(logits: Array) -> Array:
    """Replace -inf, the logit of illegal actions, by the smallest f32, because 0 x -inf is NaN."""
    return jnp.maximum(logits, jnp.finfo(jnp.float32).min)


def as_agent(
    apply: Apply,
    params: Params,
    optimizer: optax.GradientTransformation,
    widths: Mapping[str, Any],
    item_rank: int,
) -> Agent:
    """Return a network and its optimizer as an agent that rules can read and move.

    Args:
      apply: see `Apply`.
      params: with which the agent begins.
      optimizer: turns a gradient by parameters into updates.
      widths: see `read_heads`.
      item_rank: number of axes of one observation.
    """
    optimizer = optax.with_extra_args_support(optimizer)

    def read(params: Params, obs: Array, names: Sequence[str]) -> tuple[Params, Heads]:
        heads = read_heads(apply, params, obs, widths, item_rank)
        return params, {name: heads[name] for name in names}

    def step(
        params: Params, opt_state: PyTree, obs: Array, gradients: Heads, factor: Array | None = None
    ) -> tuple[Params, PyTree]:
        _, pull = jax.vjp(lambda p: read(p, obs, tuple(gradients))[1], params)
        updates, opt_state = take_step(optimizer, pull(gradients)[0], opt_state, params)
        return optax.apply_updates(params, scaled(updates, factor)), opt_state

    def init(key: Array) -> tuple[Params, PyTree]:
        del key  # the parameters are given
        return params, optimizer.init(params)

    return Agent(init=init, read=read, step=step, policy=lambda params: params, hold=lambda params, name: params)


def check_optimizer(name: str, optimizer: Any) -> None:
    """Refuse what is no optax transformation.

    Args:
      name: of the argument, for the message.
      optimizer: the argument.
    """
    if not all(callable(getattr(optimizer, method, None)) for method in ("init", "update")):
        raise GrooveError(f"{name} must be an optax transformation, such as optax.adam(5e-4), not {shown(optimizer)}.")


def take_step(
    optimizer: optax.GradientTransformationExtraArgs, gradient: PyTree, state: PyTree, params: Params, **extra: Any
) -> tuple[PyTree, PyTree]:
    """Return the updates of an optimizer and its state after them.

    Raises:
      GrooveError: if the state is not one of this optimizer for these parameters.
    """
    if not _is_state(optimizer, state, params):
        raise GrooveError(
            f"the state of the optimizer, {shown(state)}, is not one of this optimizer for these parameters: begin "
            "with init(params), and give every update the state of the update before."
        )
    return optimizer.update(gradient, state, params, **extra)


def _is_state(optimizer: optax.GradientTransformation, state: PyTree, params: Params) -> bool:
    try:
        usual: Any = jax.tree.structure(jax.eval_shape(optimizer.init, params))
    except TypeError:  # models that hold functions beside arrays cannot be traced
        return True
    return bool(usual == jax.tree.structure(state))


def _by_name(output: Any, widths: Mapping[str, Any]) -> Heads:
    """Return the outputs of `apply` by the names of the heads; further names in a mapping are left out."""
    if not isinstance(output, Mapping | tuple | list):
        raise GrooveError(
            f"apply must return {_signature(widths)}, a tuple in this order or a mapping by name, not one "
            f"{type(output).__name__}. {_CURE}."
        )
    found = output if isinstance(output, Mapping) else dict(zip(widths, output, strict=False))
    for name in widths:
        if found.get(name) is None:
            width = "A, the number of actions" if name == LOGITS else widths[name]
            returned = (
                f"only {', '.join(map(repr, found))}" if isinstance(output, Mapping) else f"{len(output)} output(s)"
            )
            raise GrooveError(
                f'the head "{name}" is missing, whose width is {width}: apply returns {returned}, and the rule needs '
                f"{_signature(widths)}. {_CURE}."
            )
    if not isinstance(output, Mapping) and len(output) > len(widths):
        raise GrooveError(
            f"apply returns {len(output)} outputs, and the rule needs {len(widths)}, {_signature(widths)}: leave out "
            "the others, or return a mapping with these names, of which the rule takes its own."
        )
    return {name: jnp.asarray(found[name]) for name in widths}


def _signature(widths: Mapping[str, Any]) -> str:
    shapes = {LOGITS: "logits [B, A]", VALUE: "value [B]"}
    return f"({', '.join(shapes.get(name, f'{name} [B, {width}]') for name, width in widths.items())})"
