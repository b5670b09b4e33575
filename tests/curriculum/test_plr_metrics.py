"""The metrics of a buffer, worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.buffer import Status
from groove.curriculum.plr_metrics import plr_metrics
from tests._helpers.buffers import buffer_of

SCORED, ACTIVE, FRESH, EMPTY = Status.SCORED, Status.ACTIVE, Status.FRESH, Status.EMPTY


def test_metrics_worked_by_hand():
    status = [SCORED, SCORED, ACTIVE, ACTIVE, ACTIVE, EMPTY, FRESH, SCORED]
    inf = float("inf")
    buffer = buffer_of([4.0, -1.0, 7.0, -inf, -inf, -inf, -inf, 0.0], status, age=[3, 5, 1, 1, 1, 0, 0, 10])
    metrics = jax.jit(plr_metrics)(buffer, jnp.int32(12), jnp.int32(2))
    golden = {
        "scored_fraction": 3 / 8,
        "replay_share": 1 / 3,
        "score_mean": 2.5,
        "score_max": 7.0,
        "score_p10": -1.0,
        "score_median": 0.0,
        "score_p90": 4.0,
        "staleness_mean": 6.0,
        "turnover": 1.5,
        "forgotten": 2.0,
    }
    assert {name: float(value) for name, value in metrics.items()} == pytest.approx(golden)


def test_metrics_without_scored_levels_are_nan_where_they_are_means():
    buffer = buffer_of([-jnp.inf] * 3, [ACTIVE, FRESH, EMPTY])
    metrics = plr_metrics(buffer, jnp.int32(2), jnp.int32(0))
    undefined = {name for name, value in metrics.items() if np.isnan(value)}
    assert undefined == {"score_mean", "score_max", "score_p10", "score_median", "score_p90", "staleness_mean"}
    assert float(metrics["scored_fraction"]) == 0.0
