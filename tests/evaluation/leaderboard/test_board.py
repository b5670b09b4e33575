"""The leaderboard as data: columns by hand, ranks, invariances, and everything that is left out is said."""

import math

import numpy as np
import pytest

from groove.evaluation.leaderboard.board import make_board
from groove.evaluation.leaderboard.cells import read_cells
from groove.evaluation.progression.anchors import Anchor, Anchors
from groove.evaluation.results import Results
from groove.utils.errors import GrooveError
from tests._helpers.boards import TASKS, anchors, store, three_tasks
from tests._helpers.cells import line

CATCH, CARTPOLE, ACROBOT = TASKS


def board_of(folder, best=None):
    notes = []
    cells = read_cells([folder], "laptop", notes.append)
    return make_board(cells, best or anchors(), notes)


@pytest.fixture
def board(tmp_path):
    return board_of(three_tasks(tmp_path))


def entry(board, rule):
    return next(entry for entry in board.entries if entry.rule == rule)


def by_rule(board):
    return {entry.rule: entry for entry in board.entries}


def test_columns_by_hand(board):
    mine = entry(board, "mine")
    assert [mine.scores[task].value for task in TASKS] == pytest.approx([0.4, 0.85, 1.0])
    assert mine.scores[ACROBOT].unclipped == pytest.approx(1.6)
    errors = [0.1, 0.05, 0.2]  # half the differences of two meta-seeds
    assert [mine.scores[task].standard_error for task in TASKS] == pytest.approx(errors)
    classic = mine.columns["classic"]
    assert classic.value == pytest.approx((0.85 + 1.0) / 2)
    assert classic.standard_error == pytest.approx(math.hypot(0.05, 0.2) / 2)
    overall = mine.columns["overall"]
    assert overall.value == pytest.approx((0.4 + 0.925) / 2)  # suites count the same
    assert overall.standard_error == pytest.approx(math.hypot(0.1 / 2, 0.05 / 4, 0.2 / 4))
    assert (overall.meta_seeds, overall.agents, overall.tasks) == (2, 2, 3)
    far = mine.columns["credit distance: far"]
    assert far.value == pytest.approx(0.925)  # CartPole and Acrobot
    assert mine.columns["credit distance: near"] == mine.columns["bsuite"]


def test_rules_are_in_the_order_of_their_overall_score(board):
    assert [entry.rule for entry in board.entries] == ["mine", "a2c", "random"]
    assert entry(board, "random").columns["overall"].value == 0.0
    assert entry(board, "a2c").columns["overall"].value == 0.5


def test_random_play_may_be_of_few_agents_but_has_no_interval_then(tmp_path):
    store(tmp_path, "random", CATCH, [0.0])
    store(tmp_path, "a2c", CATCH, [1.0, 2.0])
    board = board_of(tmp_path)
    assert math.isnan(entry(board, "random").columns["overall"].interval().low)
    assert board.ranks["overall"].rules == ("a2c",)
    assert list(board.profiles["overall"]) == ["a2c"]


def test_ranks_are_certain_where_rules_are_apart_and_even_where_they_are_equal(tmp_path):
    store(tmp_path, "random", CATCH, [0.0, 0.0])
    store(tmp_path, "high", CATCH, [8.0, 9.0], [8.0, 9.0])
    for rule in ("first", "second"):
        store(tmp_path, rule, CATCH, [2.0, 4.0], [3.0, 5.0])
    ranks = board_of(tmp_path).ranks["overall"]
    probability = dict(zip(ranks.rules, ranks.probability))
    assert probability["high"].tolist() == [1, 0, 0, 0]
    assert probability["random"].tolist() == [0, 0, 0, 1]
    assert probability["first"][1] == pytest.approx(0.5, abs=0.05)
    assert probability["first"][1] + probability["second"][1] == pytest.approx(1)


def test_ranks_contain_the_variation_between_meta_seeds(tmp_path):
    """Meta-seeds at 0.2 and 0.8, whose agents are alike, beat 0.55 where both draws of two are 0.8: in a quarter."""
    store(tmp_path, "random", CATCH, [0.0, 0.0])
    store(tmp_path, "unstable", CATCH, [2.0, 2.0], [8.0, 8.0])
    store(tmp_path, "stable", CATCH, [5.5, 5.5])
    ranks = board_of(tmp_path).ranks["overall"]
    assert ranks.probability[ranks.rules.index("unstable"), 0] == pytest.approx(0.25, abs=0.03)


def test_profiles_are_shares_of_agents_above_each_threshold(board):
    profile = board.profiles["overall"]["mine"]
    # agents score 0.2, 0.4, 0.5, 0.5; 0.8, 0.8, 0.9, 0.9; 1.4, 1.4, 1.8, 1.8
    assert profile.value[0] == 1.0
    assert profile.value[-1] == pytest.approx(4 / 12)  # above 1.2
    assert profile.value[20] == pytest.approx(8 / 12)  # above 0.6


def test_the_unit_of_reward_does_not_matter(tmp_path, board):
    for rule, returns in [("random", [[0.0, 0.0]]), ("a2c", [[4.0, 6.0]]), ("mine", [[2.0, 4.0], [5.0, 5.0]])]:
        store(tmp_path / "scaled", rule, CATCH, *(np.asarray(each) * 1000 + 7 for each in returns))
    scaled = board_of(tmp_path / "scaled", Anchors([Anchor(CATCH, 10_007.0, "exact", "by hand")]))
    for rule in ("random", "a2c", "mine"):
        plain, moved = entry(board, rule).scores[CATCH], entry(scaled, rule).scores[CATCH]
        assert moved.value == pytest.approx(plain.value)
        assert moved.standard_error == pytest.approx(plain.standard_error)


def test_the_order_of_lines_and_the_other_rules_do_not_matter(tmp_path, board):
    folder = three_tasks(tmp_path / "again")
    for path in folder.glob("*.jsonl"):
        path.write_text("\n".join(path.read_text().splitlines()[::-1]) + "\n")
    again = board_of(folder)
    assert again.entries[0].columns == board.entries[0].columns
    np.testing.assert_array_equal(again.ranks["overall"].probability, board.ranks["overall"].probability)
    store(folder, "another", CATCH, [1.0, 3.0])
    more = board_of(folder)
    for name, band in zip(("value", "low", "high"), board.profiles["overall"]["mine"]):
        np.testing.assert_array_equal(getattr(more.profiles["overall"]["mine"], name), band)


def test_a_rule_without_some_task_has_no_score_where_the_task_counts(tmp_path):
    folder = three_tasks(tmp_path)
    store(folder, "partial", CARTPOLE, [10.0, 10.0])
    partial = entry(board_of(folder), "partial")
    assert set(partial.scores) == {CARTPOLE}
    assert set(partial.columns) == {"sparsity: dense", "number of actions: 2"}
    assert board_of(folder).entries[-1].rule == "partial"


def test_a_suite_that_one_rule_was_tested_on_takes_no_score_from_the_others(tmp_path, board):
    folder = three_tasks(tmp_path)
    for rule in ("random", "newcomer"):
        store(folder, rule, "arcade/Snake", [0.0, 1.0])
    known = Anchors([*anchors(), Anchor("arcade/Snake", 9.0, "exact", "by hand")])
    more = board_of(folder, known)
    assert set(more.columns) - set(board.columns) == {"arcade"}
    for before in board.entries:
        after = by_rule(more)[before.rule].columns  # skills among them
        assert {name: after[name] for name in before.columns} == before.columns
    chosen = make_board(read_cells([folder], "laptop", print), known, overall=["arcade"])
    assert set(chosen.columns["overall"].weights) == {"arcade/Snake"}


def test_a_mean_over_some_tasks_is_there_only_with_all_of_them(board):
    mine = entry(board, "mine")
    assert mine.mean_over([CATCH, CARTPOLE]).value == pytest.approx((0.4 + 0.85) / 2)
    assert mine.mean_over([CATCH, "minatar/Breakout"]) is None
    assert mine.mean_over([]) is None


def test_what_is_left_out_is_said(tmp_path):
    folder = three_tasks(tmp_path)
    store(folder, "mine", "minatar/Breakout", [1.0, 2.0])
    store(folder, "random", "minatar/Asterix", [1.0, 2.0])
    store(folder, "random", "minatar/Freeway", [1.0, 2.0])
    store(folder, "mine", "minatar/Freeway", [1.0, 2.0])
    unclear = Anchor("minatar/Freeway", 2.5, "measured", "by hand", None, 0.5, 5)  # 1 +- 0.7 above random
    board = board_of(folder, Anchors([*anchors(), unclear]))
    assert sorted(board.tasks) == sorted(TASKS)
    assert board.notes == (
        "minatar/Asterix is left out: it has no anchor, the return that scores 1; make one with groove anchors.",
        "minatar/Breakout is left out: it has no results of random, which scores 0; add it to the meta-test.",
        "minatar/Freeway is left out: the best known return is not clearly above that of random.",
    )


def test_without_baselines_there_is_no_leaderboard(tmp_path):
    store(tmp_path, "mine", CATCH, [1.0, 2.0])
    with pytest.raises(
        GrooveError, match="there are no results of random, which scores 0; run groove meta-test"
    ) as caught:
        board_of(tmp_path)
    assert "\n" not in str(caught.value)


def test_if_no_task_is_left_the_error_says_why(tmp_path):
    store(tmp_path, "random", CATCH, [1.0, 2.0])
    with pytest.raises(GrooveError, match="no task is left to compare rules on") as caught:
        board_of(tmp_path, Anchors([]))
    assert str(caught.value).splitlines()[1].startswith(f"{CATCH} is left out: it has no anchor")


def test_results_of_other_levels_are_left_out_with_a_note(tmp_path):
    folder = three_tasks(tmp_path)
    two_levels = np.ones((2, 2, 2))
    Results(folder).append("bsuite", line("x", rule="odd", task=CATCH, budget="laptop", returns=two_levels))
    board = board_of(folder)
    assert "odd" not in [entry.rule for entry in board.entries]
    assert "odd is left out on bsuite/Catch: its levels or steps differ from those of random." in board.notes


def test_two_experiments_of_one_rule_are_no_meta_seeds(tmp_path):
    folder = three_tasks(tmp_path)
    new = line("new", rule="mine", task=CATCH, budget="laptop", returns=[[[0, 9], [0, 9]]], rule_identity="mine 0")
    Results(folder).append("bsuite", new)
    board = board_of(folder)
    assert entry(board, "mine").scores[CATCH].unclipped == pytest.approx((0.9 + 0.5) / 2)
    assert any("mine has two experiments on bsuite/Catch" in note for note in board.notes)


def test_the_seed_decides_the_bootstrap(tmp_path):
    store(tmp_path, "random", CATCH, [0.0, 0.0])
    for rule in ("first", "second"):
        store(tmp_path, rule, CATCH, [2.0, 4.0], [3.0, 5.0])
    cells = read_cells([tmp_path], "laptop", print)
    first, again, other = (make_board(cells, anchors(), seed=seed).ranks["overall"].probability for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
