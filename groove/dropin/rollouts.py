"""Rollouts from the arrays that training loops usually have."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from groove.dropin.arrays import as_array, as_flags, read_rollout
from groove.types import Array, Rollout
from groove.utils.errors import GrooveError, check_name

AUTORESET_MODES = ("same_step", "next_step", "disabled")  # of gymnasium's vector environments


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
      terminated: bool[T, W], the episode ended by the environment's own rules. Numbers 0 and 1 stand for false and true
        in all arguments of this kind; lists stand for arrays.
      truncated: bool[T, W], the episode was cut off by a time limit; by default never.
      next_obs: [T, W, ...], the true successors. By default the next observations, which are harmless after a
        termination even if they belong to the next episode.
      autoreset_mode: "same_step", "next_step" or "disabled", or gymnasium's `AutoresetMode`.
      ended_before: bool[W], whether the step before this rollout ended an episode; false in the first rollout. Needed
        in the mode "next_step", and only there.

    Raises:
      GrooveError: if there are truncated steps without `next_obs` in another mode than "next_step", if `ended_before`
        is missing or is given in another mode, if shapes do not fit together or an array holds no numbers or no truth
        values, or on an unknown mode.
    """
    mode = str(getattr(autoreset_mode, "name", autoreset_mode)).lower()
    check_name("autoreset mode", mode, AUTORESET_MODES)
    if ended_before is not None and mode != "next_step":
        raise GrooveError(
            f'ended_before is read in the autoreset mode "next_step" only, not in "{mode}": give '
            "autoreset_mode='next_step' if the environment is in this mode, or leave ended_before out."
        )
    obs, last_obs = as_array("obs", obs), as_array("last_obs", last_obs)
    terminated = as_flags("terminated", terminated)
    truncations: Any = np.zeros(np.shape(terminated), bool) if truncated is None else as_flags("truncated", truncated)
    rollout = read_rollout(Rollout(obs, action, reward, terminated, truncations, obs), "action")
    _check_edges(np.shape(obs), np.shape(last_obs), ended_before)
    ended = jnp.asarray(terminated, bool) | jnp.asarray(truncations, bool)
    mask = None
    if mode == "next_step":
        if ended_before is None:
            raise GrooveError(
                'the autoreset mode "next_step" needs ended_before, bool[W]: terminated | truncated of the step before '
                "this rollout, false in the first rollout."
            )
        before = jnp.asarray(as_flags("ended_before", ended_before), bool)
        mask = ~jnp.concatenate([before[None], ended[:-1]])
    elif truncated is not None and next_obs is None:
        raise GrooveError(
            "a truncated episode is bootstrapped from its last observation, which auto-resetting environments return "
            "apart (gymnasium: info['final_obs']): give next_obs, or autoreset_mode='next_step' for environments in "
            "this mode, or truncated=None if no episode is ever cut off."
        )
    successors = jnp.concatenate([obs[1:], last_obs[None]]) if next_obs is None else next_obs
    return read_rollout(dataclasses.replace(rollout, next_obs=successors, mask=mask), "action", "obs", "next_obs")


def _check_edges(obs: tuple[int, ...], last_obs: tuple[int, ...], ended_before: Array | None) -> None:
    """Refuse arrays of the steps before and after a rollout whose shapes do not fit to its observations.

    Args:
      obs, last_obs: shapes of the arguments of `make_rollout`.
      ended_before: see `make_rollout`.
    """
    if last_obs != obs[1:]:
        raise GrooveError(
            f"last_obs must have the shape {obs[1:]} of obs without its first axis, not {last_obs}: give the "
            "observation of each worker after the last step."
        )
    if ended_before is not None and np.shape(ended_before) != obs[1:2]:
        raise GrooveError(
            f"ended_before must be bool[W], W = {obs[1:2]}, not {np.shape(ended_before)}: give terminated | truncated "
            "of the step before this rollout."
        )
