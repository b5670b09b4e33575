"""Features of arcade worlds: stable names, and numbers counted by hand."""

import jax
import numpy as np

from groove.envs.worlds.family import make_worlds
from groove.envs.worlds.features import describe
from groove.envs.worlds.levels import Movement
from tests._helpers.arcade import world_of
from tests._helpers.reference import draw

NAMES = {
    *("height", "width", "axes", "shoots", "goal", "classes", "objects", "prizes", "targets", "dangers", "moving"),
    *("best_touch", "mean_period", "mean_spawn", "lives", "step_reward", "unit", "delay", "sticky", "max_steps"),
    "lifetime",
}


def numbers(level):
    return {name: float(value) for name, value in describe(level).items()}


def test_features_are_those_of_the_rules():
    prize = {"count": 3, "movement": Movement.FALL, "touch_reward": 0.5, "p_spawn": 0.25, "period": 2}
    target = {"count": 2, "shootable": True, "shot_reward": 1.0, "costs_life": True, "p_spawn": 0.75}
    shooter = {"movement": Movement.CHASE, "p_fire": 0.5, "p_spawn": 0.5, "period": 4, "touch_reward": 0.25}
    level = world_of(prize, target, shooter, shoots=True, vertical=False, goal=2, delay=7, p_sticky=0.125, unit=0.5)
    expected = {"height": 6, "width": 6, "axes": 1, "shoots": 1, "goal": 1, "classes": 3, "objects": 6, "prizes": 2}
    expected |= {"targets": 1, "dangers": 2, "moving": 2, "best_touch": 0.5, "mean_period": 3, "mean_spawn": 0.5}
    expected |= {"lives": 1, "step_reward": 0, "unit": 0.5, "delay": 7, "sticky": 0.125, "max_steps": 100}
    assert numbers(level) == expected | {"lifetime": 10}


def test_what_a_world_lacks_is_nan():
    empty = numbers(world_of())
    assert {name for name, value in empty.items() if np.isnan(value)} == {"best_touch", "mean_period", "mean_spawn"}
    assert empty["targets"] == numbers(world_of({"shootable": True, "shot_reward": 1.0}))["targets"] == 0


def test_names_are_stable_and_all_worlds_have_them():
    family = make_worlds()
    features = jax.jit(jax.vmap(family.describe))(draw(family.sample_level, 0, 2000))
    assert set(features) == NAMES
    assert all(values.dtype == np.float32 for values in features.values())
    known = {name for name, values in features.items() if np.isfinite(values).all()}
    assert NAMES - known <= {"best_touch", "mean_period"}
