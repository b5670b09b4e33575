"""A run is read while it goes on and after its end; anything else costs one line."""

import json

import pytest

from groove.training.report.reported_run import read_runs
from groove.utils.errors import GrooveError
from tests._helpers.finished_runs import finished_run


@pytest.fixture
def run(tmp_path):
    return finished_run(tmp_path / "run", 3, 0.8, 0.0)


def test_a_finished_run_is_read(run):
    (read,) = read_runs([run])
    assert (read.name, read.last_step, read.ended, read.config.seed) == ("run", 20, True, 3)
    assert len(read.starts) == 1


def test_a_last_row_that_was_cut_off_is_left_out(run):
    with open(run / "metrics.jsonl", "a") as log:
        log.write('{"step": 30, "env_')
    assert read_runs([run])[0].last_step == 20


def test_a_run_that_was_resumed_goes_on(run):
    with open(run / "metrics.jsonl", "a") as log:
        log.write(json.dumps({"step": 30, "env_steps": 5e6}) + "\n")
    (read,) = read_runs([run])
    assert not read.ended
    assert read.summary["env_steps"] == 5e6
    assert read.summary["validation/normalised_return"] == 0.8


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path):
    paths = [finished_run(tmp_path / folder / "run", seed, 0.5, 0.0) for seed, folder in enumerate("ab")]
    assert [run.name for run in read_runs(paths)] == [str(path) for path in paths]


def _empty(run):
    (run / "metrics.jsonl").write_text("")


def _damaged(run):
    (run / "metrics.jsonl").write_text('{"step": 1}\nnonsense\n{"step": 2}\n')


def _texts(run):
    (run / "metrics.jsonl").write_text('{"step": 1, "regret": "high"}\n')


def _no_log(run):
    (run / "metrics.jsonl").unlink()


def _foreign(run):
    (run / "config.json").unlink()


def _torn_config(run):
    (run / "config.json").write_text('{"config": {')


def _torn_summary(run):
    (run / "summary.json").write_text("[1]")


def _torn_validation(run):
    (run / "validation.json").write_text('{"step"')


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_empty, "has logged nothing yet: wait for 5 meta-steps"),
        (_damaged, "line 2 is no row of metrics"),
        (_texts, "row 1 has a regret that is no number"),
        (_no_log, "has no metrics.jsonl"),
        (_foreign, "has no config.json"),
        (_torn_config, "cannot be read"),
        (_torn_summary, "holds no table"),
        (_torn_validation, "cannot be read"),
    ],
)
def test_what_is_no_whole_run_is_refused_in_one_line(run, damage, message):
    damage(run)
    with pytest.raises(GrooveError, match=message) as refusal:
        read_runs([run])
    assert "\n" not in str(refusal.value)


def test_a_run_that_is_not_there_or_given_twice_is_refused(run):
    with pytest.raises(GrooveError, match="does not exist"):
        read_runs([run / "nothing"])
    with pytest.raises(GrooveError, match="given twice"):
        read_runs([run, run.parent / "run"])
