"""Arrays as training loops have them: lists become arrays, and whatever is no number or no truth value is refused."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from groove.dropin import shapes
from groove.types import Array, Rollout
from groove.utils.errors import GrooveError
from groove.utils.io import one_line
from groove.utils.text import shown

_READ = ("reward", "terminated", "truncated")
_OBSERVATIONS = ("obs", "next_obs")


def read_rollout(rollout: Any, *also: str) -> Rollout:
    """Return a rollout whose fields are arrays that fit together; ends of episodes and the mask are bool.

    Inside `jit`, ends and masks of another type stay as they are, because their values cannot be seen.

    Args:
      rollout: of which reward, terminated, truncated and mask are read.
      also: names of further fields to read: "action", or "obs" and "next_obs".

    Raises:
      GrooveError: if a field is missing, holds no numbers or no truth values, or has a wrong shape, or the rollout
        holds no transition.
    """
    if missing := [name for name in (*_READ, *also) if not hasattr(rollout, name)]:
        raise GrooveError(
            f"rollout must be a groove.Rollout, not {shown(rollout)}, which lacks {missing[0]}: build it by "
            "groove.make_rollout."
        )
    fields: dict[str, Any] = {field.name: getattr(rollout, field.name, None) for field in dataclasses.fields(Rollout)}
    fields["reward"] = as_numbers("rollout.reward", fields["reward"])
    if fields["mask"] is not None:
        fields["mask"] = as_flags("rollout.mask", fields["mask"])
    for name in ("terminated", "truncated"):
        fields[name] = as_flags(f"rollout.{name}", fields[name], fields["mask"])
    for name in also:
        fields[name] = as_array(f"rollout.{name}", fields[name])
    others = {name: np.shape(fields[name]) for name in ("terminated", "truncated", *also) if name not in _OBSERVATIONS}
    mask = None if fields["mask"] is None else np.shape(fields["mask"])
    steps = shapes.check_steps("rollout.", np.shape(fields["reward"]), {**others, "mask": mask})
    if "obs" in also:
        shapes.check_observations("rollout.", np.shape(fields["obs"]), np.shape(fields["next_obs"]), steps)
    return Rollout(**fields)


def read_experience(rollout: Any) -> Rollout:
    """Return a rollout with all its fields, as `read_rollout` does; hidden rows have the observation of another row.

    Raises:
      GrooveError: see `read_rollout`.
    """
    rollout = read_rollout(rollout, "action", *_OBSERVATIONS)
    seen = {name: _without_hidden(getattr(rollout, name), rollout.mask) for name in _OBSERVATIONS}
    return dataclasses.replace(rollout, **seen)


def visible(x: Any, mask: Any) -> Any:
    """Return an array [T, W, ...] that is zero in hidden rows, from which not even NaN reaches the others.

    Args:
      x: the array.
      mask: bool[T, W]; None if no row is hidden.
    """
    if mask is None:
        return x
    return jnp.where(_rows(mask, x), x, jnp.zeros_like(x))


def _without_hidden(obs: Any, mask: Any) -> Any:
    """Return observations [T, W, ...] in which hidden rows are copies of the first row that counts.

    Zeros do not suffice: a network that divides by the size of its input makes NaN of them, and every gradient NaN.
    """
    if mask is None:
        return obs
    counts = jnp.reshape(jnp.asarray(mask, bool), -1)
    first = jnp.asarray(obs).reshape((-1, *np.shape(obs)[2:]))[jnp.argmax(counts)]
    return jnp.where(_rows(mask, obs), obs, jnp.where(counts.any(), first, jnp.zeros_like(first)))


def _rows(mask: Any, x: Any) -> Array:
    """Return a mask [T, W] with further axes of length one, as many as x has."""
    return jnp.reshape(jnp.asarray(mask, bool), (*np.shape(mask), *(1,) * (np.ndim(x) - 2)))


def as_array(name: str, x: Any) -> Any:
    """Return a list as a NumPy array, and an array as it is.

    Args:
      name: of the argument, for the message.
      x: an array, or a list of numbers.

    Raises:
      GrooveError: if it holds anything but numbers, as a text does.
    """
    try:
        array = x if isinstance(x, jax.Array) else np.asarray(x)
    except (ValueError, TypeError, RuntimeError) as error:
        raise GrooveError(f"{name} is no array ({one_line(error)}): give an array of numbers.") from error
    if not (jnp.issubdtype(array.dtype, np.number) or jnp.issubdtype(array.dtype, np.bool_)):
        given = "text" if array.dtype.kind in "US" else array.dtype
        raise GrooveError(f"{name} must be an array of numbers, not {'None' if x is None else given}.")
    return array


def as_numbers(name: str, x: Any) -> Any:
    """Return an array of real numbers; arguments and errors as for `as_array`."""
    array = as_array(name, x)
    if jnp.issubdtype(array.dtype, np.complexfloating):
        raise GrooveError(f"{name} must hold real numbers, not {array.dtype}.")
    return array


def as_flags(name: str, x: Any, mask: Any = None) -> Any:
    """Return an array of truth values as bool.

    Args:
      name: of the argument, for the message.
      x: bool, or numbers that are 0 or 1.
      mask: bool, of the same shape: where it is false, any number counts as true or false; None for no mask.

    Raises:
      GrooveError: if a number is neither 0 nor 1. Inside `jit` this cannot be seen: the array stays as it is.
    """
    array = as_numbers(name, x)
    if array.dtype == bool or isinstance(array, jax.core.Tracer):
        return array
    wrong = ~np.asarray((array == 0) | (array == 1))
    if mask is not None and not isinstance(mask, jax.core.Tracer) and np.shape(mask) == wrong.shape:
        wrong &= np.asarray(mask)
    if wrong.any():
        raise GrooveError(
            f"{name} must be true or false, or 1 or 0, and holds {np.asarray(array)[wrong][0]}: give for instance "
            f"{name} > 0.5."
        )
    return array.astype(bool)


def is_flag(x: Array) -> Array:
    """Return where an array holds a truth value: everywhere for bool, and where numbers are 0 or 1."""
    return jnp.ones(x.shape, bool) if x.dtype == bool else (x == 0) | (x == 1)
