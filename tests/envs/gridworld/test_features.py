"""Features of gridworld levels: equal to plain counting, NaN where undefined, known for tabular families."""

import jax
import numpy as np
import pytest

from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.features import describe
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.envs.gridworld.solver import optimal_return
from tests._helpers.reference import STEPS, draw, level_of, nth

SIZES = GridSizes(side=7, objects=4)
DIST = LevelDistribution(min_size=3, max_size=6, walls=14, max_objects=3)


def numbers(level):
    """Compute the features by counting."""
    side, size = SIZES.side, int(level.size)
    walls = level.walls.reshape(side, side)
    exist = [o for o in range(SIZES.objects) if level.object_cell[o] >= 0]
    positive = [o for o in exist if level.object_reward[o] > 0]
    distance, front, steps = {}, {divmod(int(level.start), side)}, 0
    while front:
        distance |= dict.fromkeys(front, steps)
        around = {(row + down, col + right) for row, col in front for down, right in STEPS.values()}
        front = {c for c in around if min(c) >= 0 and max(c) < side and not walls[c] and c not in distance}
        steps += 1
    near = [distance.get(divmod(int(level.object_cell[o]), side), np.inf) for o in positive]
    nearest = min(near, default=np.inf)
    return {
        "size": size,
        "wall_share": walls[:size, :size].mean(),
        "objects": len(exist),
        "positive_objects": len(positive),
        "nearest_positive": nearest if nearest < np.inf else np.nan,
        "solvable": nearest <= level.max_steps,
        "max_steps": level.max_steps,
        "step_reward": level.step_reward,
        "mean_respawn": np.mean([level.p_respawn[o] for o in exist]),
        "lifetime": level.lifetime,
    }


def test_features_equal_plain_counts():
    family = make_gridworld(SIZES, DIST)
    levels = draw(family.sample_level, 0, 200)
    described = jax.tree.map(np.asarray, jax.jit(jax.vmap(family.describe))(levels))
    expected = [numbers(nth(levels, n)) for n in range(200)]
    assert all((value.shape, value.dtype) == ((200,), np.float32) for value in described.values())
    assert described.keys() == expected[0].keys()
    for name, values in described.items():
        np.testing.assert_allclose(values, [level[name] for level in expected], rtol=1e-5, err_msg=name)
    assert 0 < np.isnan(described["nearest_positive"]).sum() < 100


def test_undefined_features_are_nan():
    level = level_of("S.. ..# #..", {}, 9, SIZES)
    described = describe(level, SIZES)
    assert described["wall_share"] == pytest.approx(2 / 9)
    assert {name for name, value in described.items() if np.isnan(value)} == {"nearest_positive", "mean_respawn"}


def test_the_best_return_is_known_where_objects_stay():
    family = make_gridworld(SIZES, DIST)
    level = level_of("S.a .#. ...", {"a": (0.5, 1.0, 0.0)}, 4, SIZES)
    assert family.optimal_return(level) == optimal_return(level, SIZES) == pytest.approx(0.5)
    moving = make_gridworld(SIZES, DIST, "planes", "random")
    assert moving.optimal_return is None
    assert moving.describe is None
