"""The meta-step: one compilation, the same bits for the same seed, the same rule on one device and on eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.fixed import make_dr
from groove.curriculum.plr_config import PLRConfig
from groove.curriculum.registry import Settings, make_curriculum, parse_curriculum
from groove.meta.gradient import GradientConfig
from groove.meta.trainer import make_trainer
from groove.meta.truncated_step import make_truncated_step
from groove.utils import parallel
from tests._helpers.tiny import assert_all_moved, tiny_setup

SLOTS, RECORDED = 8, 3


def _trainer(devices, curriculum="ar", chunk=4):
    setup = tiny_setup(antagonist=curriculum == "ar")._replace(recorded=RECORDED if curriculum == "ar" else 0)
    config = GradientConfig(updates=2, micro_batch=2, learning_rate=1e-2, final_learning_rate=1e-3)
    if curriculum == "dr":
        chosen = make_dr(setup.env.sample_level)
    else:
        chosen = make_curriculum(parse_curriculum(curriculum), setup.env, Settings(PLRConfig(buffer_size=16)), SLOTS)
    meta_step = make_truncated_step(setup, config, chosen, slots=SLOTS, stagger=2)
    return make_trainer(meta_step, parallel.make_mesh(devices), chunk, average_decay=0.5)


def _same(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
            x, y = jax.random.key_data(x), jax.random.key_data(y)
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


@pytest.fixture(scope="module")
def one_device():
    return _trainer(1)


def test_same_seed_same_bits_in_whatever_chunks(one_device):
    whole, _ = one_device.run(one_device.init(jax.random.key(3)), 4)
    parts = one_device.init(jax.random.key(3))
    for n in (1, 3):
        parts, _ = one_device.run(parts, n)
    _same(whole, parts)
    assert one_device.compilations() == 1
    other, _ = one_device.run(one_device.init(jax.random.key(4)), 4)
    assert_all_moved(other.eta, whole.eta)


def test_everything_moves_and_levels_turn_over(one_device):
    start = one_device.init(jax.random.key(0))
    before = jax.tree.map(np.asarray, (start.eta, start.lives.critic, start.lives.antagonists[0].learner.params))
    state, metrics = one_device.run(start, 4)
    after = (state.eta, state.lives.critic, state.lives.antagonists[0].learner.params)
    assert_all_moved(*(jax.tree.map(jnp.asarray, tree) for tree in (before[0], after[0])))
    mean = jax.tree.map(lambda a, e: np.asarray(a) - np.asarray(e), state.average, state.eta)
    assert all(np.any(difference != 0) for difference in jax.tree.leaves(mean))
    assert int(state.step) == 4
    # lifetimes of 4 updates at 2 a meta-step, of which half began half way: four of eight end in every step
    assert metrics["finished"].tolist() == [4.0] * 4
    assert bool((metrics["skipped"] == 0).all())


def test_the_record_holds_levels_of_finished_lifetimes_that_were_not_shortened(one_device):
    start = one_device.init(jax.random.key(0))
    describe = jax.vmap(tiny_setup().env.describe)
    features = describe(jax.tree.map(np.asarray, start.levels.level))
    columns = np.stack([features[name] for name in sorted(features)], 1)[1::2]  # the others live half as long
    _, metrics = one_device.run(start, 2)
    record = np.asarray(metrics["level_record"])
    assert record.shape == (4, RECORDED, 2 + columns.shape[1])
    assert np.isnan(record[0]).all(), "shortened lifetimes end first"
    assert np.isfinite(record[1, :, :2]).all()
    assert np.isnan(record[2:]).all(), "the chunk has not got there"
    recorded = [[np.allclose(row, level, equal_nan=True) for level in columns].index(True) for row in record[1, :, 2:]]
    assert len(set(recorded)) == RECORDED, "no level twice"


def test_eight_devices_make_the_rule_of_one(one_device):
    eight = _trainer(8)
    # one meta-step more turns rounding into another action here and there
    states, metrics = zip(*(t.run(t.init(jax.random.key(0)), 2) for t in (one_device, eight)), strict=True)
    np.testing.assert_array_equal(*(m["level_record"][:2, :, 2:] for m in metrics), "the same levels are recorded")
    assert len(states[1].levels.level_id.sharding.device_set) == 8
    for a, b in zip(*(jax.tree.leaves(s.eta) for s in states), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2e-3, atol=2e-5)
    np.testing.assert_array_equal(*(np.asarray(s.levels.level_id) for s in states))


def test_nothing_moves_where_no_lifetime_counts(one_device):
    state, _ = one_device.run(one_device.init(jax.random.key(0)), 1)
    before = jax.tree.map(np.asarray, state.eta)
    idle = dataclasses.replace(state.levels, weight=state.levels.weight * 0)
    state, metrics = one_device.run(dataclasses.replace(state, levels=idle), 1)
    _same(before, state.eta)  # though Adam has momentum by now
    assert metrics["skipped"][0] == 0


def test_more_than_a_chunk_is_refused(one_device):
    with pytest.raises(ValueError, match="between 1 and 4"):
        one_device.run(one_device.init(jax.random.key(0)), 5)
