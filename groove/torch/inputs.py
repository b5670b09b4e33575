"""The tensors that training loops give to a rule: their checks, and what the mask hides; see groove.dropin.inputs."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from groove.dropin.ranges import reward_error
from groove.dropin.shapes import Shape, check_head, check_steps
from groove.utils.errors import GrooveError


class Experience(NamedTuple):
    """The experience of an agent, [T, W] each."""

    action: Tensor
    reward: Tensor  # f32; 0 in hidden rows
    terminated: Tensor  # bool
    truncated: Tensor  # bool; true also before hidden rows, so that nothing reads backwards from them
    real: Tensor  # bool: false in hidden rows


def check_tensors(
    action: Tensor, reward: Tensor, terminated: Tensor, truncated: Tensor | None, mask: Tensor | None
) -> Shape:
    """Return T and W of a rollout, after comparing the shapes of its tensors.

    Raises:
      GrooveError: if a shape is wrong, or the rollout holds no transition.
    """
    given = {"action": action, "terminated": terminated, "truncated": truncated, "mask": mask}
    shapes = {name: None if x is None else tuple(x.shape) for name, x in given.items()}
    return check_steps("", tuple(reward.shape), shapes)


def make_experience(
    action: Tensor, reward: Tensor, terminated: Tensor, truncated: Tensor | None, mask: Tensor | None
) -> Experience:
    """Return the experience in which hidden rows cannot reach the others.

    Raises:
      GrooveError: if shapes do not fit together, or a reward is not finite.
    """
    check_tensors(action, reward, terminated, truncated, mask)
    terminated = terminated.bool()
    real = torch.ones_like(terminated) if mask is None else mask.bool()
    cut = torch.zeros_like(terminated) if truncated is None else truncated.bool()
    given, reward = reward, reward.float()
    bad = real & ~reward.isfinite()
    if not torch.compiler.is_compiling() and bad.any():
        step, worker = bad.nonzero()[0].tolist()
        raise reward_error("", given[step, worker].item(), step, worker)
    reward = torch.where(real, torch.where(bad, torch.nan, reward), 0.0)
    return Experience(action, reward, terminated, cut | torch.cat([~real[1:], torch.zeros_like(real[:1])]), real)


def check_actions(action: Tensor, real: Tensor, num_actions: int) -> None:
    """Refuse actions that are no index of a policy logit.

    Raises:
      GrooveError: if actions are no integers, or lie outside 0 .. A-1 in a row that is not hidden.
    """
    wanted = f"action must hold integers from 0 to {num_actions - 1}, the indices of the policy logits"
    if action.is_floating_point() or action.is_complex():
        raise GrooveError(f"{wanted}, not {action.dtype}: continuous and one-hot actions have no such index.")
    if torch.compiler.is_compiling():
        return  # the values are not known yet
    outside = action[real & ((action < 0) | (action >= num_actions))]
    if len(outside):
        raise GrooveError(
            f"{wanted}, not {int(outside[0])}: shift the actions to begin at 0, or hide padded rows by mask."
        )


def given_heads(
    rule: str, widths: Mapping[str, int], given: Mapping[str, Tensor | None], prefix: str, shape: torch.Size
) -> dict[str, Tensor]:
    """Return the outputs of an agent's heads by name, f32[T, W, width]; the value is f32[T, W].

    Args:
      rule: name of the rule, for messages.
      widths: name -> width of the heads of the rule; the width of "logits" is not checked.
      given: name -> the output of a head; heads that the rule does not read are left out.
      prefix: of the names of arguments in messages.
      shape: T and W.

    Raises:
      GrooveError: if an output is missing or has another shape.
    """
    outputs = {}
    for name in (name for name in widths if name in given):
        x = given[name]
        if x is None:
            raise GrooveError(
                f'the rule "{rule}" reads the head "{name}": give {name} and next_{name}, its outputs at the '
                "observations and at their successors."
            )
        check_head(f"{prefix}{name}", name, widths[name], tuple(x.shape), tuple(shape))
        outputs[name] = (x.squeeze(-1) if name == "value" and x.ndim == 3 else x).float()
    return outputs
