"""The figures' planner: names by configuration, nothing finished is repeated, what was cut off is resumed."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from absl import flags

from figures.paper import fig03_training_levels as fig03
from figures.paper import fig04_games as fig04
from figures.pipeline import figure
from figures.pipeline.plan import Plan, describe
from figures.pipeline.steps import FirstLevels, HardLevels, MetaTest, MetaTraining, batches
from groove.evaluation.results import Results
from groove.utils.errors import ConfigError

FIGURES = Path(__file__).parent.parent / "figures"
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


def test_a_set_of_levels_names_a_training_wherever_it_lies(tmp_path):
    hardest = FirstLevels(HardLevels(SMOKE, scored=8, keep=2), keep=1, lifetimes=(10, 20))
    training = dataclasses.replace(SMOKE, curriculum="networks:set:", levels=hardest)
    assert training.name == dataclasses.replace(training, label="other").name
    assert training.name != dataclasses.replace(training, levels=dataclasses.replace(hardest, keep=2)).name
    command = training.command(tmp_path)
    assert command[command.index("--curriculum") + 1] == f"networks:set:{tmp_path / hardest.name}"
    assert str(tmp_path) not in training.name


def test_one_configuration_is_trained_once_whatever_figures_call_it():
    plan = Plan(((SMOKE,),), ()) + Plan(((dataclasses.replace(SMOKE, label="other"),),), ())
    assert [step.name for stage in plan.stages for step in stage] == [SMOKE.name]


def test_rules_that_lack_the_same_tasks_are_tested_in_one_process(tmp_path):
    store = tmp_path / "results"
    both = [MetaTest(rule, ("chain", "bsuite/Catch"), "smoke", 2) for rule in ("a2c", "random")]
    (batch,) = batches(both, tmp_path, store)
    assert batch.tasks == ("chain/tabular", "chain/distractor", "bsuite/Catch")
    assert "a2c,random" in batch.command(tmp_path, store)
    assert batch.done(store) == 0
    job = batch.jobs[0]
    line = {"cell": job.cell, "task": job.task.path, "budget": "smoke", "rule": "a2c", "seeds": [0, 1]}
    Results(store).append(job.task.suite, line)
    assert batch.done(store) == pytest.approx(1 / 6)
    assert [(b.tasks, len(b.tests)) for b in batches(both, tmp_path, store)] == [(batch.tasks[1:], 1), (batch.tasks, 1)]


def _store(results, rule, seed, cell):
    origin = {"rule": "lpg", "seed": seed}
    line = {"cell": cell, "task": "chain/tabular", "rule": rule, "settings": {"origin": origin}, "budget": "smoke"}
    line |= {"seeds": [0], "updates": [4], "env_steps": [80], "returns": [[[1.0]]]}
    Results(results).append("chain", line)


def test_results_are_found_by_label_and_two_versions_of_a_rule_are_not_pooled(tmp_path):
    tests = tuple(MetaTest(dataclasses.replace(SMOKE, seed=seed), ("chain",), "smoke", 1) for seed in (0, 1))
    for seed in (0, 1):
        _store(tmp_path, "groove", seed, f"cell{seed}")
    _store(tmp_path, "other", 0, "cell2")
    cells = figure.came_to(Plan((), tests), tmp_path, tmp_path)
    assert figure.compared(cells, ["groove"]).clusters == {"groove": 2}
    with pytest.raises(ValueError, match="no results of lpg at this scale"):
        figure.compared(cells, ["groove", "lpg"])
    _store(tmp_path, "groove", 1, "cell3")
    with pytest.raises(ValueError, match="more than one groove of meta-seed 1 on chain/tabular"):
        figure.compared(figure.came_to(Plan((), tests), tmp_path, tmp_path), ["groove"])


def test_a_rule_that_is_there_is_known_by_what_it_is(tmp_path):
    test = MetaTest("a2c", ("chain/tabular",), "smoke", 1)
    (cell,) = test.cells(tmp_path)
    _store(tmp_path, "as somebody called it", None, cell)
    (found,) = figure.came_to(Plan((), (test,)), tmp_path, tmp_path)
    assert found.rule == "a2c"


def _made_up(by_rule):
    """Three meta-seeds of two agents each on two tasks; meta-seeds differ by a hundredth."""
    seeds = np.repeat([-0.01, 0.0, 0.01], 2)[:, None]
    scores = {rule: value + seeds + np.zeros(2) for rule, value in by_rule.items()}
    return SimpleNamespace(scores=scores, clusters=dict.fromkeys(by_rule, 3), scored=("a", "b"))


def test_changes_are_those_of_made_up_scores():
    found = _made_up({"groove": 0.7, "lpg": 0.5})
    gained = fig04.change(found)
    np.testing.assert_allclose(gained.value, [0.2, 0.2])
    assert np.all((gained.low >= 0.18 - 1e-9) & (gained.low < 0.2))
    assert np.all((gained.high > 0.2) & (gained.high <= 0.22 + 1e-9))


def test_correlations_and_wins_are_those_of_made_up_scores():
    flags.FLAGS.mark_as_parsed()
    better = {f"{n} random": n / 1000 for n in (1, 16, 256)}
    found = _made_up({**better, "1 hardest": 1.0, "16 hardest": -1.0, "256 hardest": 0.256})
    x = np.repeat([0, 4, 8], 3)
    y = np.repeat([0.001, 0.016, 0.256], 3) + np.tile([-0.01, 0.0, 0.01], 3)
    assert f"random {np.corrcoef(x, y)[0, 1]:.2f} (one-sided p = 0.0" in fig03.correlations(found)
    assert "hardest -0." in fig03.correlations(found)
    said = fig03.wins(found)
    assert "1.00 [1.00, 1.00] of 1," in said
    assert "0.00 [0.00, 0.00] of 16," in said
    assert "0.50 [" in said


def test_a_figure_is_drawn_from_nothing_and_again_without_repeating_anything(tmp_path):
    def make(*options):
        folders = {"runs": "runs", "results": "results", "to": "pictures"}
        where = [word for flag, folder in folders.items() for word in (f"--{flag}", str(tmp_path / folder))]
        command = [sys.executable, str(FIGURES / "paper" / "fig11_a2c_ppo.py"), "--scale", "smoke", *where, *options]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        return ran.stdout

    make()
    picture = tmp_path / "pictures" / "fig11_a2c_ppo-smoke.png"
    assert picture.stat().st_size > 10_000
    stored = (tmp_path / "results" / "gridworld.jsonl").read_bytes()
    assert stored.count(b"\n") == 18  # six tasks, three rules
    picture.unlink()
    assert "3 of 3 are done" in make("--dry_run")
    make()
    assert (tmp_path / "results" / "gridworld.jsonl").read_bytes() == stored
    assert picture.exists()


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_all_figures_can_be_planned(tmp_path, scale):
    folders = ["--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "results")]
    command = [sys.executable, str(FIGURES / "paper" / "all.py"), "--dry_run", "--scale", scale, *folders]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert " 0 of " in ran.stdout
    assert not (tmp_path / "runs").exists()
