"""The program as a user starts it: every file is written, bad input is one line, a killed run resumes to the bit."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from groove.cli._main import find_program
from groove.curriculum.sources.registry import make_source
from groove.dropin.rule_file import load_rule
from groove.envs.gridworld.level_file import load_levels
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.evaluation.levels.level_sets import export_levels, read_levels
from tests._helpers.programs import refusal

ROOT = Path(__file__).parents[2]
FILES = [
    "config.json",
    "metrics.jsonl",
    "metrics.csv",
    "rule.safetensors",
    "rule.json",
    "best_rule.safetensors",
    "curves.png",
    "levels.png",
    "level_record.safetensors",
    "validation.json",
    "summary.json",
]
STEPS = 20


def _command(run_dir, *flags):
    return [
        sys.executable,
        str(ROOT / "launch" / "meta_train.py"),
        "--config=smoke",
        "--devices=1",
        f"--run_dir={run_dir}",
        *flags,
    ]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return os.environ | {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")), "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, environment):
    run_dir = tmp_path_factory.mktemp("runs") / "whole"
    done = subprocess.run(_command(run_dir), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return run_dir, done.stdout


def _rule_bytes(run_dir):
    eta, _ = load_rule(run_dir / "rule.safetensors")
    return {f"{group}/{name}": value.tobytes() for group, leaves in eta.items() for name, value in leaves.items()}


def test_a_run_leaves_every_file_and_says_how_good_the_rule_is(finished):
    run_dir, output = finished
    assert [name for name in FILES if not (run_dir / name).is_file()] == []
    assert list((run_dir / "tensorboard").iterdir())
    assert "of A2C's return on unseen levels" in output
    assert "openness.png is not drawn" in output, "20 meta-steps are too few to tell"
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "env_steps" in row] == [5, 10, 15, 20]
    returns = json.loads((run_dir / "validation.json").read_text())["returns"]
    summary = json.loads((run_dir / "summary.json").read_text())
    np.testing.assert_allclose(
        summary["validation/normalised_return"], np.mean(returns["student"]) / np.mean(returns["a2c"]), rtol=1e-5
    )


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_bit(finished, tmp_path, environment):
    run_dir = tmp_path / "killed"
    process = subprocess.Popen(_command(run_dir), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (run_dir / "checkpoints" / "10").is_dir():
        assert time.monotonic() < deadline
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = subprocess.run(_command(run_dir, "--resume"), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert _rule_bytes(run_dir) == _rule_bytes(finished[0])
    records = [(path / "level_record.safetensors").read_bytes() for path in (run_dir, finished[0])]
    assert records[0] == records[1]
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "env_steps" in row] == [5, 10, 15, 20]


@pytest.mark.slow  # tests/training/test_run.py resumes a run with every change
def test_a_request_to_stop_saves_and_can_be_resumed(finished, tmp_path, environment):
    run_dir = tmp_path / "stopped"
    flags = ("--set=run.log_every=1", "--set=run.checkpoint_every=1000", "--set=validation.every=0", "--steps=100000")
    process = subprocess.Popen(_command(run_dir, *flags), env=environment, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not ((run_dir / "metrics.csv").is_file() and (run_dir / "metrics.csv").read_text().count("\n") > 3):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "go on with --resume" in output
    saved = [int(path.name) for path in (run_dir / "checkpoints").iterdir() if path.name.isdigit()]
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert max(saved) == rows[-1]["step"]


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--curriculum=at"], 'did you mean "ar"'),
        (["--config=labtop"], 'did you mean "laptop"'),
        (["--set=meta.learning_rte=1"], 'did you mean "gradient.learning_rate"'),
        (["--set=meta.learning_rate=1"], "meta.learning_rate is now gradient.learning_rate"),
        (["--set=gradient.learning_rate"], "is not an assignment"),
        (["--curiculum=ar"], 'unknown flag --curiculum (did you mean "curriculum"?)'),
        (["--steps=many"], "not an integer"),
        (["--plr=fast"], "plr"),
        (["--set=slots.count=0"], "slots.count = 0 must be at least 1"),
        (["--devices=3"], "does not divide over devices"),
        (["--set=plr.temperature=-1"], "temperature"),
        (["--steps=5", "--set=run.steps=9"], "run.steps is given twice, as 5 and as 9: keep one of them"),
        (["--set=slots.count=8", "--set=slots.count=16"], "slots.count is given twice"),
        (["--resume"], "so there is no run to resume"),
    ],
)
def test_bad_input_costs_one_line_and_leaves_nothing(flags, complaint, tmp_path, monkeypatch, capsys):
    words = ["--config=smoke", "--run_dir=refused", *flags]
    assert complaint in refusal(find_program("meta-train"), words, tmp_path, monkeypatch, capsys)


def test_the_script_refuses_bad_input_in_one_line(tmp_path, environment):
    run_dir = tmp_path / "refused"
    command = _command(run_dir, "--curriculum=at")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert 'did you mean "ar"' in done.stderr
    assert "Traceback" not in done.stderr
    assert not run_dir.exists()


def test_a_directory_with_a_run_is_not_overwritten(finished, environment):
    before = (finished[0] / "config.json").read_bytes()
    done = subprocess.run(_command(finished[0]), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (finished[0] / "config.json").read_bytes() == before


@pytest.mark.slow
def test_a_run_taken_further_keeps_its_learning_rates_and_says_so(finished, tmp_path, environment):
    run_dir = tmp_path / "longer"
    shutil.copytree(finished[0], run_dir)
    command = _command(run_dir, "--resume", "--steps=25", "--set=validation.every=0")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "validation.every was 10, is 0" in done.stderr
    done = subprocess.run(command[:-1], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    config = json.loads((run_dir / "config.json").read_text())["config"]
    assert (config["run"]["steps"], config["gradient"]["decay_steps"]) == (25, STEPS)


def test_another_architecture_is_not_resumed(finished, environment):
    command = _command(finished[0], "--resume", "--set=rules.lpg.hidden=16")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "rules.lpg.hidden" in done.stderr


def test_the_levels_of_a_run_can_be_exported_and_trained_on(finished, tmp_path):
    path = tmp_path / "hard.safetensors"
    export_levels(read_levels(finished[0], top=5), path)
    chosen = load_levels(path)
    assert chosen.about["curriculum"] == "ar"
    assert chosen.scores.tolist() == sorted(chosen.scores.tolist(), reverse=True)
    env = make_source(f"set:{path}", LevelDistribution(), GridSizes(), jax.random.key(0))
    assert int(env.sample_level(jax.random.key(1)).start) in np.asarray(chosen.levels.start)
