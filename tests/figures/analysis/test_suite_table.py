"""The table of rules by suite, worked by hand."""

import numpy as np
import pytest

from figures.analysis.suite_table import by_suite, progression_by_suite, seconds_of_agents, table
from groove.evaluation.results import Cell, Results
from groove.utils.errors import ConfigError
from tests._helpers.boards import store
from tests._helpers.cells import line

RULES = ["mine", "a2c", "random", "absent"]


@pytest.fixture
def stored(tmp_path):
    for suite, tasks in {"bsuite": ["Catch", "DeepSea"], "classic": ["CartPole"]}.items():
        for task in tasks:
            store(tmp_path, "random", f"{suite}/{task}", [0.0, 0.0])
            store(tmp_path, "a2c", f"{suite}/{task}", [2.0, 2.0])
            store(tmp_path, "mine", f"{suite}/{task}", [3.0, 3.0] if task == "CartPole" else [1.0, 1.0])
    store(tmp_path, "absent", "classic/CartPole", [4.0, 4.0])
    return tmp_path


def test_random_play_is_zero_and_a2c_one_in_every_suite(stored):
    columns = by_suite(stored, RULES, ["bsuite", "classic"], "laptop")
    assert table(columns, RULES).splitlines() == [
        "| rule | bsuite (2) | classic (1) |",
        "|---|---|---|",
        "| mine | 0.50 [0.50, 0.50] | 1.50 [1.50, 1.50] |",
        "| a2c | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] |",
        "| random | 0.00 [0.00, 0.00] | 0.00 [0.00, 0.00] |",
        "| absent | not tested | 2.00 [2.00, 2.00] |",
    ]


def test_seconds_are_those_of_one_agent_for_a_thousand_steps():
    def cell(rule, task, seconds, agents):
        kind = {"seeds": range(agents), "returns": np.zeros((2, agents, 2)), "rule": rule, "task": task}
        stored = line(f"{rule} {task}", **kind)
        stored["env_steps"], stored["provenance"] = [500, 4000], {"seconds": seconds + 5.0, "compile_seconds": 5.0}
        return Cell(task, "laptop", rule, tuple(range(agents)), None, None, None, (stored,))

    cells = [cell("mine", "classic/CartPole", 16.0, 2), cell("mine", "bsuite/Catch", 24.0, 1)]  # 1 and 3
    cells += [cell("mine", "minatar/Breakout", 1e6, 1), cell("other", "bsuite/Catch", 1e6, 1)]
    seconds = seconds_of_agents(cells, ["mine", "absent"], ["classic", "bsuite"])
    assert seconds == {"mine": 2.0}
    assert table({}, ["mine", "absent"], seconds).splitlines()[0::2] == [
        "| rule | seconds for 1,000 steps |",
        "| mine | 2 |",
    ]


def test_progression_is_one_at_the_best_known_return_and_only_tasks_of_all_rules_count(stored):
    store(stored, "random", "classic/Acrobot", [-500.0, -500.0])  # a task that the other rules lack
    cells = Results(stored).cells()
    columns = progression_by_suite(cells, RULES, ["bsuite", "classic"])
    assert table(columns, ["mine", "a2c", "absent"]).splitlines() == [
        "| rule | bsuite (2) | classic (1) |",
        "|---|---|---|",
        "| mine | 1.00 [1.00, 1.00] | 0.01 [0.01, 0.01] |",
        "| a2c | 1.00 [1.00, 1.00] | 0.00 [0.00, 0.00] |",
        "| absent | not tested | 0.01 [0.01, 0.01] |",
    ]
    with pytest.raises(ConfigError, match="--rules lacks random"):
        progression_by_suite(cells, ["mine"], ["bsuite"])


def test_without_a_reference_nothing_is_normalised(stored):
    with pytest.raises(ConfigError, match="--rules lacks a2c"):
        by_suite(stored, ["mine", "random"], ["bsuite"], "laptop")
