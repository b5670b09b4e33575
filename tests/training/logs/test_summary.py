"""The summary begins with the validated returns and leaves out what is unknown."""

import pytest

from groove.training.logs.summary import summary_text


def test_the_summary_begins_with_the_headline():
    summary = {
        "validation/normalised_return": 0.794,
        "validation/normalised_low": 0.76,
        "validation/normalised_high": 0.82,
        "validation/untrained_normalised": 0.06,
        "validation/untrained_low": 0.02,
        "validation/untrained_high": 0.1,
        "worlds/validation/normalised_return": 1.1,
        "worlds/validation/normalised_low": 1.0,
        "worlds/validation/normalised_high": 1.2,
        "validation/student_return": 0.41,
        "validation/a2c_return": 0.52,
        "step": 2000,
        "env_steps": 65.5e6,
        "seconds": 571.0,
        "validation/untrained_return": None,
        "skipped": 2.0,
        "stopped": "by Ctrl-C",
        "run_dir": "/runs/a",
    }
    assert summary_text(summary).splitlines() == [
        "learned rule    0.79 of A2C's return on unseen levels  [0.76, 0.82]",
        "untrained rule  0.06 of A2C's return on unseen levels  [0.02, 0.10]",
        "  on worlds     1.10 of A2C's  [1.00, 1.20]",
        "returns         learned 0.410, A2C 0.520",
        "trained for     2,000 meta-steps, 65.5 M environment steps, in 9 min 31 s",
        "skipped         2 meta-gradients that were not finite",
        "stopped         by Ctrl-C",
        "files           /runs/a",
    ]


@pytest.mark.parametrize(("high", "warned"), [(-0.01, True), (0.01, False)])
def test_a_rule_that_got_worse_is_warned_of(high, warned):
    gain = {"validation/gain": -0.09, "validation/gain_low": -0.2, "validation/gain_high": high}
    lines = summary_text(gain | {"first_rule": "starting rule"}).splitlines()
    warning = "warning         worse than the starting rule; the best rule of the run is in best_rule.safetensors"
    assert (warning in lines) == warned


def test_a_summary_without_validation_says_so():
    assert summary_text({"step": 5, "skipped": 0, "stopped": None}).splitlines() == [
        "The rule was not validated.",
        "trained for     5 meta-steps",
    ]
