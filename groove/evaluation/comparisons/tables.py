"""A comparison as Markdown tables, and as JSON values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from groove.evaluation.comparisons.comparison import HIGH, LOW, Comparison, agents_of_each, aggregates
from groove.utils.bootstrap import Interval
from groove.utils.text import paragraph, quantity

FEW_SEEDS = 10  # with fewer seeds, intervals are known to be too narrow


def markdown(comparison: Comparison) -> str:
    """Return two Markdown tables, of returns by task and of aggregates, each with a line that explains the numbers."""
    head = ["task", "steps an agent", *comparison.rules]
    rows = [
        [row.task, quantity(row.env_steps), *(_interval(row.returns[rule]) for rule in comparison.rules)]
        for row in comparison.rows
    ]
    note = f"Mean return of complete episodes at the end of life; {interval_note(comparison)}"
    notes = [line for text in comparison.notes for line in ("", paragraph(text))]
    return "\n".join([_table(head, rows), "", paragraph(note), "", *_normalised(comparison), *notes]) + "\n"


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return the numbers of the tables as JSON values."""
    return {
        "budget": comparison.budget,
        "rules": list(comparison.rules),
        "tasks": {
            row.task: {
                "env_steps": row.env_steps,
                "levels": row.levels,
                "agents": dict(row.agents),
                "returns": {rule: list(value) for rule, value in row.returns.items()},
            }
            for row in comparison.rows
        },
        "aggregates": {
            name: {rule: list(value) for rule, value in by_rule.items()}
            for name, by_rule in aggregates(comparison).items()
        },
        "left_out": list(comparison.left_out),
        "notes": list(comparison.notes),
    }


def interval_note(comparison: Comparison) -> str:
    """Return the sentence that says what the intervals are over."""
    agents = agents_of_each(comparison)
    least, most = min(low for low, _ in agents.values()), max(high for _, high in agents.values())
    pooled = _list({rule: f"{count}" for rule, count in comparison.clusters.items() if count > 1})
    if most == 1 and not pooled:
        return "one seed, so without intervals."
    listed = _list({rule: f"{low}" if low == high else f"{low} to {high}" for rule, (low, high) in agents.items()})
    seeds = f"{most} seeds" if least == most else f"seeds ({listed})"
    runs = f"meta-seeds ({pooled}) and the agents' {seeds} within each" if pooled else seeds
    few = ", which are too narrow with so few" if pooled or least < FEW_SEEDS else ""
    return f"95 % bootstrap intervals over {runs}{few}."


def _list(counts: Mapping[str, str]) -> str:
    return ", ".join(f"{rule} {count}" for rule, count in counts.items())


def _normalised(comparison: Comparison) -> list[str]:
    """Return the lines of the second table and its note."""
    if not comparison.scores and comparison.left_out:
        return [f"Not normalised: {HIGH} gains nothing over {LOW} on these tasks."]
    if not comparison.scores:
        return [f"Not normalised: that takes results of {LOW} and {HIGH} on the same tasks."]
    rows = [
        [name, *(_interval(by_rule[rule]) if rule in by_rule else "" for rule in comparison.rules)]
        for name, by_rule in aggregates(comparison).items()
    ]
    left_out = f"; left out, as {HIGH} gains nothing there: {', '.join(comparison.left_out)}"
    note = (
        f"0 is {LOW}'s return, 1 is {HIGH}'s, over {len(comparison.scored)} tasks"
        f"{left_out if comparison.left_out else ''}.{_fewer_agents(comparison)}"
    )
    return [_table(["normalised", *comparison.rules], rows), "", paragraph(note)]


def _fewer_agents(comparison: Comparison) -> str:
    """Return the sentence about rules of which not all agents count, since every task counts equally many."""
    agents = agents_of_each(comparison)
    fewer = {rule: f"{low} of up to {high}" for rule, (low, high) in agents.items() if low < high}
    return f" Every task counts with equally many agents of a rule: {_list(fewer)}." if fewer else ""


def _interval(value: Interval[float]) -> str:
    low_high = f" [{_number(value.low)}, {_number(value.high)}]" if math.isfinite(value.low) else ""
    return f"{_number(value.value)}{low_high}"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 20 else f"{value:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
