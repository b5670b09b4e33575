"""Steps of sweeps: names by configuration, and trainings that begin, resume and end."""

import dataclasses
import json
import shutil

import pytest

from groove.dropin.rule_file import released_rules
from groove.sweep import steps
from groove.sweep.steps import MetaTraining
from groove.utils.errors import ConfigError

SMOKE = MetaTraining("groove", "ar", 0, "smoke")


def _write_run(runs, training, step):
    directory = runs / training.name
    directory.mkdir(parents=True)
    (directory / "config.json").write_text("{}")
    (directory / "metrics.jsonl").write_text(json.dumps({"step": step}) + '\n{"step": 9')
    return directory


def test_names_follow_what_is_computed_and_not_what_it_is_called():
    names = {
        dataclasses.replace(SMOKE, **change).name
        for change in (
            {},
            {"seed": 1},
            {"curriculum": "dr"},
            {"overrides": ("rules.lpg.hidden=16",)},
            {"preset": "laptop"},
        )
    }
    assert len(names) == 5
    assert dataclasses.replace(SMOKE, label="other").name == SMOKE.name
    assert dataclasses.replace(SMOKE, overrides=("rules.lpg.hidden=8",)).name == SMOKE.name  # what it is anyway
    with pytest.raises(ConfigError, match="unknown field"):
        dataclasses.replace(SMOKE, overrides=("rules.lpg.hiden=8",)).name  # noqa: B018


def test_a_name_follows_the_content_of_a_file(tmp_path):
    file = tmp_path / "rule.safetensors"
    training = dataclasses.replace(SMOKE, overrides=(f"start={file}",))
    names = []
    for released in ("paper-lpg", "paper-groove"):
        shutil.copy(released_rules()[released], file)
        steps._name.cache_clear()
        names.append(training.name)
    assert names[0] != names[1]


def test_a_training_begins_goes_on_and_ends(tmp_path):
    assert "--resume" not in SMOKE.command(tmp_path)
    directory = _write_run(tmp_path, SMOKE, 10)
    assert SMOKE.command(tmp_path)[-1] == "--resume"
    assert (SMOKE.steps_done(tmp_path), SMOKE.finished(tmp_path)) == (10, False)
    (directory / "summary.json").write_text(json.dumps({"step": 10, "seconds": 5.0}))
    assert not SMOKE.finished(tmp_path)  # it was stopped
    assert SMOKE.seconds_left(tmp_path) == pytest.approx(5.0)  # ten more at half a second
    (directory / "summary.json").write_text(json.dumps({"step": 20, "seconds": 10.0}))
    assert SMOKE.finished(tmp_path)
