"""The figures' planner: names by configuration, nothing finished is repeated, what was cut off is resumed."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

FIGURES = Path(__file__).parent.parent / "figures"
sys.path.insert(0, str(FIGURES))

from plan import Plan, describe  # noqa: E402
from steps import MetaTest, MetaTraining  # noqa: E402

from groove.config import ConfigError  # noqa: E402

SMOKE = MetaTraining("groove", "ar", 0, "smoke")


def _write_run(runs, training, step, checkpoint=False):
    directory = runs / training.name
    directory.mkdir(parents=True)
    (directory / "metrics.jsonl").write_text(json.dumps({"step": step}) + '\n{"step": 9')
    if checkpoint:
        (directory / "checkpoints" / str(step)).mkdir(parents=True)
    return directory


def test_names_follow_what_is_computed_and_not_what_it_is_called():
    names = {
        dataclasses.replace(SMOKE, **change).name
        for change in ({}, {"seed": 1}, {"curriculum": "dr"}, {"overrides": ("lpg.hidden=16",)}, {"preset": "laptop"})
    }
    assert len(names) == 5
    assert dataclasses.replace(SMOKE, label="other").name == SMOKE.name
    assert dataclasses.replace(SMOKE, overrides=("lpg.hidden=8",)).name == SMOKE.name  # what it is anyway
    with pytest.raises(ConfigError, match="unknown field"):
        dataclasses.replace(SMOKE, overrides=("lpg.hiden=8",)).name  # noqa: B018


def test_a_training_begins_goes_on_and_ends(tmp_path):
    assert "--resume" not in SMOKE.command(tmp_path)
    directory = _write_run(tmp_path, SMOKE, 5)
    assert "--resume" not in SMOKE.command(tmp_path)  # it got nowhere
    assert not directory.exists()
    directory = _write_run(tmp_path, SMOKE, 10, checkpoint=True)
    assert SMOKE.command(tmp_path)[-1] == "--resume"
    assert (SMOKE.steps_done(tmp_path), SMOKE.finished(tmp_path)) == (10, False)
    (directory / "summary.json").write_text(json.dumps({"step": 10, "seconds": 5.0}))
    assert not SMOKE.finished(tmp_path)  # it was stopped
    assert SMOKE.seconds(tmp_path) == pytest.approx(5.0)  # ten more at half a second
    (directory / "summary.json").write_text(json.dumps({"step": 20, "seconds": 10.0}))
    assert SMOKE.finished(tmp_path)


def test_plans_share_what_they_have_in_common(tmp_path):
    other = dataclasses.replace(SMOKE, seed=1)
    one = Plan(((SMOKE,),), (MetaTest(SMOKE, ("chain",), "smoke", 2),))
    both = one + Plan(((SMOKE, other),), (MetaTest("a2c", ("chain",), "smoke", 2),))
    assert both.stages == ((SMOKE, other),)
    assert len(both.tests) == 2
    said = describe(both, tmp_path, tmp_path / "results", 2)
    assert said.count("-smoke-") == 3  # two trainings, and the test of one
    assert "0 of 4 are done" in said


def test_a_figure_is_drawn_from_nothing_and_again_without_repeating_anything(tmp_path):
    def figure(*options):
        folders = {"runs": "runs", "results": "results", "to": "pictures"}
        where = [word for flag, folder in folders.items() for word in (f"--{flag}", str(tmp_path / folder))]
        command = [sys.executable, str(FIGURES / "fig11_a2c_ppo.py"), "--scale", "smoke", *where, *options]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        return ran.stdout

    figure()
    picture = tmp_path / "pictures" / "fig11_a2c_ppo-smoke.png"
    assert picture.stat().st_size > 10_000
    stored = (tmp_path / "results" / "gridworld.jsonl").read_bytes()
    assert stored.count(b"\n") == 18  # six tasks, three rules
    picture.unlink()
    assert "3 of 3 are done" in figure("--dry_run")
    figure()
    assert (tmp_path / "results" / "gridworld.jsonl").read_bytes() == stored
    assert picture.exists()


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_all_figures_can_be_planned(tmp_path, scale):
    folders = ["--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "results")]
    command = [sys.executable, str(FIGURES / "all.py"), "--dry_run", "--scale", scale, *folders]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert " 0 of " in ran.stdout
    assert not (tmp_path / "runs").exists()
