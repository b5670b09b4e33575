"""Errors, slopes and windows by hand; sources that are known to be open-ended, or known not to be, come apart."""

import numpy as np
import pytest

from groove.evaluation.openness import observer, openness
from groove.evaluation.openness.openness import (
    TooFewLevelsError,
    measure_openness,
    shuffle_within,
    slopes,
    squared_errors,
    windows,
)

NAN = np.nan
SEEDS = 20


def test_windows_are_equally_large_and_keep_meta_steps_together():
    window, ends = windows(np.array([5, 5, 5, 10, 15, 15, 20, 25]), 4)
    assert window.tolist() == [0, 0, 0, 1, 2, 2, 3, 3]
    assert ends.tolist() == [5, 10, 15, 25]
    assert windows(np.array([7, 7, 7]), 4)[1].tolist() == [7]
    assert windows(np.zeros(0, int))[1].tolist() == []


def test_errors_by_hand(monkeypatch):
    monkeypatch.setattr(observer, "PENALTIES", np.array([0.0]))  # least squares
    window = np.array([0, 0, 1, 1, 2, 2])
    feature = np.array([0.0, 1, 1, 3, 2, 4])[:, None]
    outcome = np.array([0.0, 2, 1, 5, 4, 6])[:, None]
    each, mean = squared_errors(feature, outcome, window)
    # until window 0: y = 2 x, at most 2. Until window 1: y = 1.5 x + 0.125, at most 5
    after_0, after_1 = [(2 - 1) ** 2, (2 - 5) ** 2, (2 - 4) ** 2, (2 - 6) ** 2], [0.875**2, 1.0]
    slope = (-1.25 * -2 + -0.25 * 0 + -0.25 * -1 + 1.75 * 3) / (1.25**2 + 2 * 0.25**2 + 1.75**2)
    at = np.minimum([2 + slope * (x - 1.25) for x in (2, 4)], 5)
    after_1 = [(at[0] - 4) ** 2, (at[1] - 6) ** 2]
    np.testing.assert_allclose(each, [[NAN, NAN, *after_0], [NAN, NAN, NAN, NAN, *after_1]])
    np.testing.assert_allclose(mean, [[[NAN, 5.0, 10.0], [NAN, NAN, np.mean(after_1)]]])


def test_slopes_by_hand():
    error = np.array([[NAN, 1.0, 4.0], [NAN, NAN, 2.0]])  # one row for each t, one column for each T, 1/3 apart
    novelty, learnability = slopes(error)
    assert novelty == pytest.approx((4 - 1) * 3), "the error of t = 1 grows from 1 to 4"
    assert learnability == pytest.approx((4 - 2) * 3), "the error on T = 3 falls from 4 to 2"


def test_slopes_of_a_plane():
    time = np.arange(1, 8) / 7
    error = 0.3 + 2.0 * time - 0.5 * time[:-1, None]
    novelty, learnability = slopes(np.where(time > time[:-1, None], error, NAN))
    assert (novelty, learnability) == (pytest.approx(2.0), pytest.approx(0.5))


def test_shuffles_stay_within_windows():
    window = np.array([0, 1, 0, 1, 1, 2] * 10)
    order = shuffle_within(window, np.random.default_rng(0))
    assert sorted(order) == list(range(60))
    np.testing.assert_array_equal(window[order], window)
    assert (order != np.arange(60)).any()


def levels(kind, seed, count=400, width=5):
    """Features and outcomes of a source of levels through time."""
    rng = np.random.default_rng(seed)
    time = np.arange(count) / count
    features, noise = rng.normal(size=(count, width)), rng.normal(size=count)
    if kind == "drifting":  # one feature after another begins to vary
        features *= np.clip(1.1 * width * time[:, None] - np.arange(width), 0, 1)
    signal = features.sum(1) if kind in ("stationary", "drifting") else 0.0
    outcome = {
        "stationary": signal + noise,
        "drifting": signal + 0.5 * noise,
        "noise": noise,
        "growing noise": (0.5 + 2 * time) * noise,
    }[kind]
    return np.arange(count) // 4, features, outcome


@pytest.fixture(scope="module")
def controls():
    """Kind of source -> its openness, one for each seed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openness, "RESAMPLES", 400)
        patch.setattr(openness, "SHUFFLES", 60)
        return {
            kind: [measure_openness(*levels(kind, seed), seed=seed) for seed in range(SEEDS)]
            for kind in ("stationary", "noise", "growing noise", "drifting")
        }


def over_seeds(measured, name):
    """The ends of the 95 % interval of a mean over seeds, by Student's t."""
    values = np.array([getattr(each, name).value for each in measured])
    half = 2.093 * values.std(ddof=1) / np.sqrt(SEEDS)
    return values.mean() - half, values.mean() + half


def shares(measured):
    return sum(each.is_novel for each in measured) / SEEDS, sum(each.is_learnable for each in measured) / SEEDS


def test_a_stationary_source_is_not_novel(controls):
    low, high = over_seeds(controls["stationary"], "novelty")
    assert low < 0 < high
    assert high < 0.1
    assert shares(controls["stationary"])[0] <= 0.1


def test_noise_is_not_learnable(controls):
    for kind in ("noise", "growing noise"):
        low, high = over_seeds(controls[kind], "learnability")
        assert low < 0 < high
        assert high < 0.1
        assert shares(controls[kind])[1] <= 0.1
    assert shares(controls["noise"])[0] <= 0.1, "the noisy television of the paper"
    assert over_seeds(controls["growing noise"], "novelty")[0] > 1.0, "ever louder noise is novel"


def test_a_drifting_source_is_open_ended_and_apart_from_the_others(controls):
    drifting = controls["drifting"]
    assert min(shares(drifting)) >= 0.9
    assert over_seeds(drifting, "novelty")[0] > over_seeds(controls["stationary"], "novelty")[1] + 0.5
    for kind in ("stationary", "noise", "growing noise"):
        assert over_seeds(drifting, "learnability")[0] > over_seeds(controls[kind], "learnability")[1] + 0.5
    assert drifting[0].verdict == "open-ended: novel and learnable"


def test_the_same_seed_gives_the_same_intervals(controls):
    once, again = (measure_openness(*levels("noise", 3), seed=5) for _ in range(2))
    assert (once.novelty, once.learnability) == (again.novelty, again.learnability)
    for interval in (once.novelty, once.learnability):
        assert interval.low < interval.value < interval.high


@pytest.mark.parametrize(("count", "steps", "outcome"), [(99, 99, None), (400, 3, None), (0, 0, None), (400, 400, 1.0)])
def test_short_records_and_constant_outcomes_are_refused(count, steps, outcome):
    rng = np.random.default_rng(0)
    step = np.arange(count) * steps // max(count, 1)
    outcomes = rng.normal(size=count) if outcome is None else np.full(count, outcome)
    with pytest.raises(TooFewLevelsError, match="openness needs 100 levels or more"):
        measure_openness(step, rng.normal(size=(count, 2)), outcomes)
