"""The openness of a run directory: text and picture, or one line that says what is missing."""

import numpy as np
import pytest

from groove.evaluation.openness import openness
from groove.evaluation.openness.report import report_openness, run_openness
from groove.training.logs.level_record import LevelRecord
from groove.training.run_dir import RunDir
from groove.utils.errors import ConfigError
from tests._helpers.finished_runs import finished_run


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(openness, "RESAMPLES", 50)
    monkeypatch.setattr(openness, "SHUFFLES", 5)


@pytest.fixture
def run(tmp_path):
    return finished_run(tmp_path / "run", seed=0, score=0.5, value=0.0)


def record(count):
    """The antagonist's return is the feature, whose spread grows; the student's is nothing."""
    rng = np.random.default_rng(0)
    feature = rng.normal(size=count) * np.arange(count) / count
    returns = np.stack([np.zeros(count), feature], 1).astype(np.float32)
    step, place = np.arange(1, count + 1, dtype=np.int32), rng.random(count)
    return LevelRecord(("size",), step, place, returns, feature[:, None].astype(np.float32))


def test_a_run_with_a_record_is_measured_and_drawn(run):
    record(200).save(RunDir(run).level_record)
    lines = report_openness(run).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["antagonist's return", "regret"]
    assert all(line.endswith("novel and learnable (200 levels)") for line in lines)
    assert RunDir(run).openness.stat().st_size > 10_000
    measured = run_openness(run)
    assert measured["regret"].novelty == measured["antagonist's return"].novelty, "the student's return is constant"


def test_the_groups_of_a_run_are_measured_one_by_one(run):
    for group in ("broad", "tables"):
        record(120).save(RunDir(run).level_record_of(group))
    assert list(run_openness(run)) == [
        f"{group}/{kind}" for group in ("broad", "tables") for kind in ("antagonist's return", "regret")
    ]


def test_a_run_without_a_record_says_nothing_and_is_refused_if_asked(run):
    assert report_openness(run) == ""
    with pytest.raises(ConfigError, match="has no record of levels: train with a curriculum whose score needs"):
        run_openness(run)


def test_a_short_record_is_not_drawn(run):
    record(60).save(RunDir(run).level_record)
    assert "openness.png is not drawn" in report_openness(run)
    assert not RunDir(run).openness.exists()
    with pytest.raises(ConfigError, match="there are 60 levels of 10 points: train for longer"):
        run_openness(run)
