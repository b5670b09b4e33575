"""Long logs are thinned to means whose n add up and whose bands are the range."""

import json
import re

import numpy as np
import pytest

from groove.training.report.reported_run import ReportedRun
from groove.training.report.series import MOST_POINTS, Curves
from groove.training.settings.presets import preset


def run_of(rows, name="run"):
    return ReportedRun(name, None, preset("smoke"), (), rows, rows[-1], True, {})


def rows_of(html):
    spec = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1])
    return spec["datasets"]["rows"]


LONG = [{"step": 5 * (i + 1), "loss": float(i % 7), "low": -1.0, "high": 8.0, "finished": 2.0} for i in range(10_000)]


def test_a_long_log_is_thinned_and_no_meta_step_is_lost():
    rows = rows_of(Curves([run_of(LONG)]).chart("Loss", {"loss": "loss"}))
    assert len(rows) <= MOST_POINTS
    assert sum(row["n"] for row in rows) == LONG[-1]["step"]
    assert {(row["low"], row["high"]) for row in rows} == {(0.0, 6.0)}
    mean = np.average([row["y"] for row in rows], weights=[row["n"] for row in rows])
    assert mean == pytest.approx(np.mean([row["loss"] for row in LONG]), rel=1e-3)


def test_a_short_log_is_shown_as_it_is():
    rows = rows_of(Curves([run_of(LONG[:3])]).chart("Loss", {"loss": "loss"}))
    assert [(row["x"], row["y"], row["n"]) for row in rows] == [(5, 0.0, 5), (10, 1.0, 5), (15, 2.0, 5)]
    assert "low" not in rows[0]


def test_ends_of_an_interval_and_counts_are_taken_from_the_log():
    chart = Curves([run_of(LONG[:3])]).chart(
        "Loss",
        {"loss": "loss"},
        spread={"loss": ("low", "high")},
        count=lambda run, row: row["finished"],
        n_of="lifetimes",
    )
    assert [(row["low"], row["high"], row["n"]) for row in rows_of(chart)] == [(-1.0, 8.0, 2)] * 3


@pytest.mark.parametrize(("adds_up", "n"), [(True, 2 * len(LONG)), (False, 2)])
def test_what_several_rows_count_is_added_unless_it_is_the_same(adds_up, n):
    curves = Curves([run_of(LONG)])
    curves.most = 1
    chart = curves.chart(
        "Loss", {"loss": "loss"}, count=lambda run, row: row["finished"], n_of="levels", adds_up=adds_up
    )
    assert [row["n"] for row in rows_of(chart)] == [n]


def test_metrics_that_no_run_logged_give_no_chart():
    assert Curves([run_of(LONG[:3])]).chart("Gain", {"gain": "gain"}) == ""


def test_several_runs_share_a_chart_and_metrics_are_apart():
    curves = Curves([run_of(LONG[:3], "a"), run_of(LONG[:4], "b")])
    charts = curves.charts("Loss", {"loss": "mean", "high": "highest"})
    assert len(charts) == 2
    assert {row["series"] for row in rows_of(charts[0])} == {"a", "b"}


def test_many_curves_share_the_room_of_the_page():
    names = {f"metric {i}": 1.0 for i in range(300)}
    wide = [{"step": i + 1, **names} for i in range(500)]
    assert Curves([run_of(wide)]).most < MOST_POINTS
