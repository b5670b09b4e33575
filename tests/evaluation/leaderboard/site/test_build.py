"""The page of a leaderboard: numbers with interval and n, links that lead somewhere, foreign text that stays text."""

import json
import re
import sys

import numpy as np
import pytest

from groove.dropin.find import named_rule
from groove.evaluation.leaderboard.site.build import as_json, build_leaderboard
from groove.evaluation.leaderboard.site.rules import as_html, find_card
from groove.evaluation.leaderboard.site.shown import ONE_RUN
from groove.evaluation.progression.anchors import save_anchors
from groove.utils.errors import GrooveError, MissingExtraError
from tests._helpers.boards import TASKS, anchors, store, three_tasks

CATCH = TASKS[0]


@pytest.fixture
def stored(tmp_path):
    save_anchors(tmp_path / "anchors.json", anchors())
    return three_tasks(tmp_path / "results")


def _build(stored, **choices):
    to = stored.parent / "site"
    board = build_leaderboard(stored, to, anchors=stored.parent / "anchors.json", **choices)
    return board, (to / "index.html").read_text()


def _tables(html):
    """Return caption -> rows of cells, as texts without tags."""
    found = {}
    for table in re.findall(r"<table class.*?</table>", re.sub("<script.*?</script>", "", html, flags=re.S), re.S):
        caption = re.search("<caption>(.*?)</caption>", table).group(1)
        rows = re.findall(r"<tr>(.*?)</tr>", table.split("<tbody>")[1], re.S)
        cells = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.S) for row in rows]
        found[caption] = [[re.sub("<.*?>", "", cell).strip() for cell in row] for row in cells]
    return found


def test_scores_by_suite_stand_beside_interval_and_n(stored):
    rows = _tables(_build(stored)[1])["Progression by suite; the number of tasks in brackets"]
    assert [row[0] for row in rows] == ["mine", "a2c", "random"]
    half = 12.7062047 * 0.1  # t quantile at one degree of freedom times the standard error
    assert rows[0][2] == f"0.40 [{0.4 - half:.2f}, {0.4 + half:.2f}], n = 2 × 2"
    assert rows[1][2] == f"0.50 [{0.5 - half:.2f}, {0.5 + half:.2f}], n = 2"


def test_no_score_or_return_is_shown_without_interval_and_n(stored):
    store(stored, "single", CATCH, [3.0])
    _, html = _build(stored)
    for caption, rows in _tables(html).items():
        for row in rows:
            for cell in row[1:]:
                if re.match(r"-?\d+\.\d", cell) and not caption.startswith("Probability"):
                    assert re.fullmatch(r"-?[\d.]+( [kMG])? \[.+, .+\], n = \d+( × \d+)?", cell), (caption, cell)
    single = next(row for row in _tables(html)[f"Rules on {CATCH}"] if row[0] == "single")
    assert single[1:3] == [ONE_RUN, ONE_RUN]
    assert "single" not in [row[0] for row in _tables(html)["Probability of each rank, overall"]]


def test_a_rule_without_some_task_shows_how_many_it_has(stored):
    store(stored, "partial", TASKS[1], [1.0, 2.0])
    rows = _tables(_build(stored)[1])["Progression by suite; the number of tasks in brackets"]
    assert next(row for row in rows if row[0] == "partial")[1:] == ["1 of 3 tasks", "no task", "1 of 2 tasks"]


def test_a_rule_without_some_task_has_skills_on_the_tasks_that_it_has(stored):
    store(stored, "partial", TASKS[1], [10.0, 20.0])
    _, html = _build(stored)
    skills = {row[0]: row for row in _tables(html)["Skills of partial"]}
    assert skills["credit distance: far"][1] == "1 of 2"
    assert skills["number of actions: 2"][1] == "1"
    assert skills["credit distance: far"][2:] == skills["number of actions: 2"][2:], "A2C on the same task, too"
    assert "Not tested on bsuite/Catch, classic/Acrobot." in html


def test_the_weakest_skill_comes_first(stored):
    skills = _tables(_build(stored)[1])["Skills of mine"]
    scores = [float(row[2].split()[0]) for row in skills]
    assert scores == sorted(scores)
    assert skills[0][0] == "credit distance: near"


def test_probabilities_of_ranks_are_those_of_the_board(stored):
    board, html = _build(stored)
    rows = _tables(html)["Probability of each rank, overall"]
    shown = np.array([[float(cell) for cell in row[2:]] for row in rows])
    np.testing.assert_allclose(shown, board.ranks["overall"].probability, atol=0.005)


def test_links_lead_to_entries_of_the_page(stored):
    store(stored, "mine!", CATCH, [1.0, 2.0])  # has the letters of another rule
    _, html = _build(stored)
    targets, places = set(re.findall('href="#([^"]+)"', html)), re.findall('id="([^"]+)"', html)
    assert {"rule-mine", "task-bsuite-Catch"} <= targets <= set(places)
    assert len(places) == len(set(places))


def test_names_and_cards_cannot_bring_html_or_load_anything(stored):
    store(stored, "<script>alert(1)</script>", CATCH, [1.0, 2.0])
    picture, link = "![p](https://example.org/p.png)", "[a](javascript:alert(3))"
    card = ["# Mine", "<img src=x onerror=alert(2)>", f"{picture} {link}", "| a |\n|---|\n| b |"]
    (stored / "mine.md").write_text("\n\n".join(card))
    _, html = _build(stored)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    outside = re.sub("<script.*?</script>", "", html, flags=re.S)
    assert "<img" not in outside
    assert 'href="javascript' not in outside
    assert "<h4>Mine</h4>" in outside
    assert "<td>b</td>" in outside


def test_cards_lie_beside_results_or_belong_to_released_rules(tmp_path):
    assert find_card("mine", set(), [tmp_path]) == ""
    (tmp_path / "mine.md").write_text("a card")
    assert find_card("mine", set(), [tmp_path / "other", tmp_path]) == "a card"
    (tmp_path / "results").mkdir()
    assert find_card("../mine", set(), [tmp_path / "results"]) == "", "no file outside the folder is read"
    assert find_card("groove", {"another rule"}, [tmp_path]) == ""
    assert find_card("groove", {named_rule("groove").identity}, [tmp_path]).startswith("# groove")


def test_what_is_left_out_is_on_the_page(stored):
    store(stored, "mine", "minatar/Breakout", [1.0, 2.0])
    board, html = _build(stored)
    assert board.notes[0] in html


def test_the_same_results_give_the_same_page_and_the_page_is_replaced(stored):
    first = _build(stored)[1]
    assert _build(stored)[1] == first
    assert _build(stored, suites="classic")[1] != first


def test_a_page_that_groove_did_not_make_stays(stored):
    to = stored.parent / "site"
    to.mkdir()
    (to / "index.html").write_text("<html>my page")
    with pytest.raises(GrooveError, match="is another page, which would be overwritten: choose another --to"):
        _build(stored)
    assert (to / "index.html").read_text() == "<html>my page"


def test_numbers_are_stored_for_programs(stored):
    board, _ = _build(stored)
    numbers = json.loads((stored.parent / "site" / "leaderboard.json").read_text())
    assert numbers == json.loads(json.dumps(as_json(board)))
    assert numbers["rules"]["mine"]["columns"]["bsuite"]["value"] == pytest.approx(0.4)
    assert numbers["tasks"][CATCH]["best"] == 10.0


def test_submissions_add_rules_and_replace_nothing(stored):
    submission = stored.parent / "submission"
    store(submission, "new", CATCH, [10.0, 10.0])
    store(submission, "a2c", CATCH, [0.0, 0.0])
    board = build_leaderboard([stored, submission], stored.parent / "site", anchors=stored.parent / "anchors.json")
    scores = {entry.rule: entry.scores[CATCH].value for entry in board.entries}
    assert scores == {"mine": pytest.approx(0.4), "a2c": 0.5, "random": 0.0, "new": 1.0}


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    with pytest.raises(MissingExtraError, match=r'pip install "groove-rl\[report\]"'):
        as_html("# a")
