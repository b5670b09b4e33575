"""The tab of rules: where each comes from, what it is weak at, its scores by task, and its card."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groove.dropin.find import named_rule
from groove.dropin.rule_file import released_rules
from groove.evaluation.leaderboard.board import Board, Entry
from groove.evaluation.leaderboard.site.shown import (
    link,
    return_cell,
    rule_ids,
    score_cell,
    task_ids,
    unfolding,
)
from groove.evaluation.leaderboard.tasks import OVERALL, SUITES
from groove.lpg.registry import hand_written
from groove.pages import parts
from groove.pages.parts import Cell
from groove.pages.templates import render
from groove.utils.errors import missing_extra
from groove.utils.text import quantity

if TYPE_CHECKING:
    from markupsafe import Markup

REFERENCE = "a2c"  # the rule that skills are compared with


def rules(board: Board, folders: Sequence[Path]) -> "Markup":
    """Return the tab of rules.

    Args:
      board: the leaderboard.
      folders: folders of results, which may hold cards, RULE.md.
    """
    ids = rule_ids(board)
    about = "Open a rule to see its origin, its skills from the weakest to the strongest, its tasks, and its card."
    each = [
        unfolding(ids[entry.rule], entry.rule, *_parts(board, entry, folders), note=_kind(entry))
        for entry in board.entries
    ]
    return parts.section("Rules", *each, about=about)


def find_card(rule: str, identities: set[str], folders: Sequence[Path]) -> str:
    """Return the card of a rule in Markdown; empty if there is none.

    The card is RULE.md beside the results, or that of a released rule of this name, if it is the same rule.
    """
    file = f"{rule}.md"
    for folder in folders:
        path = folder / file
        if Path(file).name == file and path.is_file():
            return path.read_text("utf-8", errors="replace")
    released = released_rules().get(rule)
    if released and released.with_suffix(".md").is_file() and named_rule(rule).identity in identities:
        return released.with_suffix(".md").read_text("utf-8")
    return ""


def as_html(markdown: str) -> "Markup":
    """Return Markdown as HTML for a page: no HTML in it is passed on, and no picture is loaded.

    Raises:
      MissingExtraError: if markdown-it-py is not installed.
    """
    try:
        from markdown_it import MarkdownIt
    except ImportError as error:
        raise missing_extra("markdown-it-py", "report") from error
    from markupsafe import Markup

    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = reader.parse(markdown)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):  # the page has the first three levels
            token.tag = f"h{min(int(token.tag[1]) + 3, 6)}"
    return Markup(reader.renderer.render(tokens, reader.options, {}))  # escaped by the reader


def _kind(entry: Entry) -> str:
    scores = entry.scores.values()
    seeds = max(score.meta_seeds for score in scores)
    agents = min(score.agents for score in scores)
    over = f"{seeds} meta-seeds of {agents} agents" if seeds > 1 else f"{agents} agents"
    return f"{'written by hand' if _is_hand_written(entry) else 'learned'}, {len(scores)} tasks, {over}"


def _is_hand_written(entry: Entry) -> bool:
    return _origin(entry).get("rule", entry.rule) in hand_written()


def _parts(board: Board, entry: Entry, folders: Sequence[Path]) -> list[Any]:
    card = find_card(entry.rule, {name for seeds in entry.cells.values() for name in seeds}, folders)
    shown = [parts.facts(_facts(entry)), parts.section("Skills, the weakest first", _skills(board, entry))]
    missing = [path for path in board.tasks if path not in entry.scores]
    about = f"Not tested on {', '.join(missing)}." if missing else ""
    shown.append(parts.section("Tasks", _tasks(board, entry), about=about))
    shown.append(
        parts.section("Card", render("leaderboard/card.html", text=as_html(card) if card else "There is no card."))
    )
    return shown


def _facts(entry: Entry) -> dict[str, str]:
    """Return where a rule and its results come from."""
    lines = [line for seeds in entry.cells.values() for cell in seeds.values() for line in cell.lines]
    records = [line.get("provenance") or {} for line in lines]
    versions = {f"groove {v.get('groove')}, JAX {v.get('jax')}" for record in records if (v := record.get("versions"))}
    devices = {_device(record["device"]) for record in records if record.get("device")}
    revisions = {str(git.get("revision"))[:10] for record in records if (git := record.get("git"))}
    dates = sorted(str(record["time"])[:10] for record in records if record.get("time"))
    facts = {
        **_origin(entry),
        "tested with": "; ".join(sorted(versions)),
        "on": "; ".join(sorted(devices)),
        "commits": ", ".join(sorted(revisions)),
        "dates": " to ".join(dict.fromkeys([dates[0], dates[-1]])) if dates else "",
    }
    return {name: text for name, text in facts.items() if text}


def _origin(entry: Entry) -> dict[str, str]:
    """Return what the stored lines say about the rules, with the values of all meta-seeds side by side."""
    found: dict[str, dict[str, None]] = {}
    for cell in next(iter(entry.cells.values())).values():
        settings = cell.lines[-1].get("settings") if cell.lines else None
        origin = settings.get("origin") if isinstance(settings, Mapping) else None
        for name, value in origin.items() if isinstance(origin, Mapping) else ():
            found.setdefault(str(name).replace("_", " "), {})[str(value)] = None
    return {name: ", ".join(sorted(filter(None, values))) for name, values in found.items()}


def _device(device: Mapping[str, Any]) -> str:
    return f"{device.get('count')} × {device.get('processor') or device.get('kind')}"


def _skills(board: Board, entry: Entry) -> "Markup":
    """Return the buckets of all skills, the lowest score first, beside A2C on the same tasks."""
    reference = next((each for each in board.entries if each.rule == REFERENCE and each is not entry), None)
    heads: list[parts.Column | str] = ["skill", parts.Column("tasks", True), parts.Column("score", True)]
    heads += [parts.Column(f"score of {REFERENCE}, same tasks", True)] if reference else []
    measured = []
    for column in board.columns.values():
        held = entry.held(column)
        if column.group not in (OVERALL, SUITES) and (score := entry.mean_over(held)):
            measured.append((score.value, column, held, score))
    rows = []
    for _, column, held, score in sorted(measured, key=lambda each: each[0]):
        count = f"{len(held)}" if len(held) == len(column.weights) else f"{len(held)} of {len(column.weights)}"
        row: list[Any] = [column.name, Cell(count, len(held)), score_cell(score)]
        if reference:
            other = reference.mean_over(held)
            row.append(score_cell(other) if other else "")
        rows.append(row)
    if not rows:
        return render("leaderboard/card.html", text="No task of the rule has declared skills.")
    return parts.table(f"Skills of {entry.rule}", heads, rows)


def _tasks(board: Board, entry: Entry) -> "Markup":
    ids = task_ids(board)
    heads: list[parts.Column | str] = [
        "task",
        parts.Column("steps an agent", True),
        parts.Column("score", True),
        parts.Column("return", True),
    ]
    rows = [
        [
            Cell(link(ids[path], path), path),
            Cell(quantity(board.tasks[path].env_steps[-1]), float(board.tasks[path].env_steps[-1])),
            score_cell(entry.scores[path]),
            return_cell(entry, path),
        ]
        for path in entry.scores
    ]
    return parts.table(f"Tasks of {entry.rule}", heads, rows)
