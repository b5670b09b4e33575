"""Real Atari 2600 games of the Arcade Learning Environment, W workers at a time, in ale-py's own threads on the host.

ale-py is an optional extra, `pip install "groove-rl[atari]"`, and imported only when a game is made. Its licence is
GPL-2.0; no other part of this package needs ale-py. Its wheel contains the games.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from groove.envs.base import Box
from groove.envs.external.host import HostStep, Observations
from groove.utils.errors import GrooveError, missing_extra, unknown_name

SMALL = ("pong", "breakout", "space_invaders", "ms_pacman")  # cheap to step and quick to learn
# the games of Wang et al. (2016), "Dueling Network Architectures for Deep Reinforcement Learning"
# fmt: off
ATARI_57 = (
    "alien", "amidar", "assault", "asterix", "asteroids", "atlantis", "bank_heist", "battle_zone", "beam_rider",
    "berzerk", "bowling", "boxing", "breakout", "centipede", "chopper_command", "crazy_climber", "defender",
    "demon_attack", "double_dunk", "enduro", "fishing_derby", "freeway", "frostbite", "gopher", "gravitar",
    "hero", "ice_hockey", "jamesbond", "kangaroo", "krull", "kung_fu_master", "montezuma_revenge", "ms_pacman",
    "name_this_game", "phoenix", "pitfall", "pong", "private_eye", "qbert", "riverraid", "road_runner",
    "robotank", "seaquest", "skiing", "solaris", "space_invaders", "star_gunner", "surround", "tennis",
    "time_pilot", "tutankham", "up_n_down", "venture", "video_pinball", "wizard_of_wor", "yars_revenge",
    "zaxxon",
)
# fmt: on

FRAME_SKIP, STACK, SIDE = 4, 4, 84
STICKY = 0.25  # the probability that a frame repeats the action of the previous frame
MAX_FRAMES = 108_000  # half an hour of play


class AtariEnv:
    """W workers of one game; implements `HostEnv`.

    An observation is a stack of the last 4 grey screens, uint8 [W, 84, 84, 4], newest last. Each screen is the maximum
    of the last two of 4 frames. The stack of a new episode is filled up with black screens. A step is 4 frames of one
    action. The reward to learn from is the sign of the change of score in a step.

    ale-py would reset a worker in the step after the end of an episode and ignore the action of that step. Here
    `reset_mask` resets the worker at once, so that there is no such step. ale-py's own time limit is set out of reach,
    because the last screen that it shows there is not that of the last frames; this class counts frames instead.
    """

    def __init__(self, envs: Any, seed: int, max_frames: int) -> None:
        """Take over ale-py's environments, which must not have been reset; see `make_atari`."""
        self._envs, self._max_frames = envs, max_frames
        self._first_seed: int | None = seed
        self._frames = np.zeros(self.workers, np.int64)  # [W]: frames of the present episode

    @property
    def num_actions(self) -> int:
        """A, the size of the game's minimal action set."""
        return int(self._envs.single_action_space.n)

    @property
    def observation(self) -> Box:
        """The space of one stack of screens, uint8."""
        return Box((SIDE, SIDE, STACK))

    @property
    def workers(self) -> int:
        """W."""
        return int(self._envs.num_envs)

    def reset(self, seed: int | None = None) -> Observations:
        """Begin new episodes of all workers.

        Args:
          seed: seed of all random streams from now on, a separate stream for each worker. None stands for the seed of
            `make_atari` at the first call, and continues the streams at later calls.

        Returns:
          The first observations, uint8 [W, 84, 84, 4].
        """
        seed = self._first_seed if seed is None else seed
        self._first_seed = None
        streams = None if seed is None else _streams(seed, self.workers)
        obs, _ = self._envs.reset(seed=streams)
        self._frames[:] = 0
        return _channels_last(obs)

    def step(self, actions: npt.NDArray[np.int32]) -> HostStep:
        """Play four frames of all workers.

        Args:
          actions: int32 [W].
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


def make_atari(game: str, workers: int, seed: int, max_frames: int = MAX_FRAMES) -> AtariEnv:
    """Make W workers of one game.

    The protocol is that of Machado et al. (2018), "Revisiting the Arcade Learning Environment": sticky actions with
    probability 0.25, episodes that are whole games rather than lives, no no-ops and no FIRE at the start. The action
    set differs from that protocol: the minimal set instead of all 18 actions, because agents with small budgets would
    spend much of them on finding out which actions have the same effect. Update rules never see the actions.

    Args:
      game: ale-py's name of the game.
      workers: W.
      seed: the seed of the first `reset`.
      max_frames: the number of frames after which an episode is truncated; a multiple of 4.

    Raises:
      GrooveError: if ale-py is not installed, on an unknown game, or if `max_frames` is not a positive multiple of 4.
    """
    try:
        from ale_py.roms import get_all_rom_ids
        from ale_py.vector_env import AtariVectorEnv
    except ImportError as error:
        raise missing_extra("ale-py", "atari") from error
    games = sorted(get_all_rom_ids())
    if game not in games:
        raise unknown_name("game", game, games)
    check_frames(max_frames)
    envs = AtariVectorEnv(
        game,
        workers,
        num_threads=0,  # one thread per core
        max_num_frames_per_episode=max_frames + FRAME_SKIP,  # out of reach
        repeat_action_probability=STICKY,
        full_action_space=False,
        img_height=SIDE,
        img_width=SIDE,
        stack_num=STACK,
        frameskip=FRAME_SKIP,
        noop_max=0,
        reward_clipping=False,
        use_fire_reset=False,
    )
    return AtariEnv(envs, seed, max_frames)


def check_frames(max_frames: int) -> None:
    """Refuse a time limit that is not a positive multiple of the frames of a step.

    Raises:
      GrooveError: naming the limit.
    """
    if max_frames < FRAME_SKIP or max_frames % FRAME_SKIP:
        raise GrooveError(
            f"max_frames = {max_frames} must be a positive multiple of {FRAME_SKIP}, the frames of a step."
        )


def _streams(seed: int, workers: int) -> npt.NDArray[np.int64]:
    """Return a 31-bit seed for each worker, [W].

    Consecutive seeds, ale-py's default, would be shared with the workers of the next seed.
    """
    return np.random.SeedSequence(seed).generate_state(workers).astype(np.int64) >> 1


def _channels_last(obs: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Reorder [W, 4, 84, 84] to [W, 84, 84, 4]; five times faster than copying the transpose."""
    return np.stack([obs[:, screen] for screen in range(STACK)], axis=-1)
