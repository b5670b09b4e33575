"""Named levels: equal to the published table, placed uniformly, and refused if unknown."""

import jax
import numpy as np
import pytest

from groove.envs.base import Box, Discrete
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, check_level
from groove.envs.gridworld.named import (
    HANDCRAFTED,
    NAMED,
    RANDOM_GRIDS,
    make_level,
    make_named_family,
    named_sizes,
)
from groove.envs.gridworld.solver import nearest_positive_object
from tests._helpers.reference import draw, nth

SIZES = named_sizes()
# name: side, steps, lifetime, wall cells, rows of (reward, p_terminate, p_respawn)
PUBLISHED = {
    "dense": (11, 500, 2500, 0, [(1, 0, 0.05)] * 2 + [(-1, 0.5, 0.1), (-1, 0, 0.5)]),
    "sparse": (13, 50, 2500, 0, [(1, 1, 0), (-1, 1, 0)]),
    "long_horizon": (11, 1000, 2500, 0, [(1, 0, 0.01)] * 2 + [(-1, 0.5, 1)] * 2),
    "longer_horizon": (9, 2000, 2500, 7, [(1, 0.1, 0.01)] * 2 + [(-1, 0.8, 1)] * 5),
    "long_dense": (11, 2000, 2500, 17, [(1, 0, 0.005)] * 4),
    "random_dense": (11, 500, 25000, 0, [(1, 0, 0.05)] * 2 + [(-1, 0.5, 0.1), (-1, 0, 0.5)]),
    "random_long_horizon": (11, 1000, 25000, 0, [(1, 0, 0.01)] * 2 + [(-1, 0.5, 1)] * 2),
    "random_small": (7, 500, 25000, 2, [(1, 0, 0.05)] * 2 + [(-1, 0.5, 0.1)] * 2),
    "random_small_sparse": (7, 50, 25000, 0, [(1, 1, 1)] + [(-1, 1, 1)] * 2),
    "random_very_dense": (11, 2000, 25000, 0, [(1, 0, 1)]),
}


def test_all_ten_and_no_others():
    assert set(NAMED) == set(PUBLISHED)
    assert len(HANDCRAFTED) == len(RANDOM_GRIDS) == 5
    assert named_sizes() == GridSizes(side=13, objects=7, diagonal=False)


@pytest.mark.parametrize("name", PUBLISHED)
def test_level_is_the_published_one(name):
    side, steps, lifetime, walls, objects = PUBLISHED[name]
    level = make_level(name, jax.random.key(0), SIZES)
    check_level(level, SIZES)
    assert (level.size, level.max_steps, level.lifetime) == (side, steps, lifetime)
    grid = np.asarray(level.walls).reshape(13, 13)
    assert (grid[:side, :side].sum(), grid.sum()) == (walls, walls + 169 - side**2)
    table = np.stack([level.object_reward, level.p_terminate, level.p_respawn], axis=1)
    np.testing.assert_allclose(table, objects + [(0, 0, 0)] * (7 - len(objects)), rtol=1e-6)
    assert (level.object_cell >= 0).sum() == len(objects)


def test_walls_are_where_the_code_has_them():
    cells = {name: set(NAMED[name].walls) for name in ("longer_horizon", "long_dense", "random_small")}
    assert cells["longer_horizon"] == {(r, 4) for r in range(9) if r not in (1, 7)}
    column, row = (
        {(r, 5) for r in range(11) if r not in (0, 7)},
        {(4, c) for c in range(11) if c not in (2, 8)},
    )
    assert cells["long_dense"] == column | row
    assert cells["random_small"] == {divmod(9, 7), divmod(25, 7)}


@pytest.mark.parametrize("name", ["longer_horizon", "random_small"])
def test_start_and_objects_are_uniform_over_free_cells(name):
    levels = draw(lambda key: make_level(name, key, SIZES), 0, 6000)
    free = np.flatnonzero(~levels.walls[0])
    for cells in (levels.start, levels.object_cell[:, 1]):
        frequency = (np.asarray(cells)[:, None] == free).mean(0)
        np.testing.assert_allclose(frequency, 1 / len(free), atol=0.01)
    held = np.column_stack([levels.start, levels.object_cell])
    held = held[:, held[0] >= 0]
    assert all(len(set(row)) == held.shape[1] for row in held.tolist())


@pytest.mark.parametrize("names", [HANDCRAFTED, RANDOM_GRIDS])
def test_positive_objects_can_be_reached(names):
    levels = draw(make_named_family(names, SIZES).sample_level, 0, 400)
    assert (jax.jit(jax.vmap(lambda level: nearest_positive_object(level, SIZES)))(levels) > 0).all()


def test_families_draw_each_of_their_levels():
    spaces = [Discrete(13 * 13 * 2**7), Box((11, 11, 2 + 4))]
    for names, observation in zip([HANDCRAFTED, RANDOM_GRIDS], spaces):
        family = make_named_family(names)
        assert family.observation == observation
        levels = draw(family.sample_level, 1, 2000)
        drawn = list(zip(levels.size, levels.max_steps, (levels.object_cell >= 0).sum(1)))
        for name in names:
            side, steps, _, _, objects = PUBLISHED[name]
            assert drawn.count((side, steps, len(objects))) / 2000 == pytest.approx(0.2, abs=0.04)


def test_random_grids_move_and_tabular_levels_stay():
    for name, moves in [("dense", False), ("random_dense", True)]:
        family = make_named_family([name])
        level = nth(draw(family.sample_level, 0, 1), 0)
        _, obs = jax.jit(jax.vmap(family.reset, (None, 0)))(level, family.noise(jax.random.key(1), (8,)))
        assert bool((obs != obs[0]).any()) == moves


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match='"longer_horizn" \\(did you mean "longer_horizon"'):
        make_level("longer_horizn", jax.random.key(0), SIZES)
    with pytest.raises(ValueError, match='"rand_small" \\(did you mean "random_small"'):
        make_named_family(["rand_small"])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="named_sizes"):
        make_level("sparse", jax.random.key(0), GridSizes(side=12, objects=7))
    with pytest.raises(ValueError, match="7 objects"):
        make_level("longer_horizon", jax.random.key(0), GridSizes(side=13, objects=6))
    with pytest.raises(ValueError, match="one placement"):
        make_named_family(["dense", "random_dense"])
    with pytest.raises(ValueError, match="at least one"):
        make_named_family([])


def test_arguments_reach_the_family():
    assert make_named_family(HANDCRAFTED, named_sizes(HANDCRAFTED, diagonal=True)).num_actions == 9
    assert make_gridworld(observation="planes").observation == Box((10, 10, 7))
