"""Levels that a generator designs, from the same random numbers at every moment of a run, and their picture."""

from types import SimpleNamespace

import jax
import numpy as np

from groove.envs.gridworld.dynamics import make_gridworld
from groove.training.generated_levels import COUNT, draw_generated, make_generated
from groove.training.run_dir import RunDir
from tests._helpers.tiny import LEVELS, SIZES

ENV = make_gridworld(SIZES, LEVELS)


def group(generate, draw=ENV.draw):
    return SimpleNamespace(
        setup=SimpleNamespace(env=ENV._replace(draw=draw)), curriculum=SimpleNamespace(generate=generate)
    )


def sample(state, key, count):
    return jax.vmap(ENV.sample_level)(jax.random.split(jax.random.fold_in(key, state), count))


def test_equal_generators_design_equal_levels_at_every_moment():
    first, again, later, other = (
        make_generated(group(sample), seed)(state) for seed, state in ((0, 1), (0, 1), (0, 2), (1, 1))
    )
    assert first.start.shape == (COUNT,)
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert (first.start != later.start).any()
    assert (first.start != other.start).any()
    assert make_generated(group(None), 0) is None


def test_they_are_drawn_in_a_folder_of_the_run(tmp_path):
    picture = RunDir(tmp_path).generated_at(250)
    assert picture == tmp_path / "generated_levels" / "000250.png"
    assert RunDir(tmp_path).generated_at(250, "tables").name == "000250-tables.png"
    levels = make_generated(group(sample), 0)(1)
    draw_generated(group(sample, None), levels, picture)
    assert not picture.parent.exists()
    drawn = []
    draw_generated(group(sample, lambda *args: drawn.append(args)), levels, picture)
    ((each, titles, path),) = drawn
    assert (len(each), len(titles), path) == (24, 24, picture)
    assert [int(level.start) for level in each] == np.asarray(levels.start)[:24].tolist()
    assert picture.parent.is_dir()
