"""The interface of environments that run on the host: another package's code steps a batch of workers at once."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from groove.envs.base import Box, Discrete

Observations = npt.NDArray[Any]  # [W, ...]
Flags = npt.NDArray[np.bool_]  # [W]
Rewards = npt.NDArray[np.float32]  # [W]


class HostStep(NamedTuple):
    """The result of one step of W workers. Workers whose episode has ended are already in a new episode."""

    obs: Observations  # the observations to act on next; the first of the new episode if one has ended
    reward: Rewards  # the rewards to learn from
    raw_reward: Rewards  # the game's own rewards, for the score
    terminated: Flags  # the episode ended by the environment's own rules
    truncated: Flags  # the time limit ended the episode; never true together with terminated
    next_obs: Observations  # the true successors, never observations after a reset


class HostEnv(Protocol):
    """W workers of one environment. Every step of every worker is a real transition; there are no reset steps."""

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
        """Begin new episodes of all workers. Equal seeds give equal episodes; None continues the random streams."""

    def step(self, actions: npt.NDArray[np.int32]) -> HostStep:
        """Step all workers once, with actions int32 [W]. The returned arrays are never written to again."""
