"""The search itself, on a regret that is known: what becomes an elite, what it descends from, and how it resumes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, check_level
from groove.envs.level_axes import Axis
from groove.evaluation.failures.search.archive import Archive
from groove.evaluation.failures.search.search import METHODS, Search, regret_of

SIZES = GridSizes(side=6, objects=3)
DIST = LevelDistribution(max_size=6, walls=6, max_objects=3)
ENV = make_gridworld(SIZES, DIST)
AXES = (Axis("nearest_positive", np.array([2.0, 3.0, 4.0, 6.0])), Axis("max_steps", np.array([50.0, 150.0, 400.0])))


def search(method="archive", levels=256, seed=0):
    return Search(method, ENV, AXES, levels, 32, seed)


def planted(levels, key, before):
    """Return returns by which the regret of a level is the sum of its objects' rewards, whatever the key."""
    del key, before
    total = np.asarray(levels.object_reward, np.float64).sum(1)
    return np.stack([np.zeros_like(total), total - 1.0, total])


def finished(method="archive", levels=256, seed=0, evaluate=planted):
    *_, last = search(method, levels, seed).run(evaluate)
    return last


def elites_of(done):
    archive = Archive(AXES)
    done.place(archive)
    return archive


def test_regret_is_the_lead_of_the_best_reference():
    assert regret_of(np.array([[1.0, 1.0], [3.0, 0.0], [2.0, 0.5]])).tolist() == [2.0, -0.5]


@pytest.mark.parametrize("method", METHODS)
def test_elites_are_the_levels_of_highest_regret_in_their_cells(method):
    done = finished(method)
    assert len(done) == 256
    best: dict[tuple[int, ...], float] = {}
    for cell, regret in zip(map(tuple, done.cells), done.regret, strict=True):
        if min(cell) >= 0:
            best[cell] = max(best.get(cell, -np.inf), regret)
    elites = elites_of(done).elites
    assert {tuple(done.cells[e]): done.regret[e] for e in elites} == best


@pytest.mark.parametrize("method", METHODS)
def test_levels_are_valid_and_live_as_long_as_the_distribution_says(method):
    done = finished(method)
    for i in range(0, len(done), 5):
        check_level(jax.tree.map(lambda x, i=i: x[i], done.levels), SIZES)
    assert set(done.levels.lifetime.tolist()) == {DIST.min_lifetime}


def test_the_first_quarter_is_random_and_the_same_for_all_methods():
    levels = [finished(method).levels.walls for method in METHODS]
    for other in levels[1:]:
        np.testing.assert_array_equal(levels[0][:64], other[:64])
        assert (levels[0][64:96] != other[64:96]).any()


def test_children_differ_from_parents_by_edits_or_in_their_numbers():
    done = finished(levels=96)  # 32 random ones and two batches of children
    parents = jax.tree.map(lambda x: x[:64], done.levels)
    for child in range(64, 96):
        walls, cells = done.levels.walls[child], done.levels.object_cell[child]
        same_place = (parents.walls == walls).all(1) & (parents.object_cell == cells).all(1)
        if child % 2:  # noise on the numbers: a parent has all its cells, and another time limit or other rewards
            assert same_place.any()
            (first, *_) = np.flatnonzero(same_place)
            assert (parents.object_reward[first] != done.levels.object_reward[child]).any()


def test_parents_under_best_are_the_levels_of_highest_regret():
    done = finished("best", levels=64)
    ranked = np.argsort(-np.where((done.cells[:32] >= 0).all(1), done.regret[:32], -np.inf))
    pool = set(ranked[:20].tolist())  # as many as there are cells
    noisy = [i for i in range(33, 64, 2)]
    for child in noisy:
        twins = np.flatnonzero((done.levels.walls[:32] == done.levels.walls[child]).all(1))
        assert pool & set(twins.tolist())


def test_parents_under_archive_are_elites_and_the_worst_levels_have_most_children():
    children = 3000
    one = dataclasses.replace(search(levels=32 + children), batch=32)
    *_, first = dataclasses.replace(one, levels=32).run(planted)
    archive = elites_of(first)
    parents = dataclasses.replace(one, batch=children, levels=33)._parents(jax.random.key(0), 32, first, archive)
    elites, counts = np.unique(parents, return_counts=True)
    assert set(elites.tolist()) == set(archive.elites.tolist())
    ranked = archive.elites[np.argsort(-first.regret[archive.elites])]
    shares = dict(zip(elites.tolist(), counts / children, strict=True))
    harmonic = (1 / np.arange(1, len(ranked) + 1)).sum()
    for rank, elite in enumerate(ranked.tolist(), 1):
        assert shares[elite] == pytest.approx(1 / rank / harmonic, abs=0.03)


def test_the_archive_finds_more_than_random_search_on_a_planted_regret():
    found = {m: np.mean([elites_of(finished(m, 512, s)).quality for s in range(5)]) for m in METHODS}
    assert found["archive"] > 1.2 * found["random"]
    assert found["archive"] > found["best"]


def test_the_same_seed_gives_the_same_search_and_another_seed_another():
    a, b, c = (finished(levels=96, seed=seed) for seed in (3, 3, 4))
    jax.tree.map(np.testing.assert_array_equal, a.levels, b.levels)
    assert (a.levels.walls != c.levels.walls).any()


def noisy(levels, key, before):
    """Return returns that depend on the key and on the number of levels before."""
    noise = np.asarray(jax.random.normal(key, (3, len(levels.size))), np.float64)
    return planted(levels, key, before) + noise + before


def test_a_search_that_goes_on_equals_one_that_was_never_stopped():
    whole = finished(levels=160, evaluate=noisy)
    for stop in (1, 3):
        run = search(levels=160).run(noisy)
        part = [next(run) for _ in range(stop)][-1]
        *_, again = search(levels=160).run(noisy, part)
        jax.tree.map(np.testing.assert_array_equal, dataclasses.astuple(whole), dataclasses.astuple(again))


def test_the_last_batch_is_cut_to_the_number_of_levels():
    assert len(finished(levels=70)) == 70


def test_a_finished_search_evaluates_nothing():
    done = finished(levels=64)
    assert list(search(levels=64).run(lambda *_: pytest.fail("evaluated"), done)) == []


def test_no_level_in_any_cell_leaves_random_levels():
    def unplaceable(levels, key, before):
        return planted(levels, key, before)

    hidden = dataclasses.replace(search(levels=96), axes=(Axis("nearest_positive", np.array([])), AXES[1]))
    env = ENV._replace(describe=lambda level: {"nearest_positive": jnp.nan, "max_steps": level.max_steps * 1.0})
    *_, done = dataclasses.replace(hidden, env=env).run(unplaceable)
    assert len(done) == 96
    assert (done.cells[:, 0] == -1).all()
