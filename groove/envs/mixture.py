"""Mixtures of environment families: every level comes from one of several families, and one agent fits all."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from groove.envs.base import EnvFamily, MultiHot, Step
from groove.types import Array, Key, PyTree
from groove.utils.errors import GrooveError


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MixedLevel:
    """A level of one member; the levels of the other members are drawn, too, and ignored."""

    member: Array  # int32 []
    levels: tuple[PyTree, ...]  # one of each member


def make_mixture(name: str, members: Sequence[EnvFamily], weights: Sequence[float]) -> EnvFamily:
    """Build a family whose levels come from the members with the given weights.

    Members observe MultiHot spaces. The mixture observes the largest of them, with unused entries of -1, and does not
    tell which member plays. The mixture has the largest number of actions; members with A actions take action a as
    a modulo A.

    Args:
      name: of the mixture.
      members: families with MultiHot observations.
      weights: positive, one for each member.

    Raises:
      GrooveError: if a member has other observations.
    """
    spaces: list[MultiHot] = []
    for member in members:
        if not isinstance(member.observation, MultiHot):
            raise GrooveError(f'"{member.name}" cannot be mixed: its observations are {member.observation}.')
        spaces.append(member.observation)
    space = MultiHot(max(s.size for s in spaces), max(s.active for s in spaces))

    def pad(obs: Array) -> Array:
        return jnp.pad(obs, (0, space.active - obs.shape[0]), constant_values=-1)

    def chosen(level: MixedLevel, read: Callable[[EnvFamily, PyTree], Array]) -> Array:
        values = [read(member, own) for member, own in zip(members, level.levels, strict=True)]
        return jax.lax.select_n(level.member, *values)

    def sample_level(key: Key) -> MixedLevel:
        which, *keys = jax.random.split(key, 1 + len(members))
        drawn = tuple(member.sample_level(k) for member, k in zip(members, keys, strict=True))
        return MixedLevel(jax.random.categorical(which, jnp.log(jnp.asarray(weights, float))).astype(jnp.int32), drawn)

    def noise(key: Key, shape: tuple[int, ...]) -> PyTree:
        keys = jax.random.split(key, len(members))
        return tuple(member.noise(k, shape) for member, k in zip(members, keys, strict=True))

    def reset(level: MixedLevel, noise: PyTree) -> tuple[PyTree, Array]:
        starts = [member.reset(level.levels[i], noise[i]) for i, member in enumerate(members)]
        obs = jax.lax.select_n(level.member, *[pad(obs) for _, obs in starts])
        return tuple(state for state, _ in starts), obs

    def step(level: MixedLevel, state: PyTree, action: Array, noise: PyTree) -> Step:
        steps = [
            member.step(level.levels[i], state[i], action % member.num_actions, noise[i])
            for i, member in enumerate(members)
        ]
        shown = [(pad(s.obs), s.reward, s.terminated, s.truncated) for s in steps]
        result = jax.tree.map(lambda *x: jax.lax.select_n(level.member, *x), *shown)
        return Step(tuple(s.state for s in steps), *result)

    def change(key: Key, level: MixedLevel, changes: Sequence[Callable[[Key, PyTree], PyTree] | None]) -> MixedLevel:
        own = zip(changes, level.levels, strict=True)
        return dataclasses.replace(level, levels=tuple(each(key, x) if each else x for each, x in own))

    def describe(level: MixedLevel) -> dict[str, Array]:
        features: dict[str, Array] = {}
        for i, member in enumerate(members):
            played = level.member == i
            features[f"{member.name}_share"] = played.astype(jnp.float32)
            for feature, value in (member.describe(level.levels[i]) if member.describe else {}).items():
                features[f"{member.name}_{feature}"] = jnp.where(played, value, jnp.nan)
        return features

    mutations, noises = [member.mutate for member in members], [member.perturb for member in members]
    return EnvFamily(
        name=name,
        num_actions=max(member.num_actions for member in members),
        observation=space,
        sample_level=sample_level,
        noise=noise,
        reset=reset,
        step=step,
        lifetime=lambda level: chosen(level, lambda member, own: member.lifetime(own)),
        max_steps=lambda level: chosen(level, lambda member, own: member.max_steps(own)),
        mutate=partial(change, changes=mutations) if any(mutations) else None,
        perturb=partial(change, changes=noises) if any(noises) else None,
        describe=describe,
    )
