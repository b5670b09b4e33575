"""The tabs of scores: rules by suite, how stable their order is, and rules by skill."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from groove.evaluation.leaderboard.board import Board, Ranks
from groove.evaluation.leaderboard.runs import RESAMPLES
from groove.evaluation.leaderboard.site.shown import LEGEND, column_cell, link, rule_ids, score_cell, unfolding
from groove.evaluation.leaderboard.tasks import OVERALL, SUITES, Column
from groove.evaluation.progression.skills import BUCKETS, SKILLS
from groove.pages import parts
from groove.pages.parts import Cell
from groove.pages.templates import render

if TYPE_CHECKING:
    from markupsafe import Markup

_LEGEND = {  # skill -> what its buckets mean
    "credit distance": "Environment steps between an action and the reward that it decides: up to 10, or more.",
    "sparsity": "Rewards several times an episode, or at most once or only after behaviour that random play lacks.",
    "stochasticity": "Whether the outcome of an action is random. The first state may be random in both.",
    "observation": "An index into a table, up to 100 numbers, or over 100 numbers.",
    "number of actions": "Actions that an agent chooses from.",
    "reward scale": "Best return minus that of random play, in the unit of returns.",
}


def ranking(board: Board) -> "Markup":
    """Return the tab of rules by suite, with the probability of each rank."""
    columns = [column for column in board.columns.values() if column.group in (OVERALL, SUITES)]
    about = (
        "Progression: 0 is random play, 1 is the best known return. Means over tasks with 95 % intervals. "
        f"{LEGEND} Overall, every suite counts the same ({', '.join(_overall(board))}). A click on a rule shows its "
        "skills and its card."
    )
    stability = [
        _ranks(board, name, ranks)
        for name, ranks in board.ranks.items()
        if board.columns[name].group in (OVERALL, SUITES)
    ]
    certain = (
        f"The share of {RESAMPLES:,} bootstrap resamples in which a rule has a rank. A resample draws meta-seeds and "
        "agents, the same meta-seeds on all tasks. A rule with one meta-seed has ranks of that one rule: how much "
        "another meta-seed would differ is not in them. A rule with one agent alone, or without some task, has no rank."
    )
    return parts.section("Rules by suite", _table(board, "Progression by suite", columns), about=about) + parts.section(
        "How stable is the order?", *stability, about=certain
    )


def _overall(board: Board) -> list[str]:
    """Return the suites of the overall score."""
    return list(dict.fromkeys(board.tasks[path].suite for path in board.columns[OVERALL].weights))


def skills(board: Board) -> "Markup":
    """Return the tab of rules by skill: one table for each skill, and the table of tasks x skills."""
    sections = [
        parts.section(skill, _table(board, f"Progression by {skill}", columns), about=_LEGEND[skill])
        for skill in BUCKETS
        if (columns := [column for column in board.columns.values() if column.group == skill])
    ]
    return render(
        "leaderboard/joined.html", parts=[*sections, parts.section("Which task asks for which skill", _tasks(board))]
    )


def _table(board: Board, caption: str, columns: Sequence[Column]) -> "Markup":
    heads = [
        parts.Column("rule"),
        *(
            parts.Column(f"{column.label} ({len(column.weights)})", True, f"tasks: {', '.join(column.weights)}")
            for column in columns
        ),
    ]
    ids = rule_ids(board)
    rows = [
        [Cell(link(ids[entry.rule], entry.rule), entry.rule), *(column_cell(entry, column) for column in columns)]
        for entry in board.entries
        if any(entry.held(column) for column in columns)
    ]
    return parts.table(f"{caption}; the number of tasks in brackets", heads, rows)


def _ranks(board: Board, name: str, ranks: Ranks) -> "Markup":
    column, entries, ids = board.columns[name], {entry.rule: entry for entry in board.entries}, rule_ids(board)
    heads = [parts.Column("rule"), parts.Column("score", True)]
    heads += [parts.Column(f"rank {rank}", True) for rank in range(1, len(ranks.rules) + 1)]
    rows = [
        [
            Cell(link(ids[rule], rule), rule),
            score_cell(entries[rule].columns[name]),
            *(_share(share) for share in shares),
        ]
        for rule, shares in zip(ranks.rules, ranks.probability.tolist(), strict=True)
    ]
    table = parts.table(f"Probability of each rank, {column.label}", heads, rows)
    return table if name == OVERALL else unfolding(f"ranks-{column.label}", column.label, table)


def _share(share: float) -> Cell:
    return Cell(render("leaderboard/share.html", share=share), share)


def _tasks(board: Board) -> "Markup":
    """Return the declared table of skills, for the tasks of the board."""
    rows = [
        [path, *SKILLS[path].buckets.values(), render("leaderboard/reason.html", text=SKILLS[path].reason)]
        for path in board.tasks
        if path in SKILLS
    ]
    caption = "Declared skills of each task, with the reason for the first three of them"
    return parts.table(caption, ["task", *BUCKETS, "reason"], rows)


def basis(board: Board) -> str:
    """Return what the page is about, in a sentence."""
    return f"{len(board.entries)} rules on {len(board.tasks)} tasks, at budget {board.budget}."
