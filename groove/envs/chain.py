"""LPG's delayed chains: the first action of an episode decides the reward of its last step.

The chains of Oh et al. (2020), appendix A.3, are relatives of bsuite's umbrella chain. There are two actions. The
length is fixed for the lifetime. The right action is drawn anew each episode and observed. Noisy chains also pay +1 or
-1 at random in the steps between the first and the last. Agents on tabular chains observe the time and the right
action. Agents on distractor chains observe the right action, whether they took it first, and twenty random bits.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from groove.envs.base import Box, Discrete, EnvFamily, Step
from groove.envs.gridworld.levels import log_uniform_int, uniform_int
from groove.types import Array, Key
from groove.utils.errors import unknown_name

KINDS = ("tabular", "distractor")
SHORTEST, SHORT, LONG = 5, 30, 50  # lengths are U{5..30} or U{5..50}
DISTRACTORS = 20
_LENGTH_EDIT = 5  # the most steps by which an edit lengthens or shortens a chain


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ChainLevel:
    """One delayed chain."""

    length: Array  # int32 []: environment steps of every episode
    noisy: Array  # bool []: whether the steps between the first and the last pay +1 or -1 at random
    lifetime: Array  # int32 []: agent updates


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ChainState:
    """The state of an episode."""

    time: Array  # int32 []: environment steps taken
    right: Array  # int32 []: the right first action
    correct: Array  # bool []: whether the first action was the right one; false before the first step


class ChainNoise(NamedTuple):
    """Separate random words for a step and for the reset that may follow it at the same index of the batch."""

    step: Array  # uint32: bit 0 is the sign of a noisy reward, bits 1 to 20 the distractors
    reset: Array  # uint32: bit 0 is the right action, bits 1 to 20 the distractors


def make_chain(
    kind: Literal["tabular", "distractor"] = "tabular", min_lifetime: int = 250, max_lifetime: int = 250
) -> EnvFamily:
    """Build a family of delayed chains, whose episodes always terminate, after `length` environment steps.

    "tabular" is the uniform mixture of short (length U{5..30}) and long (U{5..50}) chains, each noisy or not with even
    chances. The observation is 2 * time + right action, int32; it does not tell whether the right action was taken.

    "distractor" chains are short and never noisy. The observation is f32 [22] of zeros and ones: the right action,
    whether the first action was the right one (0 before the first step), and 20 random bits.

    Args:
      kind: "tabular" or "distractor".
      min_lifetime, max_lifetime: the range of lifetimes, drawn log-uniformly, agent updates.

    Raises:
      GrooveError: on an unknown kind.
    """
    if kind not in KINDS:
        raise unknown_name("kind of chain", kind, KINDS)
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
        noisy_reward = jnp.where(level.noisy & ~first, _sign(_coin(noise.step)), 0.0)
        return Step(
            state=following,
            obs=observe(following, noise.step),
            reward=jnp.where(last, _sign(correct), noisy_reward),
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
    """Return the expected undiscounted return of the best policy, f32 []: always 1, as the noise has mean zero."""
    return jnp.ones_like(level.length, jnp.float32)


def describe(level: ChainLevel) -> dict[str, Array]:
    """Return the features of a level, f32 []: length (environment steps), noisy (0 or 1), lifetime (agent updates)."""
    return {name: getattr(level, name).astype(jnp.float32) for name in ("length", "noisy", "lifetime")}


def _coin(word: Array) -> Array:
    """Return the lowest bit, int32."""
    return (word & 1).astype(jnp.int32)


def _sign(flag: Array) -> Array:
    """Return +1 where the flag is set and -1 elsewhere."""
    return 2.0 * flag - 1.0
