"""Atari games rewritten in JAX (jaxtari) as families of a single level, to test rules on tasks outside their training.

jaxtari is an optional extra, `pip install "groove-rl[jaxtari]"`, and imported only when a game is made. jaxtari needs
sprites to make a game, even if only objects are observed, and does not contain them. Users install sprites with
jaxtari's own program, which asks about their licences. This module never answers for users and never downloads or
stores sprites.

jaxtari's observation wrappers reset in the step that ends an episode and lose its last observation. This module steps
the layer below, `AtariWrapper`, which never resets, and skips and stacks frames itself. `AtariWrapper` keeps a key in
its state; here the noise gives each step a key, and the state holds none.
"""

import os
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from groove.envs.base import Box, EnvFamily, Step
from groove.envs.external.atari import FRAME_SKIP, MAX_FRAMES, STACK, STICKY, check_frames
from groove.envs.external.key_noise import Keys, plain_arrays
from groove.envs.external.single_level import make_single_level
from groove.types import Array, Key, PyTree
from groove.utils.errors import GrooveError, missing_extra, unknown_name


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class JaxtariState:
    """The state of an episode."""

    game: PyTree  # jaxtari's AtariState, without its key
    seen: Array  # f32 [4, n]: the observations of the last four steps, newest last


class _Frame(NamedTuple):
    """The result of the frames of a step up to the present one."""

    game: PyTree
    seen: Array  # f32 [n]
    score: Array  # f32 []: score gained in this step
    terminated: Array  # bool []
    truncated: Array  # bool []


def make_jaxtari(game: str, lifetime: int = 1, max_frames: int = MAX_FRAMES) -> EnvFamily:
    """Build the family of one of jaxtari's games; its only level is an int32 [], the lifetime.

    The protocol is that of `groove.envs.external.atari.make_atari`: sticky actions, episodes that are whole games
    rather than lives, no FIRE at the start, and the minimal set of actions. A step is 4 frames of one action, or fewer
    if the game ends. The reward is the sign of the change of score in a step.

    An observation holds jaxtari's numbers for every object, and for the score in games that show it, after each of the
    last 4 steps: f32 [4 * n], oldest first. At the start of an episode all four are equal. Each number is scaled from
    the range that jaxtari declares to [0, 1] and clipped.

    A game that keeps a key in its own state draws from that key, not from the noise of the steps.

    Args:
      game: jaxtari's name of the game, for example "pong".
      lifetime: agent updates.
      max_frames: the number of frames after which an episode is truncated; a multiple of 4.

    Raises:
      GrooveError: if jaxtari or its sprites are not installed, on an unknown game or a game that jaxtari cannot make,
        or if `max_frames` is not a positive multiple of 4.
    """
    check_frames(max_frames)
    env = _make(game, max_frames)
    space = env.observation_space()

    def reset(level: Array, noise: Keys) -> tuple[JaxtariState, Array]:
        obs, start = env.reset(_raw(noise.reset))
        seen = jnp.tile(_scaled(obs, space), (STACK, 1))
        return JaxtariState(_without_key(start), seen), seen.ravel()

    def step(level: Array, state: JaxtariState, action: Array, noise: Keys) -> Step:
        def play(before: _Frame, _: None) -> tuple[_Frame, None]:
            obs, following, gained, terminated, truncated, _info = env.step(before.game, action)
            after = _Frame(
                game=plain_arrays(following),
                seen=_scaled(obs, space),
                score=before.score + jnp.asarray(gained, jnp.float32),
                terminated=jnp.asarray(terminated, bool),
                truncated=jnp.asarray(truncated, bool),
            )
            ended = before.terminated | before.truncated
            return jax.tree.map(lambda old, new: jnp.where(ended, old, new), before, after), None

        game = state.game.replace(key=_raw(noise.step))
        start = _Frame(game, state.seen[-1], jnp.float32(0), jnp.bool_(False), jnp.bool_(False))
        last, _ = jax.lax.scan(play, start, None, length=FRAME_SKIP)
        seen = jnp.concatenate([state.seen[1:], last.seen[None]])
        return Step(
            state=JaxtariState(_without_key(last.game), seen),
            obs=seen.ravel(),
            reward=jnp.sign(last.score),
            terminated=last.terminated,
            truncated=last.truncated & ~last.terminated,
        )

    shown = jax.eval_shape(lambda key: reset(jnp.int32(0), Keys(key, key))[1], jax.random.key(0))
    return make_single_level(
        game,
        int(env.action_space().n),
        Box(tuple(shown.shape)),
        reset,
        step,
        lifetime=lifetime,
        limit=max_frames // FRAME_SKIP,
    )


def require_jaxtari() -> None:
    """Refuse to go on unless jaxtari can make games; importing jaxtari starts a backend.

    Raises:
      GrooveError: if jaxtari or its sprites are not installed, with the command that installs them.
    """
    try:
        from jaxtari.paths import ownership_or_alt_markers_present
    except ImportError as error:
        raise missing_extra("jaxtari", "jaxtari") from error
    if not ownership_or_alt_markers_present():
        raise GrooveError(
            "jaxtari has no sprites yet; run its program install-sprites (python -m jaxtari.install_sprites), which "
            "asks you about your licence of the Atari ROMs and offers substitutes if you have none."
        )


def _make(game: str, max_frames: int) -> Any:
    """Return jaxtari's environment of one game; one of its steps is one frame."""
    require_jaxtari()
    import jaxtari
    from jaxtari.wrappers import AtariWrapper

    games = jaxtari.list_available_games()
    if game not in games:
        raise unknown_name("jaxtari game", game, games)
    os.environ.setdefault("JAXTARI_SKIP_SPRITE_UPDATE", "1")  # keeps make() from asking for newer sprites
    try:
        env = jaxtari.make(game)
    except (ImportError, OSError) as error:
        raise GrooveError(f'jaxtari cannot make "{game}": {error}') from error
    return AtariWrapper(
        env,
        sticky_actions=STICKY,
        episodic_life=False,
        first_fire=False,
        noop_max=0,
        max_frames_per_episode=max_frames,
    )


def _raw(key: Key) -> Array:
    """Convert a key to jaxtari's form, an array of numbers."""
    return jax.random.key_data(key)


def _without_key(game: Any) -> PyTree:
    return plain_arrays(game.replace(key=None))


def _scaled(obs: Any, space: Any) -> Array:
    """Scale an observation to f32 [n] in [0, 1].

    Fields are matched by name, because tennis declares its scores in another order.
    """
    if hasattr(space, "spaces"):
        return jnp.concatenate([_scaled(getattr(obs, name), part) for name, part in space.spaces.items()])
    low, high = (jnp.asarray(end, jnp.float32) for end in space.range())
    share = (jnp.asarray(obs, jnp.float32) - low) / jnp.where(high > low, high - low, 1.0)
    return jnp.clip(share, 0.0, 1.0).ravel()
