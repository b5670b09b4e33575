"""LPG's delayed chains: the first of an episode's actions decides the reward that its last step pays.

Of Oh et al. (2020), appendix A.3, a relative of bsuite's umbrella chain: binary actions, a length that stays for the
lifetime, and a right action that is drawn anew each episode and observed. Noisy chains pay +1 or -1 at random
strictly between the first and the last step. Tabular agents see the time and the right action; distractor
chains hide what matters, the right action and whether it was taken first, among twenty random bits.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from groove.envs.base import Box, Discrete, EnvFamily, Step
from groove.envs.gridworld.levels import log_uniform_int, uniform_int
from groove.types import Array, Key

SHORTEST, SHORT, LONG = 5, 30, 50  # lengths are U{5..30} or U{5..50}
DISTRACTORS = 20
_LENGTH_EDIT = 5  # an edit lengthens or shortens a chain by so many steps at most


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ChainLevel:
    """One delayed chain."""

    length: Array  # int32 []: steps of every episode
    noisy: Array  # bool []: whether the steps in between pay +1 or -1 at random
    lifetime: Array  # int32 []: agent updates


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ChainState:
    """Where an episode stands."""

    time: Array  # int32 []: steps taken
    right: Array  # int32 []: the action that is right first
    correct: Array  # bool []: whether it was taken first; false before the first step


class ChainNoise(NamedTuple):
    """One random word for a step and one for a reset, which may share an index of the batch."""

    step: Array  # uint32: bit 0 is the reward in between, the higher ones the distractors
    reset: Array  # uint32: bit 0 is the right action, the higher ones the distractors


def make_chain(
    kind: Literal["tabular", "distractor"] = "tabular", min_lifetime: int = 250, max_lifetime: int = 250
) -> EnvFamily:
    """Builds a family of delayed chains; an episode always terminates, after `length` steps.

    Args:
      kind: "tabular", the uniform mixture of short (length U{5..30}) and long (U{5..50}) chains, each noisy or not,
        observed as 2 * time + right action, int32; or "distractor", short and not noisy, observed as f32 [22] of
        zeros and ones: the right action, whether it was taken first (0 before the first step), 20 random bits.
        Whether it was taken first is not in the tabular observation.
      min_lifetime, max_lifetime: log-uniform, agent updates.

    Raises:
      ValueError: on an unknown kind.
    """
    if kind not in ("tabular", "distractor"):
        raise ValueError(f'unknown kind of chain {kind!r}; choose "tabular" or "distractor".')
    tabular = kind == "tabular"
    longest = LONG if tabular else SHORT

    def sample_level(key: Key) -> ChainLevel:
        u_long, u_length, u_noisy, u_lifetime = jax.random.uniform(key, (4,))
        short, long = (uniform_int(u_length, SHORTEST, high) for high in (SHORT, longest))
        return ChainLevel(
            length=jnp.where(u_long < 0.5, long, short),
            noisy=tabular & (u_noisy < 0.5),
            lifetime=log_uniform_int(u_lifetime, min_lifetime, max_lifetime),
        )

    def observe(state: ChainState, word: Array) -> Array:
        if tabular:
            return 2 * state.time + state.right
        bits = word >> jnp.arange(1, 1 + DISTRACTORS, dtype=jnp.uint32) & 1
        informative = jnp.stack([state.right, state.correct])
        return jnp.concatenate([informative.astype(jnp.float32), bits.astype(jnp.float32)])

    def reset(level: ChainLevel, noise: ChainNoise) -> tuple[ChainState, Array]:
        state = ChainState(time=jnp.int32(0), right=_coin(noise.reset), correct=jnp.bool_(False))
        return state, observe(state, noise.reset)

    def step(level: ChainLevel, state: ChainState, action: Array, noise: ChainNoise) -> Step:
        time = state.time + 1
        first, last = state.time == 0, time >= level.length
        correct = jnp.where(first, action == state.right, state.correct)
        following = ChainState(time=time, right=state.right, correct=correct)
        in_between = jnp.where(level.noisy & ~first, _sign(_coin(noise.step)), 0.0)
        return Step(
            state=following,
            obs=observe(following, noise.step),
            reward=jnp.where(last, _sign(correct), in_between),
            terminated=last,
            truncated=jnp.zeros_like(last),
        )

    def mutate(key: Key, level: ChainLevel) -> ChainLevel:
        change = jax.random.randint(key, (), -_LENGTH_EDIT, _LENGTH_EDIT + 1)
        return dataclasses.replace(level, length=jnp.clip(level.length + change, SHORTEST, longest))

    return EnvFamily(
        name="chain" if tabular else "chain_distractor",
        num_actions=2,
        observation=Discrete(2 * (1 + longest)) if tabular else Box((2 + DISTRACTORS,)),
        sample_level=sample_level,
        noise=lambda key, shape: ChainNoise(*(jax.random.bits(k, shape, jnp.uint32) for k in jax.random.split(key))),
        reset=reset,
        step=step,
        lifetime=lambda level: level.lifetime,
        max_steps=lambda level: level.length,
        optimal_return=optimal_return,
        mutate=mutate,
        describe=describe,
    )


def optimal_return(level: ChainLevel) -> Array:
    """The expected undiscounted return of the best policy: 1, whatever the length, as the noise has mean zero.

    Returns:
      f32 [].
    """
    return jnp.ones_like(level.length, jnp.float32)


def describe(level: ChainLevel) -> dict[str, Array]:
    """The level in numbers, each f32 []: length (environment steps), noisy (0 or 1), lifetime (agent updates)."""
    return {name: getattr(level, name).astype(jnp.float32) for name in ("length", "noisy", "lifetime")}


def _coin(word: Array) -> Array:
    """The lowest bit, int32."""
    return (word & 1).astype(jnp.int32)


def _sign(flag: Array) -> Array:
    """+1 where the flag is set, -1 elsewhere."""
    return 2.0 * flag - 1.0
