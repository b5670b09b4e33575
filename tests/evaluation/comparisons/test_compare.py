"""Comparing stored results: chosen rules and tasks, in the order asked for, and one line for every mistake."""

import pytest

from groove.evaluation.comparisons.compare import compare
from groove.evaluation.results import Results
from groove.utils.errors import GrooveError
from tests._helpers.cells import line


@pytest.fixture
def stored(tmp_path):
    results = Results(tmp_path / "results")
    for task in ("chain/tabular", "chain/distractor"):
        for rule in ("random", "a2c", "mine"):
            results.append("chain", line(f"{task} {rule}", rule=rule, task=task, rule_identity=rule))
    return results.folder


def test_rules_and_tasks_are_chosen_in_the_order_asked_for(stored):
    report = compare(["mine", "a2c"], ["chain/distractor"], "smoke", results=stored)
    assert report.comparison.rules == ("mine", "a2c")
    assert [row.task for row in report.comparison.rows] == ["chain/distractor"]
    assert report.folder is None


def test_one_rule_tested_under_two_names_has_the_results_of_both(stored):
    same = line("chain/tabular mine", rule="yours", task="chain/tabular", rule_identity="mine")
    Results(stored).append("chain", same)  # the later line names the cell
    report = compare(["mine", "yours", "a2c"], ["chain/tabular"], "smoke", results=stored)
    assert report.comparison.rules == ("mine", "yours", "a2c")
    (row,) = report.comparison.rows
    assert row.returns["mine"] == row.returns["yours"]
    with pytest.raises(GrooveError, match='no results of "your"'):
        compare(["your"], budget="smoke", results=stored)


def test_everything_is_compared_by_default(stored, tmp_path):
    report = compare(budget="smoke", results=str(stored), to=tmp_path / "to")
    assert report.comparison.rules == ("random", "a2c", "mine")
    assert len(report.comparison.rows) == 2
    assert (tmp_path / "to" / "table.md").read_text() == report.table


def test_tasks_by_which_rules_are_chosen_are_compared_only_if_they_are_named(stored):
    results = Results(stored)
    for rule in ("random", "a2c", "mine"):
        task = "development/tables"
        results.append("development", line(f"{task} {rule}", rule=rule, task=task, rule_identity=rule))
    tasks = [row.task for row in compare(budget="smoke", results=stored).comparison.rows]
    assert tasks == ["chain/tabular", "chain/distractor"]
    assert len(compare(suites=["development/tables"], budget="smoke", results=stored).comparison.rows) == 1


def test_paths_may_begin_at_home(stored, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert compare("mine", budget="smoke", results="~/results", to="~/to").folder == tmp_path / "to"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"budget": "smok"}, 'did you mean "smoke"'),
        ({"budget": "paper"}, "holds no results at budget paper"),
        ({"rules": ["mime"]}, 'no results of "mime" .did you mean "mine"'),
        ({"rules": ["mine", "a2c", "mine"]}, "--rules lists mine twice: list it once"),
        ({"to": ""}, "--to is empty: give a path"),
        ({"results": ""}, "--results is empty: give a path"),
        ({"suites": ["chian"]}, 'did you mean "chain"'),
        ({"suites": ["minatar"]}, "holds no results of minatar"),
        ({"results": "nowhere"}, "nowhere holds no results"),
    ],
)
def test_a_mistake_costs_one_line_and_writes_nothing(changes, complaint, stored, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GrooveError, match=complaint) as refused:
        compare(**({"budget": "smoke", "results": stored, "to": tmp_path / "to"} | changes))
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
