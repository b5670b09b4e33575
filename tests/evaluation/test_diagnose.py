"""Diagnosis by hand: which cells hold which levels, what falls short where, which levels are worst."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.cli.meta_test import _write_diagnosis
from groove.envs.gridworld.features import describe
from groove.envs.gridworld.level_file import load_levels, save_levels
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, sample_level
from groove.evaluation.diagnose import FEWEST, Diagnosis, draw_diagnosis, heat_map
from groove.evaluation.suites import Budget

N = 40


def _diagnosis(**changes):
    keys = jax.random.split(jax.random.key(0), N)
    levels = jax.jit(jax.vmap(lambda k: sample_level(k, LevelDistribution(), GridSizes())))(keys)
    features = jax.jit(jax.vmap(lambda level: describe(level, GridSizes())))(levels)
    known = {name: np.asarray(x, float) for name, x in features.items()} | changes
    a2c = np.arange(N, dtype=float)
    return Diagnosis(jax.tree.map(np.asarray, levels), known, np.zeros(N), a2c, "mine", Budget(5), seeds=1)


def test_cells_by_hand():
    """Two features that split the levels in halves: the shortfall of level i is i."""
    half = np.repeat([1.0, 2.0], N // 2)
    other = np.where(np.arange(N) == 3, np.nan, np.tile([5.0, 7.0], N // 2))
    mean, count, rows, columns = heat_map(_diagnosis(size=half, max_steps=other), "size", "max_steps")
    assert count.sum() == N - 1  # the level without the feature is in no cell
    assert (rows.labels(), columns.labels()) == (["1", "2"], ["5", "7"])
    low, high = (half == 1.0) & (other == 5.0), (half == 2.0) & (other == 7.0)
    np.testing.assert_allclose(mean[0, 0], np.arange(N)[low].mean())
    np.testing.assert_allclose(mean[-1, -1], np.arange(N)[high].mean())


def test_bins_hold_about_equally_many_levels_and_say_what_is_in_them():
    _, count, rows, _ = heat_map(_diagnosis(size=np.arange(float(N)), max_steps=np.ones(N)), "size", "max_steps")
    assert count[:, 0].tolist() == [N / 4] * 4
    assert rows.labels() == ["0 .. 9", "10 .. 19", "20 .. 29", "30 .. 39"]


def test_cells_of_few_levels_have_no_mean():
    rare = np.where(np.arange(N) < FEWEST - 1, 0.0, 1.0)
    mean, count, *_ = heat_map(_diagnosis(size=rare, max_steps=np.ones(N)), "size", "max_steps")
    assert count.sum() == N
    assert np.isnan(mean[count < FEWEST]).all()
    assert np.isfinite(mean[count >= FEWEST]).all()


def test_the_worst_levels_come_first_and_are_a_level_set(tmp_path):
    found = _diagnosis()
    worst = found.worst(3)
    assert worst.scores.tolist() == [N - 1.0, N - 2.0, N - 3.0]
    np.testing.assert_array_equal(worst.levels.start, found.levels.start[[N - 1, N - 2, N - 3]])
    save_levels(tmp_path / "worst.safetensors", worst)
    again = load_levels(tmp_path / "worst.safetensors")
    assert again.about["diagnosed"] == "mine"
    assert isinstance(jnp.asarray(again.levels.walls), jax.Array)


def test_the_picture_is_drawn(tmp_path):
    draw_diagnosis(_diagnosis(), tmp_path / "maps.png")
    assert (tmp_path / "maps.png").read_bytes()[:4] == b"\x89PNG"


def test_more_levels_are_exported_than_drawn(tmp_path):
    _write_diagnosis(_diagnosis(), tmp_path / "new", 30)
    assert len(load_levels(tmp_path / "new" / "worst.safetensors")) == 30
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"heat_maps.png", "worst.png", "worst.safetensors"}
