"""The tensors that training loops give to a rule: their checks, and what the mask hides; see groove.dropin.inputs."""

import math
import sys
from collections.abc import Mapping
from numbers import Real
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from groove.dropin.ranges import in_range, range_error, reward_error
from groove.dropin.shapes import Shape, check_head, check_steps
from groove.torch.heads import finite_logits
from groove.utils.errors import GrooveError
from groove.utils.text import shown


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
      GrooveError: if an argument is no tensor, a shape is wrong, or the rollout holds no transition.
    """
    check_numbers(reward=reward, terminated=terminated)
    check_numbers(**{name: x for name, x in {"truncated": truncated, "mask": mask}.items() if x is not None})
    if not isinstance(action, Tensor):
        raise _no_tensor("action", action)
    given = {"action": action, "terminated": terminated, "truncated": truncated, "mask": mask}
    shapes = {name: None if x is None else tuple(x.shape) for name, x in given.items()}
    return check_steps("", tuple(reward.shape), shapes)


def make_experience(
    action: Tensor, reward: Tensor, terminated: Tensor, truncated: Tensor | None, mask: Tensor | None
) -> Experience:
    """Return the experience in which hidden rows cannot reach the others.

    Raises:
      GrooveError: if shapes do not fit together, a reward is not finite, or ends or the mask are neither 0 nor 1.
    """
    check_tensors(action, reward, terminated, truncated, mask)
    real = torch.ones_like(terminated, dtype=torch.bool) if mask is None else mask.bool()
    flags = {"mask": mask, "terminated": terminated, "truncated": truncated}
    wrong = {name: _no_flags(name, x, real) for name, x in flags.items() if x is not None}
    terminated = terminated.bool()
    cut = torch.zeros_like(terminated) if truncated is None else truncated.bool()
    given, reward = reward, reward.float()
    bad = real & ~reward.isfinite()
    if not torch.compiler.is_compiling() and bad.any():
        step, worker = bad.nonzero()[0].tolist()
        raise reward_error("", given[step, worker].item(), step, worker)
    bad = torch.stack([bad, *wrong.values()]).any(0)  # while compiling, nothing can be refused
    reward = torch.where(real, torch.where(bad, torch.nan, reward), 0.0)
    return Experience(action, reward, terminated, cut | torch.cat([~real[1:], torch.zeros_like(real[:1])]), real)


def visible(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return a tensor [T, W, ...] that is zero in hidden rows, from which not even NaN reaches the others."""
    if mask is None:
        return x
    return torch.where(_rows(mask, x), x, torch.zeros_like(x))


def without_hidden(obs: Tensor, mask: Tensor | None) -> Tensor:
    """Return observations [T, W, ...] in which hidden rows are copies of the first row that counts.

    Zeros do not suffice: a module that divides by the size of its input makes NaN of them, and every gradient NaN.
    """
    if mask is None:
        return obs
    counts = mask.bool().flatten()
    first = obs.flatten(0, 1)[counts.int().argmax()]
    return torch.where(_rows(mask, obs), obs, torch.where(counts.any(), first, torch.zeros_like(first)))


def _rows(mask: Tensor, x: Tensor) -> Tensor:
    """Return a mask [T, W] with further axes of length one, as many as x has."""
    return mask.bool().reshape(*mask.shape, *(1,) * (x.ndim - 2))


def check_numbers(**given: Any) -> None:
    """Refuse arguments, by name, that are no tensors of real numbers.

    Raises:
      GrooveError: that says what to give.
    """
    for name, x in given.items():
        if not isinstance(x, Tensor):
            raise _no_tensor(name, x)
        if x.is_complex():
            raise GrooveError(f"{name} must hold real numbers, not {x.dtype}.")


def check_device(parameter: Tensor, like: Tensor) -> None:
    """Refuse a rollout on another device than the rule.

    Raises:
      GrooveError: that says how to move the rule.
    """
    if parameter.device != like.device:
        raise GrooveError(
            f"the rule is on {parameter.device} and the rollout on {like.device}: move the rule by "
            f'rule.to("{like.device}").'
        )


def check_told(name: str, value: Any) -> None:
    """Refuse a "progress" or a "lifetime" that is no number in its range.

    Raises:
      GrooveError: that says what the number is.
    """
    is_one = isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex() and value.dtype != torch.bool
    if not is_one and (not isinstance(value, Real) or isinstance(value, bool)):
        raise GrooveError(f"{name} must be a number, not {shown(value)}.")
    if not in_range(name, value):
        raise range_error(name, value)


def check_agent(module: Any, optimizer: Any, generator: Any, max_grad_norm: Any) -> None:
    """Refuse arguments of `Rule.update` of another type.

    Raises:
      GrooveError: that names the argument.
    """
    check_module(module)
    if not all(callable(getattr(optimizer, method, None)) for method in ("zero_grad", "step")):
        raise GrooveError(f"optimizer must be one of torch.optim, not {shown(optimizer)}.")
    if generator is not None and not isinstance(generator, torch.Generator):
        raise GrooveError(f"generator must be a torch.Generator, not {shown(generator)}.")
    is_number = isinstance(max_grad_norm, Real) and not isinstance(max_grad_norm, bool)
    in_float = is_number and (0 < max_grad_norm <= sys.float_info.max or max_grad_norm == math.inf)  # not NaN
    if max_grad_norm is not None and not in_float:
        raise GrooveError(f"max_grad_norm = {shown(max_grad_norm)} must be positive: leave it out to clip no gradient.")


def check_module(module: Any) -> None:
    """Refuse an agent without parameters that have names, of which a rule keeps a copy.

    Raises:
      GrooveError: that says what to give.
    """
    if not isinstance(module, nn.Module):
        raise GrooveError(f"module must be a torch.nn.Module, obs -> the heads of the rule, not {shown(module)}.")


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
    rule: str, widths: Mapping[str, int], given: Mapping[str, Tensor | None], prefix: str, like: Tensor, real: Any
) -> dict[str, Tensor]:
    """Return the outputs of an agent's heads by name, f32[T, W, width], zero in hidden rows; the value is f32[T, W].

    Args:
      rule: name of the rule, for messages.
      widths: name -> width of the heads of the rule; the width of "logits" is not checked.
      given: name -> the output of a head; None for heads that the rule lacks.
      prefix: of the names of arguments in messages.
      like: a tensor [T, W] of the rollout.
      real: bool[T, W]: false in hidden rows; None if no row is hidden.

    Raises:
      GrooveError: if an output is missing, has another shape or is no tensor, or belongs to a head that the rule lacks.
    """
    for name, x in given.items():
        if name not in widths and x is not None:
            raise GrooveError(
                f'the rule "{rule}" has no head "{name}" and would not read it: leave {name} and next_{name} out.'
            )
    outputs = {}
    for name in (name for name in widths if name in given):
        x = given[name]
        if x is None:
            raise GrooveError(
                f'the rule "{rule}" reads the head "{name}": give {name} and next_{name}, its outputs at the '
                "observations and at their successors."
            )
        check_numbers(**{f"{prefix}{name}": x})
        check_head(f"{prefix}{name}", name, widths[name], tuple(x.shape), tuple(like.shape))
        x = (x.squeeze(-1) if name == "value" and x.ndim == 3 else x).float()
        outputs[name] = visible(finite_logits(x) if name == "logits" else x, real)
    return outputs


def _no_tensor(name: str, x: Any) -> GrooveError:
    return GrooveError(f"{name} must be a torch.Tensor, not {type(x).__name__}: give torch.as_tensor({name}).")


def _no_flags(name: str, x: Tensor, real: Tensor) -> Tensor:
    """Return where a tensor is neither 0 nor 1 in rows that count; refuse it unless the program is being compiled."""
    if x.dtype == torch.bool:
        return torch.zeros_like(x)
    wrong = (x != 0) & (x != 1) & real
    if not torch.compiler.is_compiling() and wrong.any():
        raise GrooveError(
            f"{name} must be true or false, or 1 or 0, and holds {x[wrong][0].item()}: give for instance {name} > 0.5."
        )
    return wrong
