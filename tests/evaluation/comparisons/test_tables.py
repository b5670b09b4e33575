"""Tables: numbers, steps, and sentences that say what the numbers are."""

import json

from groove.evaluation.comparisons.comparison import compare_cells
from groove.evaluation.comparisons.tables import as_json, markdown
from tests._helpers.cells import cell, three_rules


def _text(cells):
    """Return the tables on one line, and check that lines of text are wrapped."""
    lines = markdown(compare_cells(cells)).splitlines()
    assert all(len(line) <= 100 for line in lines if not line.startswith("|"))
    return " ".join(lines)


def test_the_table_names_steps_seeds_and_the_meaning_of_zero_and_one():
    text = _text(three_rules("s/a", [[1.0, 2.0]]))
    assert "| s/a | 10 | 0.00 [0.00, 0.00] | 2.00 [2.00, 2.00] | 1.50 [1.00, 2.00] |" in text
    assert "over 2 seeds, which are too narrow with so few" in text
    assert "0 is random's return, 1 is a2c's, over 1 tasks." in text


def test_the_table_names_pooled_meta_seeds():
    pooled = [cell("s/a", "mine", [[0.0, 0.0]]), cell("s/a", "mine", [[2.0, 2.0]], meta_seed=1)]
    references = three_rules("s/a", [[1.0, 2.0]])[:2]
    assert "over meta-seeds (mine 2) and the agents' 2 seeds within each" in _text([*references, *pooled])


def test_the_table_says_how_many_agents_each_rule_has_if_they_differ():
    text = _text([*three_rules("s/a", [[1.0, 2.0]])[:2], cell("s/a", "mine", [[1.0, 2.0, 3.0]])])
    assert "over seeds (random 2, a2c 2, mine 3), which are too narrow" in text


def test_the_table_names_tasks_that_are_left_out():
    cells = [*three_rules("s/a", [[1.0, 2.0]]), *three_rules("s/b", [[5.0, 4.0]], low=1.0, high=1.0)]
    assert "left out, as a2c gains nothing there: s/b" in _text(cells)


def test_without_references_the_table_says_why_nothing_is_normalised():
    assert "Not normalised" in _text([cell("s/a", "mine", [[1.0, 2.0]])])


def test_where_a2c_gains_nothing_the_table_says_so():
    text = _text(three_rules("s/a", [[1.0, 2.0]], low=1.0, high=1.0))
    assert "Not normalised: a2c gains nothing over random on these tasks." in text


def test_the_json_holds_the_numbers_of_the_tables():
    values = json.loads(json.dumps(as_json(compare_cells(three_rules("s/a", [[1.0, 2.0]])))))
    assert values["rules"] == ["random", "a2c", "mine"]
    assert values["tasks"]["s/a"]["returns"]["mine"] == [1.5, 1.0, 2.0]
    assert values["aggregates"]["mean"]["mine"][0] == 0.75
