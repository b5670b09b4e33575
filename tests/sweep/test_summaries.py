"""Damaged files of a run cost a sweep one line that says what to do."""

import pytest

from groove.sweep.steps import MetaTraining, read_summary
from groove.utils.errors import GrooveError

TRAINING = MetaTraining("groove", "ar", 0, "smoke")


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", "{}", '{"step": "all", "seconds": 1}', "\0"])
def test_a_damaged_summary_is_refused_with_the_cure(tmp_path, text):
    run = tmp_path / TRAINING.name
    run.mkdir()
    (run / "summary.json").write_text(text)
    for read in (TRAINING.finished, TRAINING.seconds_left, lambda _: read_summary(run / "summary.json")):
        with pytest.raises(GrooveError, match=r"summary.json .*; remove it, and the run goes on from its last"):
            read(tmp_path)


def test_a_damaged_log_is_refused_and_a_row_that_is_cut_off_does_not_count(tmp_path):
    run = tmp_path / TRAINING.name
    run.mkdir()
    (run / "metrics.jsonl").write_text('{"step": 5}\n{"step": 10}\n{"ste')
    assert TRAINING.steps_done(tmp_path) == 10
    (run / "metrics.jsonl").write_text('{"step": 5}\n[]\n{"step": 10}\n')
    with pytest.raises(GrooveError, match="line 2 is no row of metrics"):
        TRAINING.steps_done(tmp_path)
