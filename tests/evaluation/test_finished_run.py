"""Finished runs: their scores, and directories that hold none."""

import pytest

from groove.evaluation.finished_run import read_run
from groove.training.run_dir import RunDir
from groove.utils.errors import ConfigError
from tests._helpers.finished_runs import finished_run


def test_scores_are_those_of_the_last_and_the_best_validation(tmp_path):
    run = read_run(finished_run(tmp_path / "run", seed=3, score=0.4, value=1.0))
    assert (run.last_score, run.best_score, run.config.seed) == (0.4, 0.6, 3)
    assert list(run.validations) == [10, 20]


def test_a_directory_without_a_finished_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="does not hold a finished run"):
        read_run(tmp_path)
    path = finished_run(tmp_path / "run", seed=1, score=0.5, value=1.0)
    RunDir(path).summary.write_text("{}")
    with pytest.raises(ConfigError, match="never validated"):
        read_run(path)
