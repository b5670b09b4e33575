"""The interface of environments that are stepped on the host, a batch of workers at a time, by someone else's code."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from groove.envs.base import Box, Discrete

Observations = npt.NDArray[Any]  # [W, ...]
Flags = npt.NDArray[np.bool_]  # [W]
Rewards = npt.NDArray[np.float32]  # [W]


class HostStep(NamedTuple):
    """What one step of W workers returns; workers whose episode has ended are in a new one already."""

    obs: Observations  # to act on next: the first of the new episode where one has ended
    reward: Rewards  # to learn from
    raw_reward: Rewards  # to keep the score with
    terminated: Flags  # the episode ended by the environment's own rules
    truncated: Flags  # the episode was cut off by its time limit; never both
    next_obs: Observations  # the true successor, never the observation after a reset


class HostEnv(Protocol):
    """W workers of one environment. Every step of every worker is a real transition: there are no reset steps."""

    @property
    def num_actions(self) -> int:
        """A."""

    @property
    def observation(self) -> Box | Discrete:
        """The space of one observation."""

    @property
    def workers(self) -> int:
        """W."""

    def reset(self, seed: int | None = None) -> Observations:
        """Begins new episodes of all workers; with a seed, the same ones for the same seed."""

    def step(self, actions: npt.NDArray[np.int32]) -> HostStep:
        """One step of all workers; the arrays returned are never written to again."""
