"""Atari games re-written in JAX (jaxtari) as families of a single level, to test rules on tasks they never saw.

jaxtari is an optional extra, `pip install "groove-rl[jaxtari]"`, imported when a game is made and not before. It makes
no game without sprites, even where only objects are observed, as here, and sprites are no part of it: users install
them by its own program, which asks them about their licences. Nothing here answers for them, downloads or keeps any.

jaxtari's observation wrappers reset in the step that ends an episode, so that its last observation is lost. Here games
are stepped through the layer below, `AtariWrapper`, which never resets; frames are skipped and stacked here. That
layer keeps a key in its state; here each step is given its own, and the state holds none.
"""

import os
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from groove.envs.base import Box, EnvFamily, Step
from groove.envs.external.atari import FRAME_SKIP, MAX_FRAMES, STACK
from groove.envs.external.gymnax import Keys, draw_keys, plain_arrays
from groove.envs.gridworld.named import check_name
from groove.types import Array, Key, PyTree

_STICKY = 0.25  # the probability that a frame repeats the last frame's action


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class JaxtariState:
    """Where an episode stands."""

    game: PyTree  # jaxtari's AtariState, without its key
    seen: Array  # f32[4, n]: what was observed last, newest last


class _Frame(NamedTuple):
    """What the frames of a step have come to so far."""

    game: PyTree
    seen: Array  # f32[n]
    score: Array  # f32 []: gained in this step
    terminated: Array  # bool []
    truncated: Array  # bool []


def make_jaxtari(game: str, lifetime: int = 1, max_frames: int = MAX_FRAMES) -> EnvFamily:
    """Builds the family of one of jaxtari's games; its only level is an int32 [], the lifetime.

    The protocol is that of `groove.envs.atari.make_atari`: sticky actions, games rather than lives as episodes, no
    FIRE pressed for the agent, minimal actions; a step is 4 frames of one action, fewer where the game ends, and its
    reward is the sign of the change of score in them.

    Observed are the numbers that jaxtari gives of every object, and of the score where it does, after each of the last
    4 steps, f32[4 * n], oldest first; a new episode's are all the same. Each is scaled from the range that jaxtari
    declares for it to [0, 1] and clipped.

    A game that keeps a key in its own state draws from that, not from the steps' noise.

    Args:
      game: as jaxtari lists it, e.g. "pong".
      lifetime: agent updates.
      max_frames: after which an episode is truncated; a multiple of 4.

    Raises:
      ValueError: where jaxtari or its sprites are not installed; on an unknown game, naming the nearest one; on a game
        that jaxtari cannot make; on an odd `max_frames`.
    """
    if max_frames < FRAME_SKIP or max_frames % FRAME_SKIP:
        raise ValueError(
            f"max_frames = {max_frames} must be a positive multiple of {FRAME_SKIP}, the frames of a step."
        )
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
    return EnvFamily(
        name=game,
        num_actions=int(env.action_space().n),
        observation=Box(tuple(shown.shape)),
        sample_level=lambda key: jnp.int32(lifetime),
        noise=draw_keys,
        reset=reset,
        step=step,
        lifetime=lambda level: level,
        max_steps=lambda level: jnp.int32(max_frames // FRAME_SKIP),
    )


def require_jaxtari() -> None:
    """Looks whether games can be made; importing jaxtari starts a backend.

    Raises:
      ValueError: where jaxtari or its sprites are not installed, saying how to install them.
    """
    try:
        from jaxtari.paths import ownership_or_alt_markers_present
    except ImportError as error:
        raise ValueError('jaxtari is not installed: pip install "groove-rl[jaxtari]".') from error
    if not ownership_or_alt_markers_present():
        raise ValueError(
            "jaxtari has no sprites yet: run its program install-sprites (python -m jaxtari.install_sprites), which "
            "asks you about your licence of the Atari ROMs and has substitutes for those who have none."
        )


def _make(game: str, max_frames: int) -> Any:
    """jaxtari's environment of one game, a frame a step."""
    require_jaxtari()
    import jaxtari
    from jaxtari.wrappers import AtariWrapper

    check_name(game, jaxtari.list_available_games(), "jaxtari game")
    os.environ.setdefault("JAXTARI_SKIP_SPRITE_UPDATE", "1")  # else make() may ask for newer sprites, and download them
    try:
        env = jaxtari.make(game)
    except (ImportError, OSError) as error:
        raise ValueError(f"jaxtari cannot make {game!r}: {error}") from error
    return AtariWrapper(
        env,
        sticky_actions=_STICKY,
        episodic_life=False,
        first_fire=False,
        noop_max=0,
        max_frames_per_episode=max_frames,
    )


def _raw(key: Key) -> Array:
    """The key as jaxtari knows them."""
    return jax.random.key_data(key)


def _without_key(game: Any) -> PyTree:
    return plain_arrays(game.replace(key=None))


def _scaled(obs: Any, space: Any) -> Array:
    """What is observed as f32[n] in [0, 1]; matched by name, because tennis declares its scores in another order."""
    if hasattr(space, "spaces"):
        return jnp.concatenate([_scaled(getattr(obs, name), part) for name, part in space.spaces.items()])
    low, high = (jnp.asarray(end, jnp.float32) for end in space.range())
    share = (jnp.asarray(obs, jnp.float32) - low) / jnp.where(high > low, high - low, 1.0)
    return jnp.clip(share, 0.0, 1.0).ravel()
