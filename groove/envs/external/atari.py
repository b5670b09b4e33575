"""Real Atari 2600 games of the Arcade Learning Environment, W at a time in ale-py's own threads, on the host.

ale-py is an optional extra, `pip install "groove-rl[atari]"`, imported when a game is made and not before: its licence
is GPL-2.0, and nothing else here needs it. Its wheel holds the games.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from groove.envs.base import Box
from groove.envs.external.atari_scores import ATARI_SCORES
from groove.envs.external.host import HostStep, Observations
from groove.envs.gridworld.named import check_name

SMALL = ("pong", "breakout", "space_invaders", "ms_pacman")  # among the cheapest to step and the first to be learned
ATARI_57 = tuple(ATARI_SCORES)

FRAME_SKIP, STACK, SIDE = 4, 4, 84
MAX_FRAMES = 108_000  # half an hour of play


class AtariEnv:
    """W workers of one game: see `HostEnv`.

    Observations are the last 4 grey screens, uint8[W, 84, 84, 4], newest last, each the maximum of the last two of 4
    frames; a new episode's stack is filled up with black. A step is 4 frames of one action, and the reward to learn
    from is the sign of the change of score in them.

    ale-py would reset a worker in the step after its episode's end, whose action it would ignore. Here the worker is
    reset before that, by `reset_mask`, so that no such step exists. Nor does ale-py's own time limit ever act, because
    the last screen it would show there is not that of the last frames: frames are counted here.
    """

    def __init__(self, envs: Any, seed: int, max_frames: int) -> None:
        """Takes over environments of ale-py, which must not have been reset: see `make_atari`."""
        self._envs, self._max_frames = envs, max_frames
        self._first_seed: int | None = seed
        self._frames = np.zeros(self.workers, np.int64)  # [W]: of the episode so far

    @property
    def num_actions(self) -> int:
        """A; the minimal set's differs between games."""
        return int(self._envs.single_action_space.n)

    @property
    def observation(self) -> Box:
        """One stack of screens; of uint8, where other boxes are of float32."""
        return Box((SIDE, SIDE, STACK))

    @property
    def workers(self) -> int:
        """W."""
        return int(self._envs.num_envs)

    def reset(self, seed: int | None = None) -> Observations:
        """Begins new episodes of all workers: uint8[W, 84, 84, 4].

        Args:
          seed: of all that is random from now on, a stream of its own for each worker; None for the seed of
            `make_atari` the first time, and later to go on with the streams as they are.
        """
        seed = self._first_seed if seed is None else seed
        self._first_seed = None
        streams = None if seed is None else _streams(seed, self.workers)
        obs, _ = self._envs.reset(seed=streams)
        self._frames[:] = 0
        return _channels_last(obs)

    def step(self, actions: npt.NDArray[np.int32]) -> HostStep:
        """Four frames of all workers.

        Args:
          actions: int32[W].
        """
        seen, score, terminated, _, _ = self._envs.step(np.asarray(actions, np.int32))
        self._frames += FRAME_SKIP
        truncated = ~terminated & (self._frames >= self._max_frames)
        obs = next_obs = _channels_last(seen)
        if (ended := terminated | truncated).any():
            obs = _channels_last(self._envs.reset(options={"reset_mask": ended})[0])
            self._frames[ended] = 0
        return HostStep(
            obs=obs,
            reward=np.sign(score).astype(np.float32),
            raw_reward=score.astype(np.float32),
            terminated=terminated,
            truncated=truncated,
            next_obs=next_obs,
        )


def make_atari(
    game: str,
    workers: int,
    seed: int,
    *,
    sticky_actions: float = 0.25,
    noop_starts: int = 0,
    full_action_set: bool = False,
    max_frames: int = MAX_FRAMES,
    threads: int = 0,
) -> AtariEnv:
    """Makes W workers of one game.

    The protocol is that of Machado et al. (2018), "Revisiting the Arcade Learning Environment": sticky actions, games
    rather than lives as episodes, and a start that is the game's own, with no FIRE pressed for the agent. It departs
    from it in the action set, minimal unless asked for: update rules are compared, which never see the actions, and
    within small budgets, much of which agents would spend on finding out that 12 of 18 actions are doubles.

    Args:
      game: as ale-py spells it; those of `ATARI_57` have reference scores.
      workers: W.
      seed: of the first `reset`.
      sticky_actions: the probability that a frame repeats the last frame's action instead.
      noop_starts: 30 for up to so many frames of doing nothing at the start, which is how games without sticky actions
        are made random (Mnih et al. 2015); off, because games with them are already.
      full_action_set: all 18 actions in every game.
      max_frames: after which an episode is truncated; a multiple of 4.
      threads: of ale-py; 0 for one a core.

    Raises:
      ValueError: when ale-py is not installed, on an unknown game, naming the nearest one, or on an odd `max_frames`.
    """
    try:
        from ale_py.roms import get_all_rom_ids
        from ale_py.vector_env import AtariVectorEnv
    except ImportError as error:
        raise ValueError('Atari games need ale-py: run pip install "groove-rl[atari]".') from error
    check_name(game, sorted(get_all_rom_ids()), "game")
    if max_frames < FRAME_SKIP or max_frames % FRAME_SKIP:
        raise ValueError(
            f"max_frames = {max_frames} must be a positive multiple of {FRAME_SKIP}, the frames of a step."
        )
    envs = AtariVectorEnv(
        game,
        workers,
        num_threads=threads,
        max_num_frames_per_episode=max_frames + FRAME_SKIP,  # out of reach
        repeat_action_probability=sticky_actions,
        full_action_space=full_action_set,
        img_height=SIDE,
        img_width=SIDE,
        stack_num=STACK,
        frameskip=FRAME_SKIP,
        noop_max=noop_starts,
        reward_clipping=False,
        use_fire_reset=False,
    )
    return AtariEnv(envs, seed, max_frames)


def _streams(seed: int, workers: int) -> npt.NDArray[np.int64]:
    """A seed for each worker: [W]. Consecutive ones, ale-py's way, would be shared with workers of the next seed."""
    return np.random.SeedSequence(seed).generate_state(workers).astype(np.int64) >> 1  # of 31 bits


def _channels_last(obs: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """[W, 4, 84, 84] -> [W, 84, 84, 4], five times faster than by copying the transpose."""
    return np.stack([obs[:, screen] for screen in range(STACK)], axis=-1)
