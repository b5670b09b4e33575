"""Mazes: connected by a plain flood fill, trees or divided into rooms by their kind, and always valid."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.gridworld import mazes
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, check_level
from tests._helpers.reference import STEPS, draw, nth

SIDES = [5, 7, 9, 11, 13]
EACH = 40  # mazes of each kind and side
KINDS = {"rooms": mazes.rooms, "labyrinth": mazes.labyrinth, "perfect_maze": mazes.perfect_maze}


@functools.cache
def grids(kind):
    """Draw mazes of every side, cropped to bool [side, side]; everything outside must be wall."""
    sizes = GridSizes(side=14)
    side = np.repeat(SIDES, EACH)
    generate = jax.jit(jax.vmap(lambda key, size: KINDS[kind](key, size, sizes)))
    padded = np.asarray(generate(jax.random.split(jax.random.key(0), len(side)), jnp.asarray(side)))
    padded = padded.reshape(-1, 14, 14)
    assert all(walls[n:].all() and walls[:, n:].all() for walls, n in zip(padded, side))
    return [walls[:n, :n] for walls, n in zip(padded, side)]


def reached(walls):
    """Return the free cells that a flood reaches from one free cell."""
    free = set(zip(*np.nonzero(~walls)))
    front = [next(iter(free))]
    seen = set(front)
    while front:
        row, col = front.pop()
        for down, right in STEPS.values():
            cell = (row + down, col + right)
            if cell in free - seen:
                seen.add(cell)
                front.append(cell)
    return seen


def open_pairs(walls):
    """Count the pairs of neighbouring free cells."""
    return int((~walls[1:] & ~walls[:-1]).sum() + (~walls[:, 1:] & ~walls[:, :-1]).sum())


def is_divided(walls, whole=True):
    """Return whether this is a room, or two such parts with a wall with one door between, across the longer side."""
    if max(walls.shape) <= 5 and not whole:
        return not walls.any()
    margin = 1 if max(walls.shape) <= 5 else 3
    high, wide = walls.shape
    return any(
        np.flatnonzero(~part[line])[1:].size == 0  # at most one door
        and not part[line, ::2].all()  # and there is one, on an even cell
        and is_divided(part[:line], whole=False)
        and is_divided(part[line + 1 :], whole=False)
        for part in [walls] * (high >= wide) + [walls.T] * (wide >= high)
        for line in range(margin, len(part) - margin, 2)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_free_cell_is_reached_from_every_other(kind):
    for walls in grids(kind):
        assert len(reached(walls)) == (~walls).sum()
        assert not walls[::2, ::2].any()


def test_perfect_mazes_are_trees():
    for walls in grids("perfect_maze"):
        nodes = ((len(walls) + 1) // 2) ** 2
        assert open_pairs(walls) == (~walls).sum() - 1 == 2 * nodes - 2
        assert walls[1::2, 1::2].all()


def test_perfect_mazes_are_many_and_favour_no_direction():
    trees = [walls for walls in grids("perfect_maze") if len(walls) == 5]
    assert len({walls.tobytes() for walls in trees}) > 30  # of 192 spanning trees
    passages = [walls for walls in grids("perfect_maze") if len(walls) == 13]
    along_rows = np.mean([(~walls[::2, 1::2]).sum() for walls in passages])
    np.testing.assert_allclose(along_rows, 24, atol=2)  # half of 48


def test_labyrinths_are_trees_with_a_quarter_of_the_rest_opened():
    extra = {side: [] for side in SIDES}
    for walls in grids("labyrinth"):
        assert walls[1::2, 1::2].all()
        extra[len(walls)].append(open_pairs(walls) - (~walls).sum() + 1)
    for side, opened in extra.items():
        n = (side + 1) // 2
        closed = 2 * n * (n - 1) - (n * n - 1)
        assert min(opened) >= 0
        np.testing.assert_allclose(np.mean(opened), closed / 4, atol=4 * np.sqrt(closed * 3 / 16 / EACH))


def test_rooms_are_divided_by_walls_with_one_door():
    assert all(is_divided(walls) for walls in grids("rooms"))
    assert not any(is_divided(walls) for walls in grids("perfect_maze") if len(walls) > 5)
    assert len({walls.tobytes() for walls in grids("rooms")}) > 2.5 * EACH


@pytest.fixture(scope="module")
def levels():
    return draw(mazes.make_mazes().sample_level, 1, 600)


def test_levels_pass_the_check(levels):
    sizes = GridSizes(side=13, objects=3)
    for n in range(256):
        level = nth(levels, n)
        check_level(level, sizes)
        assert level.start not in level.object_cell
        grid = level.walls.reshape(13, 13)[: level.size, : level.size]
        assert len(reached(grid)) == (~grid).sum()


def test_sides_kinds_and_objects_are_uniform(levels):
    np.testing.assert_allclose([(levels.size == side).mean() for side in SIDES], 0.2, atol=0.06)
    count = (levels.object_cell >= 0).sum(1)
    np.testing.assert_allclose([(count == n).mean() for n in range(4)], [0, *[1 / 3] * 3], atol=0.07)
    large = [nth(levels, n) for n in np.flatnonzero(levels.size > 7)]
    grids_of = [level.walls.reshape(13, 13)[: level.size, : level.size] for level in large]
    tree = [open_pairs(grid) == (~grid).sum() - 1 for grid in grids_of]
    room = [not grid[1::2, 1::2].all() for grid in grids_of]
    np.testing.assert_allclose([np.mean(tree), np.mean(room)], 1 / 3, atol=0.08)


def test_numbers_are_in_their_ranges(levels):
    dist, exists = LevelDistribution(), levels.object_cell >= 0
    assert (levels.object_reward[:, 0] >= 0).all()
    assert -1 <= levels.object_reward.min() < -0.9 < 0.9 < levels.object_reward.max() <= 1
    for values, low, high in [
        (levels.p_terminate[exists], dist.min_terminate, dist.max_terminate),
        (levels.p_respawn[exists], dist.min_respawn, dist.max_respawn),
        (levels.max_steps, dist.min_steps, dist.max_steps),
    ]:
        assert 0.999 * low <= values.min() < 1.2 * low
        assert high / 1.2 < values.max() <= 1.001 * high
    assert (levels.lifetime == 250).all()


def test_even_sides_are_padded_and_a_key_determines_a_level():
    sizes = GridSizes(side=8, objects=2)
    sample = mazes.make_mazes(sizes).sample_level
    once, again, other = (draw(sample, seed, 32) for seed in (0, 0, 1))
    jax.tree.map(np.testing.assert_array_equal, once, again)
    assert (once.walls != other.walls).any()
    assert set(once.size) == {5, 7}
    for n in range(32):
        check_level(nth(once, n), sizes)


def test_refuses_sizes_without_room():
    with pytest.raises(ValueError, match=r"at least 5 and sizes\.objects of at least 1, not 4"):
        mazes.make_mazes(GridSizes(side=4))
