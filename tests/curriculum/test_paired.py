"""PAIRED as a curriculum: designed levels are handed out, and their first lives reward the generator."""

import dataclasses
import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.generators.factored import learn
from groove.curriculum.generators.generator import GeneratorConfig, entropy_floor
from groove.curriculum.paired import make_paired
from groove.curriculum.plr_config import PLRConfig
from groove.envs.base import Design, Factor
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.types import LevelOutcome
from groove.utils.errors import GrooveError

B, N, K = 32, 8, 4
PLR = PLRConfig(buffer_size=B, min_fill=0.25)
CONFIG = GeneratorConfig(bins=K)
DESIGN = Design(lambda u: {"place": u}, 2, (Factor("row", (0,)), Factor("column", (1,))))
FAR = 5.0  # an edit moves a level out of all bins


def make(replay=False, plr=PLR, **changes):
    env = make_gridworld()._replace(
        design=DESIGN,
        sample_level=lambda key: {"place": jax.random.uniform(key, (2,))},
        mutate=lambda key, level: {"place": level["place"] + FAR},
    )
    curriculum = make_paired(env, plr, dataclasses.replace(CONFIG, **changes), "ar", N, replay=replay)
    return curriculum._replace(sample=jax.jit(curriculum.sample), update=jax.jit(curriculum.update))


def outcome(regret, finished=None):
    unknown = LevelOutcome.unknown(jnp.ones(N, bool) if finished is None else finished)
    return dataclasses.replace(unknown, student_return=jnp.zeros(N), antagonist_return=jnp.asarray(regret, jnp.float32))


def live(curriculum, rounds, regret_of, seed=0):
    """Live whole lifetimes on all levels; yield the state before each outcome, the levels and the ids."""
    state, levels, ids = curriculum.init(jax.random.key(seed), N)
    for turn in range(rounds):
        yield state, levels["place"], ids
        state = curriculum.update(state, ids, outcome(regret_of(levels["place"])))
        state, levels, ids = curriculum.sample(state, jax.random.fold_in(jax.random.key(seed), turn), jnp.ones(N, bool))
    yield state, levels["place"], ids


def bins_of(places):
    return np.floor(np.asarray(places) * K).astype(int)


def test_the_choices_of_every_level_are_kept_under_its_id():
    for state, places, ids in live(make(), 12, lambda places: places[:, 0]):
        np.testing.assert_array_equal(state.choices.bins[ids], bins_of(places))
        np.testing.assert_array_equal(state.plr.buffer.level["place"][ids], places)
        assert len(set(ids.tolist())) == N


def test_designed_levels_get_more_regret_than_random_ones():
    regret = lambda places: ((places > 0.75).all(1)) * 1.0  # noqa: E731
    for seed in range(3):
        *_, (state, places, _) = live(make(entropy=0.0, learning_rate=0.1), 150, regret, seed)
        assert regret(places).mean() > 0.5  # 1/16 by chance, (50/53)^2 at most
        assert float(make().metrics(state)["generator_entropy"]) >= entropy_floor(CONFIG.max_odds, K) - 1e-6


def test_paired_hands_out_no_level_twice_and_repaired_replays():
    seen = np.concatenate([places for _, places, _ in live(make(), 20, lambda places: places[:, 0])])
    assert len(np.unique(seen, axis=0)) == len(seen)
    seen = np.concatenate([places for _, places, _ in live(make(replay=True), 20, lambda places: places[:, 0])])
    assert 0.3 < len(np.unique(seen, axis=0)) / len(seen) < 0.8


def test_only_first_lives_move_the_generator():
    curriculum = make(replay=True, plr=dataclasses.replace(PLR, replay_probability=1.0))
    lives = list(live(curriculum, 8, lambda places: places[:, 0]))
    for (before, _, ids), (after, _, _) in itertools.pairwise(lives):
        replayed = np.isfinite(before.plr.buffer.score[ids])
        assert (int(after.generator.updates) == int(before.generator.updates)) == replayed.all()
    assert int(lives[-1][0].generator.updates) < 8, "some levels are replayed"


def test_lives_that_go_on_reward_nothing():
    curriculum = make()
    state, levels, ids = curriculum.init(jax.random.key(0), N)
    done = jnp.arange(N) < 3
    part = curriculum.update(state, ids, outcome(jnp.arange(N), done))
    own = jax.tree.map(lambda x: x[ids[:3]], state.choices)
    expected = learn(DESIGN, CONFIG, state.generator, own, jnp.arange(3.0), jnp.ones(3, bool))
    np.testing.assert_allclose(part.generator.logits, expected.logits, rtol=1e-6)
    following, levels, more = curriculum.sample(part, jax.random.key(1), done)
    np.testing.assert_array_equal(following.choices.bins[ids[3:]], state.choices.bins[ids[3:]])
    np.testing.assert_array_equal(following.choices.bins[more[:3]], bins_of(levels["place"][:3]))


def test_edited_levels_are_kept_and_reward_nothing():
    curriculum = make(edit_probability=1.0)
    lives = list(live(curriculum, 6, lambda places: places[:, 0]))
    state, places, ids = lives[-1]
    assert (places > 1).all(), "once enough levels are scored, new ones are edited copies"
    assert not state.choices.designed[ids].any()
    assert int(lives[-1][0].generator.updates) == int(lives[2][0].generator.updates)
    with pytest.raises(GrooveError, match=r"cannot be edited: set paired.edit_probability to 0"):
        make_paired(
            make_gridworld()._replace(mutate=None), PLR, GeneratorConfig(edit_probability=0.5), "ar", N, replay=False
        )


def test_the_same_key_gives_the_same_levels():
    first, again = (list(live(make(replay=True), 5, lambda places: places[:, 0]))[-1] for _ in range(2))
    jax.tree.map(partial(np.testing.assert_array_equal), first, again)


def test_random_levels_are_handed_out_reward_nothing_and_are_compared():
    curriculum = make(random_share=0.5)
    lives = list(live(curriculum, 40, lambda places: places[:, 0], seed=1))
    marks = [np.asarray(state.comparison.is_random[ids]) for state, _, ids in lives]
    assert 0.3 < np.mean(marks) < 0.7
    for mark, (state, _, ids) in zip(marks, lives, strict=True):
        np.testing.assert_array_equal(state.choices.designed[ids], ~mark)
    metrics = curriculum.metrics(lives[-1][0])
    assert float(metrics["generated_score_mean"]) > float(metrics["random_score_mean"]) > 0.3
    counts = [np.stack([~mark, mark]).sum(1) for mark in marks[:-1]]
    decay = 0.98 ** np.arange(len(counts))[::-1]
    np.testing.assert_allclose(lives[-1][0].comparison.count, (decay[:, None] * counts).sum(0), rtol=1e-5)
    assert make().init(jax.random.key(0), N)[0].comparison == ()


@pytest.mark.slow
@pytest.mark.parametrize("replay", [False, True])
def test_the_autoregressive_generator_learns_from_first_lives(replay):
    sizes, dist = GridSizes(side=3, objects=1), LevelDistribution(3, 3, walls=1, max_objects=1, max_steps=20)
    env = make_gridworld(sizes, dist)
    config = GeneratorConfig(generator="autoregressive", hidden=4, noise=2)
    curriculum = make_paired(env, PLR, config, "ar", N, replay=replay)
    sample, update = jax.jit(curriculum.sample), jax.jit(curriculum.update)
    state, levels, ids = curriculum.init(jax.random.key(0), N)
    for turn in range(4):
        built = state.choices.cell[ids]
        np.testing.assert_array_equal(built[:, 0], levels.start)
        np.testing.assert_array_equal(built[:, 1], levels.object_cell[:, 0])
        state = update(state, ids, outcome(levels.start))
        assert int(state.generator.scale.updates) == turn + 1
        state, levels, ids = sample(state, jax.random.fold_in(jax.random.key(1), turn), jnp.ones(N, bool))
    drawn = curriculum.generate(state, jax.random.key(0), 5)
    assert drawn.start.shape == (5,)
    assert float(curriculum.metrics(state)["generator_entropy"]) <= 1
