"""Mean features of levels: equal to plain means, without the levels where a feature is undefined."""

import jax
import numpy as np
import pytest

from groove.envs.chain import make_chain
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.envs.gridworld.named import RANDOM_GRIDS, make_named_family
from groove.envs.level_metrics import make_level_metrics
from tests._helpers.reference import draw, level_of

SIZES = GridSizes(side=4, objects=2)


def stack(*levels):
    return jax.tree.map(lambda *leaves: np.stack(leaves), *levels)


def test_means_skip_undefined_features_and_are_nan_if_all_are():
    near = level_of("Sa.. .... .... ....", {"a": (1.0, 1.0, 0.5)}, 4, SIZES)
    far = level_of("S.#a ..#. ..#. ..#.", {"a": (1.0, 1.0, 0.1)}, 8, SIZES)
    metrics = make_level_metrics(make_gridworld(SIZES, LevelDistribution(max_size=4, max_objects=2)))
    both = metrics(stack(near, far), False)
    assert both["max_steps"] == 6
    assert both["nearest_positive"] == 1  # the wall cuts off the other object
    assert both["mean_respawn"] == pytest.approx(0.3)
    assert "optimal_return" not in both
    assert np.isnan(metrics(stack(far, far), False)["nearest_positive"])


def test_the_optimal_return_is_added_on_demand():
    family = make_chain()
    levels = draw(family.sample_level, 0, 5)
    metrics = make_level_metrics(family)(levels, True)
    assert metrics.keys() == {"length", "noisy", "lifetime", "optimal_return"}
    assert metrics["length"] == pytest.approx(levels.length.mean())
    assert metrics["optimal_return"] == 1


def test_families_without_features_have_no_metrics():
    family = make_named_family(RANDOM_GRIDS)
    assert make_level_metrics(family)(draw(family.sample_level, 0, 2), True) == {}
