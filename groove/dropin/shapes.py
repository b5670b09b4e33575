"""The shapes of arrays that training loops give to a rule, in JAX and in PyTorch.

This module does not import JAX, so that groove.torch works without JAX.
"""

from collections.abc import Mapping
from typing import TypeAlias

from groove.utils.errors import GrooveError

Shape: TypeAlias = tuple[int, ...]

_ORDER = "give one entry for each reward, time first, then workers"


def check_steps(prefix: str, reward: Shape, others: Mapping[str, Shape | None]) -> Shape:
    """Return T and W of a rollout, after comparing the shapes of its rewards and of other arrays [T, W].

    Args:
      prefix: of the names of arguments in messages.
      reward: shape of the rewards.
      others: name -> shape; None for an array that may be missing.

    Raises:
      GrooveError: if a shape is wrong, or the rollout holds no transition.
    """
    if len(reward) != 2:
        raise GrooveError(
            f"{prefix}reward must be f32[T, W], not {reward}: give one for each of T steps of W workers, time first."
        )
    if 0 in reward:
        raise GrooveError(f"the rollout holds no transition: reward has shape {reward}, T steps of W workers.")
    for name, shape in others.items():
        if shape not in (None, reward):
            kind = "" if name == "action" else "bool"
            raise GrooveError(f"{prefix}{name} must be {kind}[T, W], T, W = {reward}, not {shape}: {_ORDER}.")
    return reward


def check_observations(prefix: str, obs: Shape, next_obs: Shape, steps: Shape) -> None:
    """Refuse observations that are not [T, W, ...], or successors of another shape.

    Args:
      prefix: of the names of arguments in messages.
      obs, next_obs: shapes.
      steps: T and W.

    Raises:
      GrooveError: if a shape is wrong.
    """
    if obs[:2] != steps:
        raise GrooveError(f"{prefix}obs must be [T, W, ...], T, W = {steps}, not {obs}: {_ORDER}.")
    if next_obs != obs:
        raise GrooveError(
            f"{prefix}next_obs must have the shape of {prefix}obs, {obs}, not {next_obs}: give the successor of every "
            "observation."
        )


def check_head(label: str, head: str, width: int, shape: Shape, steps: Shape) -> None:
    """Refuse the output of a head that is not [T, W, width]; the value may be [T, W].

    Args:
      label: name of the argument.
      head: "logits", "y" or "value".
      width: of the head; the width of "logits" is free.
      shape: of the output.
      steps: T and W.

    Raises:
      GrooveError: if the shape is wrong.
    """
    fits = shape == (*steps, shape[-1] if head == "logits" and shape else width)
    if not fits and not (head == "value" and shape == steps):
        axes = {"logits": "T, W, A", "value": "T, W"}.get(head, f"T, W, {width}")
        raise GrooveError(f"{label} must be f32[{axes}], T, W = {steps}, not {shape}: {_ORDER}.")


def check_moved(logits: Shape, new_logits: Shape, mask: Shape | None) -> None:
    """Refuse logits before and after an update, and a mask, that do not fit together.

    Args:
      logits, new_logits: shapes of the logits.
      mask: shape of the mask; None if there is none.

    Raises:
      GrooveError: if a shape is wrong.
    """
    if len(logits) != 3:
        raise GrooveError(f"logits must be f32[T, W, A], not {logits}: give the logits of the policy for each step.")
    if new_logits != logits:
        raise GrooveError(
            f"new_logits must have the shape of logits, {logits}, not {new_logits}: give the logits of the policy at "
            "the same observations."
        )
    if mask not in (None, logits[:2]):
        raise GrooveError(f"mask must be bool[T, W], T, W = {logits[:2]}, not {mask}: {_ORDER}.")
