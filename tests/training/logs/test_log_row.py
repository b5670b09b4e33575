"""A row holds means over meta-steps, except for returns, regret, counters and sums."""

import math

import numpy as np

from groove.training.logs.log_row import log_row

METRICS = {
    "meta_loss": [1.0, 3.0],
    "skipped": [1.0, 2.0],
    "finished": [2.0, 1.0],
    "env_steps": [100.0, 50.0],
    "student_return_sum": [6.0, 0.0],
    "student_episodes": [2.0, 0.0],
    "antagonist_return_sum": [8.0, np.nan],
    "antagonist_episodes": [2.0, 2.0],
    "regret_sum": [1.0, 2.0],
    "regret_known": [1.0, 3.0],
}


def _row(**changes):
    metrics = METRICS | changes
    return log_row({name: np.asarray(values, np.float32) for name, values in metrics.items() if values is not None})


def test_each_metric_has_its_mean():
    assert _row() == {
        "meta_loss": 2.0,
        "skipped": 2.0,
        "finished": 3.0,
        "env_steps": 150.0,
        "student_return": 3.0,
        "antagonist_return": 2.0,
        "regret": 0.75,
    }


def test_the_metrics_of_a_group_have_the_same_means():
    own = {f"tables/{name}": values for name, values in METRICS.items() if name not in ("skipped", "env_steps")}
    row = _row(**own)
    assert {name: row[f"tables/{name}"] for name in ("meta_loss", "student_return", "antagonist_return", "regret")} == {
        "meta_loss": 2.0,
        "student_return": 3.0,
        "antagonist_return": 2.0,
        "regret": 0.75,
    }
    assert not any(name.endswith(("_sum", "_episodes", "known")) for name in row)


def test_unknown_values_are_nan_or_left_out():
    row = _row(
        student_episodes=[0.0, 0.0],
        regret_known=[0.0, 0.0],
        antagonist_return_sum=None,
        antagonist_episodes=None,
        skipped=None,
    )
    assert math.isnan(row["student_return"])
    assert row.keys() == {"meta_loss", "finished", "env_steps", "student_return"}
