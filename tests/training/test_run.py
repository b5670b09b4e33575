"""meta_train takes arguments and returns data: from any thread, into any path, also for a run of version 0.0."""

import json
import threading
from pathlib import Path

import jax
import numpy as np
import pytest

import groove
from groove.dropin.rule_file import load_rule
from groove.training.run import meta_train
from groove.training.run_lock import lock_run
from groove.utils.errors import GrooveError
from tests._helpers.old_runs import RESUMED_TO_25, unpack_run


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """A run of version 0.0, resumed in a thread from a path below "~", and everything that was printed."""
    home = unpack_run("ar", tmp_path_factory.mktemp("home") / "run").parent
    results = []
    jax.devices()  # as in a notebook, the backend has started
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))

        def work():
            results.append(
                meta_train(
                    run_dir="~/run",
                    overrides={"run.steps": "25", "run.report_seconds": "0"},
                    resume=True,
                    progress=False,
                    compilation_cache=False,
                )
            )

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    return home / "run", results[0]


def test_a_resumed_run_of_version_0_0_comes_to_the_same_rule(resumed):
    run_dir, _ = resumed
    eta, about = load_rule(run_dir / "rule.safetensors")
    expected, _ = load_rule(RESUMED_TO_25)
    assert about["meta_steps"] == 25
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-5), eta, expected)


def test_the_result_holds_the_run(resumed):
    run_dir, result = resumed
    assert result.run_dir == run_dir
    assert (result.summary["step"], result.summary["stopped"]) == (25, None)
    assert result.config.run.steps == 25
    assert result.rule == groove.load(run_dir)
    stored = json.loads((run_dir / "config.json").read_text())
    assert stored["config"]["gradient"]["decay_steps"] == 20, "written under today's names"
    assert len(stored["starts"]) == 2


def test_the_log_continues(resumed):
    rows = [json.loads(line) for line in (resumed[0] / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "env_steps" in row] == [5, 10, 15, 20, 25]


def test_a_run_in_use_is_refused_before_anything_changes(resumed):
    run_dir, _ = resumed
    config = (run_dir / "config.json").read_bytes()
    with lock_run(run_dir), pytest.raises(GrooveError, match="is in use by process"):
        meta_train(run_dir=run_dir, overrides={"run.steps": 30}, resume=True)
    assert (run_dir / "config.json").read_bytes() == config
    with lock_run(run_dir.parent / "new"), pytest.raises(GrooveError, match="is in use by process"):
        meta_train("dr", "smoke", run_dir=run_dir.parent / "new")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"preset": "smoke", "curriculum": "at"}, 'did you mean "ar"'),
        ({"preset": "smoke", "overrides": {"run.steps": 0}}, r"run.steps = 0 must be at least 1"),
        ({"preset": "smoke", "overrides": {"run.steps": 1.5}}, r"run.steps takes an integer"),
        ({"preset": "smoke", "seed": -1}, "seed = -1 must be between 0"),
        ({"preset": "labtop"}, 'did you mean "laptop"'),
        ({"resume": True, "run_dir": None}, "needs --run_dir"),
        ({"resume": True}, "no directory"),
        ({"preset": "smoke", "wait": float("nan")}, "--wait = nan must be at least 0, and finite"),
        ({"preset": "smoke", "run_dir": ""}, "--run_dir is empty: give a path"),
        ({"resume": True, "run_dir": ""}, "--run_dir is empty: give a path"),
        ({"preset": "smoke", "overrides": ["a"]}, r"overrides = \['a'\] must be a mapping"),
        ({"preset": "smoke", "overrides": {1: 2}}, r"overrides = {1: 2} must be a mapping"),
        ({"preset": "smoke", "overrides": {"run.steps": [1]}}, r'run.steps takes an integer, not "\[1\]"'),
        ({"preset": "smoke", "seed": 1, "overrides": {"seed": 2}}, "seed is given twice, as 1 and in overrides as 2"),
        ({"preset": "smoke", "seed": 10**400}, "seed = 1000.* must be between 0"),
        ({"preset": "smoke", "seed": 10**5000}, "seed takes an integer"),
        ({"preset": ["smoke"]}, r"config = \['smoke'\] is no text"),
        ({"preset": 5}, "config = 5 is no text"),
        ({"preset": "smoke", "progress": "x"}, "progress = 'x' must be True or False"),
        ({"preset": "smoke", "resume": None}, "resume = None must be True or False"),
        ({"preset": "smoke", "wait": "x"}, "--wait = 'x' must be at least 0"),
        ({"preset": "smoke", "run_dir": 3}, "--run_dir must be a path"),
        ({"preset": "smoke", "wait": -1}, "--wait = -1 must be at least 0"),
        ({"preset": "smoke", "overrides": {"run.steps": 3 * 10**9}}, "run.steps = 3000000000 must be at most"),
    ],
)
def test_bad_arguments_raise_and_leave_nothing(tmp_path, capsys, arguments, complaint):
    jax.devices()
    with pytest.raises(GrooveError, match=complaint):
        meta_train(**{"run_dir": tmp_path / "run", **arguments})
    assert list(tmp_path.iterdir()) == []
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_a_home_folder_that_does_not_exist_is_refused(monkeypatch):
    def fail(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", fail)
    with pytest.raises(GrooveError, match="no home folder"):
        meta_train(preset="smoke", run_dir="~/run")


def test_the_public_name_is_this_function():
    assert groove.meta_train is meta_train
