"""The leaderboard as a folder: index.html for people, leaderboard.json for programs. Neither needs a network."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groove.evaluation.leaderboard.board import Board, make_board
from groove.evaluation.leaderboard.cells import chosen_cells, read_cells
from groove.evaluation.leaderboard.site.curves import profiles, tasks
from groove.evaluation.leaderboard.site.ranking import basis, ranking, skills
from groove.evaluation.leaderboard.site.rules import rules
from groove.evaluation.leaderboard.tasks import OVERALL_SUITES
from groove.evaluation.progression.anchors import ANCHORS_FILE, load_anchors
from groove.evaluation.progression.scores import Score
from groove.evaluation.suites.registry import find_tasks
from groove.pages.page import Page, Tab, render_page, write_page
from groove.pages.templates import environment, render
from groove.utils.errors import GrooveError
from groove.utils.io import one_line, write_json
from groove.utils.paths import PathLike, check_folder, names_of, user_path, writing

PAGE, NUMBERS = "index.html", "leaderboard.json"
_OURS = '<meta name="generator" content="groove">'


def build_leaderboard(
    results: PathLike | Iterable[PathLike],
    to: PathLike,
    budget: str = "laptop",
    *,
    rules: Iterable[str] = (),
    suites: str | Iterable[str] = (),
    anchors: PathLike | None = None,
) -> Board:
    """Build the leaderboard of stored results as a static page.

    Args:
      results: folders of stored results; later ones add rules and cannot change what earlier ones hold. A folder may
        hold cards of rules, RULE.md.
      to: the folder of the page, made if it does not exist.
      budget: "smoke", "short", "laptop", "long" or "paper".
      rules: names under which rules were tested; all rules if empty. Random play is always there.
      suites: suites or single tasks, all of which make up the overall score. If empty: all held-out tasks, and the
        overall score is over gridworld, minatar, classic and bsuite.
      anchors: a file of anchors; None for those that come with groove.

    Returns:
      The leaderboard as data.

    Raises:
      GrooveError: if a name is unknown, results or baselines are missing, an extra is missing, or a file cannot be read
        or written.
    """
    environment()  # a missing extra costs no reading
    folder = user_path(to, "--to")
    check_folder(folder, "--to")
    _refuse_foreign(folder / PAGE)
    folders = [user_path(each, "--results") for each in names_of(results, "--results")]
    known = load_anchors(ANCHORS_FILE if anchors is None else user_path(anchors, "--anchors"))
    notes: list[str] = []
    chosen = names_of(suites, "--suite")
    cells = chosen_cells(
        read_cells(folders, budget, notes.append),
        names_of(rules, "--rules"),
        chosen,
        notes.append,
    )
    overall = {task.suite for task in find_tasks(chosen)} if chosen else OVERALL_SUITES
    board = make_board(cells, known, notes, overall=overall)
    html = render_page(make_page(board, folders))
    with writing(folder, "Choose another --to."):
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / NUMBERS, as_json(board))
    write_page(folder / PAGE, html)
    return board


def make_page(board: Board, folders: Iterable[Path] = ()) -> Page:
    """Return the page of a leaderboard.

    Args:
      board: the leaderboard.
      folders: folders that may hold cards of rules.
    """
    suites = ",".join(dict.fromkeys(task.suite for task in board.tasks.values()))
    return Page(
        title="Leaderboard of update rules",
        lead=basis(board),
        tabs=[
            Tab("suites", "Suites", ranking(board)),
            Tab("skills", "Skills", skills(board)),
            Tab("profiles", "Profiles", profiles(board)),
            Tab("tasks", "Tasks", tasks(board)),
            Tab("rules", "Rules", rules(board, list(folders))),
            Tab("method", "Method", render("leaderboard/method.html", notes=board.notes)),
            Tab("submit", "Submit", render("leaderboard/submit.html", suites=suites, budget=board.budget)),
        ],
        styles=["leaderboard.css"],
        scripts=["leaderboard.js"],
    )


def as_json(board: Board) -> dict[str, Any]:
    """Return the numbers of a leaderboard as JSON values; a number without interval has null ends."""
    return {
        "format": 1,
        "budget": board.budget,
        "tasks": {
            path: {**asdict(task.anchor), "random": task.random, "random_standard_error": task.random_error}
            for path, task in board.tasks.items()
        },
        "columns": {name: list(column.weights) for name, column in board.columns.items()},
        "rules": {
            entry.rule: {
                "columns": {name: _score(score) for name, score in entry.columns.items()},
                "tasks": {path: _score(score) for path, score in entry.scores.items()},
            }
            for entry in board.entries
        },
        "ranks": {
            name: dict(zip(ranks.rules, ranks.probability.tolist(), strict=True)) for name, ranks in board.ranks.items()
        },
        "notes": list(board.notes),
    }


def _score(score: Score) -> dict[str, Any]:
    interval = score.interval()
    return {**asdict(score), "low": interval.low, "high": interval.high}


def _refuse_foreign(page: Path) -> None:
    """Refuse to replace a page that groove did not make."""
    if not page.exists():
        return
    try:
        head = page.read_bytes()[:2000].decode("utf-8", errors="replace")
    except OSError as error:
        raise GrooveError(f"{page} cannot be read ({one_line(error)}): choose another --to.") from error
    if _OURS not in head:
        raise GrooveError(f"{page} is another page, which would be overwritten: choose another --to.")
