"""The plan of a meta-test: stored seeds are not run again, and cells are identified by what determines returns."""

import dataclasses
from pathlib import Path

import pytest

from groove.dropin.find import find_rule, find_rules
from groove.evaluation.jobs import plan
from groove.evaluation.results import Results
from groove.evaluation.suites.registry import find_tasks
from tests._helpers.cells import line


@pytest.fixture
def rules():
    return find_rules(["paper-groove", "a2c", "ppo", "random"])


def _plan(task, rules, seeds, results, **more):
    return plan([task], rules, "smoke", seeds, results, **more)


def test_stored_seeds_are_not_part_of_a_job_unless_forced(rules, tmp_path):
    (task,), results = find_tasks(["chain/tabular"]), Results(tmp_path)
    for job in _plan(task, rules, 3, results):
        assert job.seeds == (0, 1, 2)
        results.append("chain", line(job.cell, (0, 2), job.rule.name))
    assert [job.seeds for job in _plan(task, rules, 3, results)] == [(1,)] * 4
    assert [job.seeds for job in _plan(task, rules, 5, results)] == [(1, 3, 4)] * 4
    assert [job.seeds for job in _plan(task, rules, 2, results, force=True)] == [(0, 1)] * 4


def test_another_budget_or_agent_is_another_cell(rules, tmp_path):
    (task,), results = find_tasks(["chain/tabular"]), Results(tmp_path)
    longer = dataclasses.replace(task.budgets["smoke"], episodes=3)
    faster = dataclasses.replace(task.agent, learning_rate=1.0)
    cells = {
        job.cell
        for other in (
            task,
            dataclasses.replace(task, budgets={"smoke": longer}),
            dataclasses.replace(task, agent=faster),
        )
        for job in _plan(other, rules[:2], 1, results)
    }
    assert len(cells) == 6


def test_jobs_are_planned_task_by_task(rules, tmp_path):
    jobs = plan(find_tasks(["chain"]), rules, "smoke", 1, Results(tmp_path))
    assert [job.task.name for job in jobs] == ["tabular"] * 4 + ["distractor"] * 4
    assert [job.rule.name for job in jobs] == [rule.name for rule in rules] * 2


def test_ppo_trains_tables_at_its_own_learning_rate_and_networks_at_the_usual_one(rules, tmp_path):
    jobs = plan(find_tasks(["chain"]), rules, "smoke", 1, Results(tmp_path))
    rates = {(job.task.name, job.rule.name): job.agent.learning_rate for job in jobs}
    assert {rate for (task, rule), rate in rates.items() if task == "tabular" and rule != "ppo"} == {40.0}
    assert rates["tabular", "ppo"] == 3.0
    assert {rate for (task, _), rate in rates.items() if task == "distractor"} == {1e-3}


@pytest.mark.parametrize(
    ("task", "digests"),
    [
        ("chain/tabular", ["190c03d3bc26d024", "9fa6d60b7611a2cf", "68b4db8b0e986f72", "a7d56c5e1fec10f0"]),
        ("chain/distractor", ["1ab54a4341ab7dcb", "27c0433aef4f2fed", "135fdce60ff2fc23", "bef74d3914ae2405"]),
        ("gridworld/long_dense", ["4690c499978c6add", "68d0a1937e297271", "ba235815faf471b6", "78810abdc7089da5"]),
        ("minatar/Breakout", ["2b5d3a5f27b0850e", "ac4899e01b309f8b", "864600bc5ae8b078", "13478fda9fa79a7c"]),
    ],
)
def test_the_digests_of_stored_results_stay_valid(task, digests, rules, tmp_path):
    then = [find_rule("ppo=ppo[scale_rewards=false]") if rule.name == "ppo" else rule for rule in rules]
    assert [job.cell for job in _plan(*find_tasks([task]), then, 1, Results(tmp_path))] == digests


def test_hand_written_rules_are_those_of_the_published_results(tmp_path):
    stored = Results(Path(__file__).parents[2] / "docs" / "results" / "released")
    published = {(cell.rule, cell.task): cell.lines[-1]["cell"] for cell in stored.cells() if cell.budget == "laptop"}
    jobs = plan(find_tasks(["minatar"]), find_rules(["a2c", "ppo", "dpo", "random"]), "laptop", 1, Results(tmp_path))
    assert {(job.rule.name, job.task.path): job.cell for job in jobs}.items() <= published.items()
