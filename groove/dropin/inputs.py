"""The arrays that training loops give to a rule: their checks, and what the mask hides."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from groove import ops
from groove.dropin.arrays import as_numbers, is_flag
from groove.dropin.ranges import in_range, range_error, reward_error
from groove.types import Array, Rollout
from groove.utils.errors import GrooveError
from groove.utils.text import shown


def check_actions(rollout: Rollout, num_actions: int) -> None:
    """Refuse actions that are no index of a policy logit; inside `jit`, only their type can be checked.

    Raises:
      GrooveError: if actions are no integers, or lie outside 0 .. A-1 in a row that the mask does not hide.
    """
    wanted = f"rollout.action must hold integers from 0 to {num_actions - 1}, the indices of the policy logits"
    dtype = jnp.asarray(rollout.action).dtype
    if not (jnp.issubdtype(dtype, jnp.integer) or jnp.issubdtype(dtype, jnp.bool_)):
        raise GrooveError(f"{wanted}, not {dtype}: continuous and one-hot actions have no such index.")
    if _is_traced(rollout.action) or _is_traced(rollout.mask):
        return
    action = np.asarray(rollout.action)
    outside = ~_in_range(action, None if rollout.mask is None else np.asarray(rollout.mask, bool), num_actions)
    if outside.any():
        value = action[outside][0]
        raise GrooveError(
            f"{wanted}, not {value}: shift the actions to begin at 0, or hide padded rows by rollout.mask."
        )


def check_rewards(rollout: Rollout) -> None:
    """Refuse rewards that are not finite in rows that the mask does not hide; inside `jit` they cannot be seen.

    Raises:
      GrooveError: if a reward is NaN, infinite, or beyond the range of float32.
    """
    if _is_traced(rollout.reward) or _is_traced(rollout.mask):
        return
    reward = np.asarray(rollout.reward)
    bad = ~np.isfinite(_float32(reward))
    if rollout.mask is not None:
        bad &= np.asarray(rollout.mask, bool)
    if bad.any():
        step, worker = np.argwhere(bad)[0]
        raise reward_error("rollout.", float(reward[step, worker]), step, worker)


def action_log_prob(logits: Array, rollout: Rollout) -> Array:
    """Return log pi(a_t|s_t), f32[T, W]; NaN where an action lies outside 0 .. A-1 in a row that is not hidden.

    The NaN makes the loss and its gradient NaN, because values cannot raise an error inside `jit`.
    """
    action = jnp.asarray(rollout.action)
    mask = None if rollout.mask is None else jnp.asarray(rollout.mask, bool)
    valid = _in_range(action, mask, logits.shape[-1])
    return ops.log_prob(logits, action) * jnp.where(valid, 1.0, jnp.nan)


def counted(rollout: Rollout) -> Rollout:
    """Return a rollout in which rows that the mask hides cannot reach the others.

    The reward of a hidden row is 0. A row before a hidden row counts as truncated, so that the network, advantages and
    returns, which read backwards, carry nothing from hidden rows into the others. Rewards that are not finite become
    NaN, which makes the loss NaN; so do ends of episodes and masks that are neither 0 nor 1, as may be inside `jit`.
    """
    reward = rollout.reward if isinstance(rollout.reward, jax.Array) else _float32(rollout.reward)
    reward = jnp.asarray(reward, jnp.float32)
    truncated = jnp.asarray(rollout.truncated, bool)
    mask = None if rollout.mask is None else jnp.asarray(rollout.mask, bool)
    flags = [jnp.asarray(x) for x in (rollout.terminated, rollout.truncated, rollout.mask) if x is not None]
    valid = functools.reduce(jnp.logical_and, map(is_flag, flags), jnp.isfinite(reward))
    reward = jnp.where(valid, reward, jnp.nan)
    if mask is not None:
        reward = jnp.where(mask, reward, 0.0)
        truncated |= jnp.concatenate([~mask[1:], jnp.zeros_like(mask[:1])])
    return dataclasses.replace(
        rollout,
        action=jnp.asarray(rollout.action),
        reward=reward,
        terminated=jnp.asarray(rollout.terminated, bool),
        truncated=truncated,
        mask=mask,
    )


def lifetime_inputs(progress: Any, lifetime: Any, workers: int, alike: bool = False) -> dict[str, Array]:
    """Return progress n / L and lifetime L for every worker, f32[W]; 0 and 1 where they are None.

    Inside `jit`, numbers outside their range become NaN, which makes the loss NaN.

    Args:
      progress: one number, or f32[W]; None if the rule does not read it.
      lifetime: as progress.
      workers: W.
      alike: whether workers have one progress and one lifetime, as under rules that set one step for all of them.

    Raises:
      GrooveError: see `check_told`; also if there is not one number, or one for each worker.
    """
    given = {"lifetime": 1.0 if lifetime is None else lifetime, "progress": 0.0 if progress is None else progress}
    told = {}
    for name, x in given.items():
        x = _as_told(name, x)
        if np.shape(x) not in ((), (1,), *(() if alike else ((workers,),))):
            others = "" if alike else f", or one for each of {workers} workers"
            raise GrooveError(f"{name} has shape {np.shape(x)}: give one number{others}.")
        check_told(name, x)
        x = jnp.asarray(x, jnp.float32)
        if _is_traced(x):
            x = jnp.where(in_range(name, x), x, jnp.nan)
        told[name] = jnp.broadcast_to(x, (workers,))
    return told


def check_told(name: str, value: Any) -> None:
    """Refuse a number outside its range; inside `jit` it cannot be seen.

    Args:
      name: "lifetime" or "progress".
      value: the number, or one for each worker.

    Raises:
      GrooveError: if it is no number, a lifetime is not positive and finite, or progress does not lie between 0 and 1.
    """
    if _is_traced(value := _as_told(name, value)):
        return
    numbers = np.atleast_1d(np.asarray(value))
    if not (fitting := in_range(name, numbers)).all():
        raise range_error(name, numbers[~fitting][0])


def _as_told(name: str, value: Any) -> Any:
    """Return the numbers of an argument as an array; True and False are no numbers here."""
    numbers = as_numbers(name, value)
    if numbers.dtype == bool:
        raise GrooveError(f"{name} must be a number, not {shown(value)}.")
    return numbers


def constant(tree: Any) -> Any:
    """Return a tree whose arrays are constants of every gradient; other leaves, such as functions, stay as they are."""
    return jax.tree.map(lambda x: jax.lax.stop_gradient(x) if isinstance(x, jax.Array | np.ndarray) else x, tree)


def _in_range(action: Any, mask: Any, num_actions: int) -> Any:
    """Return where actions are indices of logits or hidden, bool[T, W]; NumPy arrays stay NumPy arrays inside `jit`."""
    in_range = (action >= 0) & (action < num_actions)
    return in_range if mask is None else in_range | ~mask


def _float32(x: Any) -> np.ndarray:
    """Return an array as f32; numbers beyond its range are infinite, without NumPy's warning."""
    with np.errstate(over="ignore"):
        return np.asarray(x).astype(np.float32)


def _is_traced(x: Any) -> bool:
    return isinstance(x, jax.core.Tracer)
