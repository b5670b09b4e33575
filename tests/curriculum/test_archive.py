"""Level replay from an archive: who enters and leaves it, by hand, and what it finds."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.archive import ArchiveConfig, make_archive
from groove.curriculum.buffer import Status
from groove.curriculum.plr_config import PLRConfig
from groove.envs.gridworld.dynamics import make_gridworld
from groove.types import LevelOutcome
from groove.utils.errors import ConfigError, GrooveError

N = 8
PLR = PLRConfig(buffer_size=64, replay_probability=0.5)
CONFIG = ArchiveConfig(axes=("a", "b"), ranges=4)
AXES_ONLY = ArchiveConfig(axes=("a", "b"))


def sample_level(key):
    """Draw a level near zero: high values of a and b are rare."""
    return {"x": jax.random.uniform(key, (2,)) ** 6}


def mutate(key, level):
    return {"x": jnp.clip(level["x"] + 0.2 * jax.random.normal(key, (2,)), 0.0, 1.0)}


ENV = make_gridworld()._replace(
    sample_level=sample_level,
    mutate=mutate,
    perturb=None,
    describe=lambda level: {"a": level["x"][0], "b": level["x"][1], "constant": jnp.float32(1)},
)


def make(config=CONFIG, plr=PLR, **changes):
    curriculum = make_archive(ENV, plr, dataclasses.replace(config, **changes), "ar", N)
    return curriculum._replace(sample=jax.jit(curriculum.sample), update=jax.jit(curriculum.update))


def outcome(regret, finished=None):
    unknown = LevelOutcome.unknown(jnp.ones(N, bool) if finished is None else jnp.asarray(finished))
    return dataclasses.replace(unknown, student_return=jnp.zeros(N), antagonist_return=jnp.asarray(regret, jnp.float32))


def live(curriculum, rounds, regret_of, seed=0):
    """Live whole lifetimes; yield the state, the levels and the ids, before each outcome."""
    state, levels, ids = curriculum.init(jax.random.key(seed), N)
    for turn in range(rounds):
        yield state, np.asarray(levels["x"]), np.asarray(ids)
        state = curriculum.update(state, ids, outcome(regret_of(levels["x"])))
        state, levels, ids = curriculum.sample(state, jax.random.fold_in(jax.random.key(seed), turn), jnp.ones(N, bool))


def contest(state, cells):
    """Put the first levels of the buffer into these cells."""
    return dataclasses.replace(state, cell=state.cell.at[jnp.arange(len(cells))].set(jnp.asarray(cells)))


def replay_all(curriculum, state):
    """Hand out the levels with these ids again, as a replay does."""
    status = state.plr.buffer.status
    again = jnp.where(status == Status.SCORED, jnp.int8(Status.ACTIVE), status)
    buffer = dataclasses.replace(state.plr.buffer, status=again)
    return dataclasses.replace(state, plr=dataclasses.replace(state.plr, buffer=buffer))


def test_a_first_score_is_only_a_ticket_and_the_later_mean_decides():
    curriculum = make(memory=2)
    state, _, ids = curriculum.init(jax.random.key(0), N)
    state = contest(state, [0, 0, 1, -1, 2, 3, 4, 5])
    state = curriculum.update(state, ids, outcome([5.0, 3.0, 1.0, 9.0, 0.0, 0.0, 0.0, 0.0]))
    assert int(state.accepted) == 0  # nobody has settled yet
    assert np.asarray(state.plr.buffer.scored[:8]).tolist() == [True, True, True, False, *[True] * 4]  # -1: no cell
    state = curriculum.update(replay_all(curriculum, state), ids, outcome([1.0, 2.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    # the second scores alone count: 2 beats 1 in cell 0, and the first scores of 5 and 3 are forgotten
    assert np.asarray(state.plr.buffer.score[:3]).tolist() == [-np.inf, 2.0, 7.0]
    assert int(state.accepted) == 6
    for regret, mean in ((4.0, 3.0), (5.0, 4.0), (5.0, 4.5)):  # 2 -> (2 + 4) / 2, then a mean over the memory of 2
        rows = outcome([0.0, regret, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        state = curriculum.update(replay_all(curriculum, state), ids, rows)
        assert float(state.plr.buffer.score[1]) == pytest.approx(mean)
    assert int(state.accepted) == 6  # holders that live on do not count again


def test_a_newcomer_that_is_not_ahead_of_the_holder_leaves_at_once():
    curriculum = make()
    state, _, ids = curriculum.init(jax.random.key(0), N)
    state = contest(state, [0, 0, 0, 1, 2, 3, 4, 5])
    only_first = np.arange(N) == 0
    state = curriculum.update(state, ids, outcome(np.full(N, 2.0), only_first))
    state = curriculum.update(replay_all(curriculum, state), ids, outcome(np.full(N, 2.0), only_first))
    assert int(state.accepted) == 1
    state = curriculum.update(state, ids, outcome([0.0, 2.0, 2.5, 0.0, 0.0, 0.0, 0.0, 0.0], np.arange(N) >= 1))
    status = np.asarray(state.plr.buffer.status[:3])
    assert status.tolist() == [Status.SCORED, Status.EMPTY, Status.SCORED]  # equal is not ahead


def test_a_score_that_is_not_finite_drops_the_level():
    curriculum = make()
    state, _, ids = curriculum.init(jax.random.key(0), N)
    state = curriculum.update(contest(state, range(N)), ids, outcome([np.nan, *[1.0] * 7]))
    assert int(state.plr.buffer.status[0]) == Status.EMPTY
    assert int(state.plr.forgotten) == 1


def test_settled_levels_of_the_buffer_hold_different_cells():
    for state, _, ids in live(make(), 60, lambda x: x.sum(1)):
        assert len(set(ids.tolist())) == N
        scored, settled = np.asarray(state.plr.buffer.scored), np.asarray(state.lives) > CONFIG.trials
        cells = np.asarray(state.cell)[scored & settled]
        assert len(set(cells.tolist())) == len(cells)
        assert (cells >= 0).all()


@pytest.mark.slow
def test_new_levels_never_evict_the_level_of_a_cell():
    """Half of the cells are weak, and the buffer has no room to spare."""
    curriculum = make(AXES_ONLY, PLRConfig(buffer_size=32, replay_probability=0.5))
    noise = np.random.default_rng(0)
    held = 0.0
    for state, _, _ in live(curriculum, 150, lambda x: x[:, 0] + 0.3 * noise.normal(size=N)):
        now = float(curriculum.metrics(state)["archive_coverage"])
        assert now >= held - 1e-6
        held = now
    assert held > 0.5


def test_the_archive_covers_more_cells_with_better_levels_than_random_levels_do():
    plr, reached = PLRConfig(buffer_size=96), {}
    for share in (0.0, 1.0):
        curriculum = make(plr=plr, ranges=8, random_share=share)
        ends = [[state for state, *_ in live(curriculum, 41, lambda x: x.sum(1), seed)][-1] for seed in range(3)]
        metrics = [curriculum.metrics(state) for state in ends]
        reached[share] = [np.mean([m[f"archive_{name}"] for m in metrics]) for name in ("coverage", "score")]
    assert reached[0.0][0] > reached[1.0][0] + 0.08  # the share of cells that have a level
    assert reached[0.0][1] > reached[1.0][1] + 0.15


def test_the_levels_handed_out_have_higher_regret_than_random_ones_on_average():
    def regret(x):
        return x[:, 0] * x[:, 1]

    late = [regret(x).mean() for _, x, _ in live(make(), 100, regret)][50:]
    random = regret(np.asarray(jax.vmap(sample_level)(jax.random.split(jax.random.key(9), 4096))["x"])).mean()
    assert np.mean(late) > 2 * random


def test_metrics_at_the_start_are_defined_or_nan():
    curriculum = make()
    state, _, _ = curriculum.init(jax.random.key(0), N)
    metrics = curriculum.metrics(state)
    assert (float(metrics["archive_coverage"]), float(metrics["archive_accepted"])) == (0.0, 0.0)
    assert np.isnan(metrics["archive_score"])


def test_the_same_seed_gives_the_same_levels():
    runs = [[x for _, x, _ in live(make(), 12, lambda x: x[:, 0], seed)] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        (("a", "size"), r'unknown feature in archive\.axes "size"'),
        (("a",), r"archive\.axes = a must be two different features"),
        (("a", "constant"), r"archive\.axes: constant is the same on all random levels"),
    ],
)
def test_axes_that_make_no_grid_are_refused(axes, said):
    with pytest.raises(ConfigError, match=said):
        make(axes=axes)


def test_a_buffer_too_small_for_its_cells_is_refused():
    with pytest.raises(ConfigError, match="for 16 cells and 8 slots: choose at least 32"):
        make(plr=PLRConfig(buffer_size=24))


def test_levels_without_features_are_refused():
    with pytest.raises(GrooveError, match="archive changes levels towards features"):
        make_archive(ENV._replace(describe=None), PLR, CONFIG, "ar", N)


def test_by_default_there_are_as_many_ranges_as_the_buffer_has_room_for():
    def cells(places):
        curriculum = make_archive(ENV, PLRConfig(buffer_size=places), AXES_ONLY, "ar", N)
        state, _, ids = curriculum.init(jax.random.key(0), N)
        state = contest(state, [0, *[-1] * (N - 1)])
        buffer = dataclasses.replace(state.plr.buffer, score=state.plr.buffer.score.at[ids[0]].set(1.0))
        settled = dataclasses.replace(
            state, lives=state.lives.at[ids[0]].set(100), plr=dataclasses.replace(state.plr, buffer=buffer)
        )
        return round(1 / float(curriculum.metrics(settled)["archive_coverage"]))  # one cell is held

    assert cells(32) == 16
    assert cells(41) == 25
    assert cells(200) == 64
