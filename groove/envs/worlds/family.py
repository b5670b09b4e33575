"""The family of arcade worlds."""

from groove.envs.base import Design, EnvFamily
from groove.envs.gridworld.levels import LevelDistribution
from groove.envs.worlds.dynamics import draw_noise, reset, step
from groove.envs.worlds.edits import mutate
from groove.envs.worlds.features import describe
from groove.envs.worlds.levels import Action
from groove.envs.worlds.observations import OBSERVATION
from groove.envs.worlds.render import draw_worlds
from groove.envs.worlds.sampling import DRAWS, UNITS, factors, make_world, sample_world


def make_worlds(
    levels: LevelDistribution = LevelDistribution(),  # noqa: B008 (frozen)
    units: tuple[float, float] = UNITS,
) -> EnvFamily:
    """Build the family of arcade worlds.

    Args:
      levels: only the range of lifetimes is read, agent updates.
      units: the range of the unit of reward, log-uniform.
    """
    return EnvFamily(
        name="worlds",
        num_actions=len(Action),
        observation=OBSERVATION,
        sample_level=lambda key: sample_world(key, levels.min_lifetime, levels.max_lifetime, units),
        noise=draw_noise,
        reset=reset,
        step=step,
        lifetime=lambda level: level.lifetime,
        max_steps=lambda level: level.max_steps,
        mutate=lambda key, level: mutate(key, level, units),
        design=Design(
            make=lambda u: make_world(u, levels.min_lifetime, levels.max_lifetime, units),
            draws=DRAWS,
            factors=factors(levels.min_lifetime, levels.max_lifetime),
        ),
        describe=describe,
        draw=draw_worlds,
    )
