"""The cost model: prices that were planted are found, and its terms grow as they should."""

from dataclasses import replace
from functools import partial

import pytest


@pytest.fixture
def model(benchmark_program):
    return benchmark_program("cost_model")


@pytest.mark.parametrize("terms", ["second_terms", "byte_terms"])
def test_planted_prices_predict_sizes_that_were_not_fitted(model, terms):
    terms = getattr(model, terms)
    planted = {name: 10.0**-i for i, name in enumerate(terms(model.Size()))}
    costs = [sum(model.predict(terms, planted, size).values()) for size in model.FITTED]
    prices = model.fit(terms, model.FITTED, costs)
    for size in model.HELD_OUT:
        expected = sum(model.predict(terms, planted, size).values())
        assert sum(model.predict(terms, prices, size).values()) == pytest.approx(expected, rel=1e-4)


def test_a_price_is_never_negative(model):
    falling = [1 / size.N for size in model.FITTED]
    assert min(model.fit(model.second_terms, model.FITTED, falling).values()) >= 0


def test_held_out_sizes_are_not_fitted(model):
    assert not set(model.FITTED) & set(model.HELD_OUT)


@pytest.mark.parametrize("curriculum", ["ar", "dr"])
def test_a_call_of_every_size_is_one_lifetime(model, curriculum):
    for size in (*model.FITTED, *model.HELD_OUT):
        config = model.config_of(size, curriculum)
        assert 0 <= config.run.log_every * size.K - config.levels.max_lifetime < size.K


def test_twice_the_slots_on_twice_the_devices_cost_one_device_the_same_but_for_the_curriculum(model):
    size = model.Size(N=16, D=2)
    twice = replace(size, N=32, D=4)
    assert model.byte_terms(twice) == model.byte_terms(size)
    own_memory = partial(model.second_terms, sharing=1)
    curriculum = "slot of all devices"
    assert own_memory(twice) == own_memory(size) | {curriculum: 32}


def test_devices_of_one_memory_wait_for_each_other(model):
    waiting = "hidden value of another device"
    four = model.Size(N=32, D=4)
    assert model.second_terms(four)[waiting] == 3 * model.second_terms(four)["hidden value"]
    assert model.second_terms(model.Size())[waiting] == model.second_terms(four, sharing=1)[waiting] == 0


def test_a_ring_of_four_devices_averages_in_six_messages(model):
    seconds = model.all_reduce_seconds(4, values=1000, bandwidth=1e6, latency=0.5)
    assert seconds == pytest.approx(6 * (0.5 + 1000 / 1e6))
    assert model.all_reduce_seconds(1, values=1000, bandwidth=1e6, latency=0.5) == 0


def test_a_small_meta_step_is_measured(model):
    cost = model.measure(model.config_of(model.Size(N=2, W=2, T=3, K=50, H=4), "dr"), repeats=1)
    weights = 4 * 3 * 4 * (4 + 6)
    assert cost["seconds"] > 0
    assert cost["bytes"] > weights


def test_more_devices_have_the_same_work_and_a_longer_ring(model):
    prices = dict.fromkeys(model.second_terms(model.Size()), 1e-6)
    one, many = (model.growing(devices, prices, 1e9, 1e-6) for devices in (1, 64))
    assert many["transition"] == one["transition"]
    assert many["slot of all devices"] == 64 * one["slot of all devices"]
    assert many["mean of the meta-gradients"] > one["mean of the meta-gradients"] == 0
