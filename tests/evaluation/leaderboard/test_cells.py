"""Results of several folders: the first folder wins, names mean one rule, and choices are checked."""

import pytest

from groove.evaluation.leaderboard.cells import chosen_cells, read_cells
from groove.evaluation.results import Results
from groove.utils.errors import ConfigError
from tests._helpers.boards import TASKS, store, three_tasks


def _read(*folders, budget="laptop", say=lambda text: None):
    return read_cells(folders, budget, say)


def test_an_experiment_of_several_folders_is_taken_from_the_first(tmp_path):
    first, second = three_tasks(tmp_path / "first"), tmp_path / "second"
    store(second, "a2c", TASKS[0], [0.0, 0.0])  # would make A2C look bad
    store(second, "new", TASKS[0], [9.0, 9.0])
    cells = {(cell.rule, cell.task): cell for cell in _read(first, second) if cell.rule != "mine"}
    assert cells["a2c", TASKS[0]].final.tolist() == [[4.0, 6.0]]
    assert cells["new", TASKS[0]].final.tolist() == [[9.0, 9.0]]


def test_a_name_is_one_rule_in_all_folders(tmp_path):
    first, second = three_tasks(tmp_path / "first"), tmp_path / "second"
    store(second, "mine", TASKS[0], [0.0, 0.0], [0.0, 0.0], [9.0, 9.0])  # the third is no meta-seed of the first folder
    with pytest.raises(
        ConfigError, match=r'"mine" is another rule in .*second than in .*first: run its meta-test again'
    ):
        _read(first, second)


def test_a_hand_written_rule_with_other_settings_is_passed_over_with_a_line(tmp_path):
    first, second, notes = three_tasks(tmp_path / "first"), tmp_path / "second", []
    for task in TASKS[:2]:
        store(second, "a2c", task, [0.0, 0.0], [9.0, 9.0])  # the second has settings that the first folder has not
    store(second, "new", TASKS[0], [9.0, 9.0])
    found = _read(first, second, say=notes.append)
    assert [cell.final.tolist() for cell in found if cell.rule == "a2c"] == [[[4.0, 6.0]]] * 3
    assert any(cell.rule == "new" for cell in found)
    assert notes == [f'"a2c" of {second} is left out: it has other settings than in {first}.']


def test_folders_without_results_cost_one_line(tmp_path):
    three_tasks(tmp_path / "first")
    for folders, said in [
        ([tmp_path / "nowhere"], "nowhere holds no results at budget laptop"),
        ([tmp_path / "first", tmp_path / "nowhere"], "nowhere holds no results"),
        ([tmp_path / "first"] * 2, "twice"),
    ]:
        with pytest.raises(ConfigError, match=said):
            _read(*folders)
    with pytest.raises(ConfigError, match="holds no results at budget paper"):
        _read(tmp_path / "first", budget="paper")
    with pytest.raises(ConfigError, match='did you mean "laptop"'):
        _read(tmp_path / "first", budget="labtop")


def test_rules_and_suites_are_chosen_and_random_stays(tmp_path):
    cells = _read(three_tasks(tmp_path))
    chosen = chosen_cells(cells, ["mine"], ["classic"], print)
    assert {(cell.rule, cell.task) for cell in chosen} == {(r, t) for r in ("mine", "random") for t in TASKS[1:]}
    with pytest.raises(ConfigError, match=r'no results of "mien" \(did you mean "mine"\?\)'):
        chosen_cells(cells, ["mien"], [], print)
    with pytest.raises(ConfigError, match="lists mine twice"):
        chosen_cells(cells, ["mine", "mine"], [], print)
    with pytest.raises(ConfigError, match='did you mean "classic"'):
        chosen_cells(cells, [], ["clasic"], print)
    with pytest.raises(ConfigError, match="there are no results of minatar"):
        chosen_cells(cells, [], ["minatar"], print)


def test_one_rule_tested_under_two_names_has_the_results_of_both(tmp_path):
    first = Results(three_tasks(tmp_path)).lines("bsuite")[-1]
    Results(tmp_path).append("bsuite", first | {"rule": "yours"})  # the later line names the cell
    chosen = chosen_cells(_read(tmp_path), ["mine", "yours"], ["bsuite"], print)
    assert sorted(cell.rule for cell in chosen) == ["mine", "mine", "random", "yours"]


def test_development_is_no_test_and_foreign_tasks_are_named(tmp_path):
    folder, notes = three_tasks(tmp_path), []
    store(folder, "mine", "development/tables", [1.0, 1.0])
    store(folder, "mine", "elsewhere/Task", [1.0, 1.0])
    chosen = chosen_cells(_read(folder), [], [], notes.append)
    assert {cell.task for cell in chosen} == set(TASKS)
    assert notes == ["elsewhere/Task is left out: no suite of this version of groove has such a task."]
    chosen = chosen_cells(_read(folder), [], ["development"], notes.append)
    assert {cell.task for cell in chosen} == {"development/tables"}


def test_damaged_lines_are_said(tmp_path):
    folder, notes = three_tasks(tmp_path), []
    path = folder / "bsuite.jsonl"
    texts = path.read_text().splitlines()
    path.write_text("\n".join([texts[0], texts[1][:40], *texts[2:]]) + "\n")
    _read(folder, say=notes.append)
    assert len(notes) == 1
    assert "bsuite.jsonl, line 2, is damaged" in notes[0]
