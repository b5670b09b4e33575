"""Does a rule withstand a fresh search for its failures, after it was trained on what such a search found?

    python figures/analysis/second_attack.py \\
        --rules before=paper-groove,random=runs/dr-0,archive=runs/archive-0 --to docs/images/second_attack

Every rule is attacked by searches of its own, which know nothing of the levels that the rule was trained on. An attack
on a cell succeeds if the rule stays behind the best reference by more than a share of its return, measured with new
agents. Rules of one label are pooled, as meta-seeds of one method; intervals are Student's, over rules. The program
prints a table, and writes a picture and its numbers (.png, .json).
"""

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.intervals import of_difference, of_mean, shown
from figures.pipeline.stored import drawing, stem, stored_or_measured
from figures.pipeline.style import PANEL
from groove.cli._main import FlagSet, Program, run_program
from groove.dropin.find import find_rules
from groove.evaluation.failures.search.elites import Failures
from groove.evaluation.failures.search.run import search_failures
from groove.utils.paths import rejoin_paths, user_path
from groove.utils.plotting import INK, PALETTE, dress, new_figure, save_picture

_FLAGS = FlagSet()
_RULES = _FLAGS.names("rules", [], "The rules that are attacked, as LABEL=RULE, separated by commas.")
_REFERENCES = _FLAGS.names("references", ["a2c"], "Rules that the rules should reach, separated by commas.")
_LEVELS = _FLAGS.integer("levels", 1024, "Levels that each search evaluates.", least=1, most=10**6)
_UPDATES = _FLAGS.integer("updates", 100, "Lifetime of every agent, in agent updates.", least=1, most=10**7)
_RESCORE = _FLAGS.integer("rescore", 8, "New agents of each rule on each level that was found.", least=1, most=10**4)
_SEEDS = _FLAGS.integer("seeds", 2, "Searches against each rule.", least=1, most=10**4)
_MARGIN = _FLAGS.number(
    "margin", 0.1, "Share of the larger return by which a rule must be behind for an attack to succeed.", least=0
)
_SEARCHES = _FLAGS.string(
    "searches", "runs/second_attack", "Folder of the searches, one folder each; searches that were stopped go on."
)
_TO = _FLAGS.string("to", "docs/images/second_attack", "Path of the picture and its numbers, without suffix.")
_DRAW_ONLY = _FLAGS.boolean("draw_only", False, "Draw from the stored numbers, without searching.")

_LEAST_RETURN = 0.1  # by which the lead is divided at least, as in the score "relative"
Numbers = dict[str, dict[str, list[float]]]  # label -> number -> one value per rule, the mean over its searches


def measure(
    rules: list[str],
    references: list[str],
    levels: int,
    updates: int,
    rescore: int,
    seeds: int,
    margin: float,
    searches: Path,
) -> Numbers:
    """Attack every rule and return what was found.

    Args:
      rules: the rules, as LABEL=RULE.
      references: the rules that they should reach.
      levels: levels that each search evaluates, by one agent of each rule.
      updates: lifetime of agents.
      rescore: new agents on each level that was found.
      seeds: searches against each rule.
      margin: share of the larger return by which a rule must be behind.
      searches: the folder of the searches.

    Raises:
      GrooveError: if a rule is not found, or two have one name without a label.
    """
    found = find_rules(rules)
    find_rules(references)
    attacks: dict[str, list[list[Failures]]] = {}
    for name, rule in zip(rules, found, strict=True):
        attacks.setdefault(rule.name, []).append([])
        for seed in range(seeds):
            print(f"{rule.name}, rule {rule.identity[:6]}, seed {seed}", flush=True)
            attacks[rule.name][-1].append(
                search_failures(
                    name,
                    references=references,
                    levels=levels,
                    seeds=1,
                    rescore=rescore,
                    updates=updates,
                    seed=seed,
                    to=searches / f"{rule.identity}-{seed}",
                )
            )
    return {label: summarised(each, margin) for label, each in attacks.items()}


def summarised(attacks: list[list[Failures]], margin: float) -> dict[str, list[float]]:
    """Return the numbers of the rules of one label, each the mean over the searches against one rule."""
    return {
        "cells": [float(np.mean([len(each.regret) for each in searches])) for searches in attacks],
        "success": [float(np.mean([success(each.returns, margin) for each in searches])) for searches in attacks],
        "regret": [float(np.mean([each.regret.mean() for each in searches])) for searches in attacks],
    }


def table(numbers: Numbers) -> str:
    """Return a Markdown table by label: means with intervals over rules, and differences to the label before."""
    lines = ["| rules | successful attacks | each rule | mean regret over covered cells |", "|---|---|---|---|"]
    for label, each in numbers.items():
        rules = ", ".join(f"{value:.2f}" for value in each["success"])
        lines.append(f"| {label} | {shown(of_mean(each['success']))} | {rules} | {shown(of_mean(each['regret']))} |")
    for before, label in itertools.pairwise(numbers):
        more = [shown(of_difference(numbers[label][name], numbers[before][name])) for name in ("success", "regret")]
        lines.append(f"| {label} minus {before} | {more[0]} |  | {more[1]} |")
    return "\n".join(lines) + "\n"


def success(returns: Any, margin: float) -> float:
    """Return the share of levels on which the rule is behind the best reference by more than a margin.

    Args:
      returns: f64[1 + references, n], of the rule first.
      margin: share of the larger absolute return of both.
    """
    rule, best = returns[0], returns[1:].max(0)
    scale = np.maximum(np.maximum(np.abs(rule), np.abs(best)), _LEAST_RETURN)
    return float(np.mean((best - rule) / scale > margin))


def draw(numbers: Numbers, path: Path) -> None:
    """Draw the share of successful attacks and the mean regret by label, one point per rule."""
    figure = new_figure(8.4, 3.0, dpi=130)
    left, right = figure.subplots(1, 2)
    for axes, name, title in (
        (left, "success", "share of cells in which the rule is clearly behind"),
        (right, "regret", "mean regret over covered cells, new agents"),
    ):
        for place, each in enumerate(numbers.values()):
            axes.plot([place] * len(each[name]), each[name], "o", color=PALETTE[place], ms=5)
            axes.plot([place - 0.2, place + 0.2], [np.mean(each[name])] * 2, color=PALETTE[place], lw=2)
        axes.set_xticks(range(len(numbers)), list(numbers))
        axes.set_xlim(-0.5, len(numbers) - 0.5)
        axes.axhline(0.0, color=INK, lw=0.6)
        dress(axes, title, **PANEL)
    save_picture(figure, path)


def main() -> None:
    """Attack and draw."""
    path = stem("to", _TO.value)
    sizes = (_LEVELS.value, _UPDATES.value, _RESCORE.value, _SEEDS.value)
    searches, rules, references = (
        user_path(_SEARCHES.value),
        rejoin_paths(_RULES.value),
        rejoin_paths(_REFERENCES.value),
    )
    numbers = stored_or_measured(
        path, _DRAW_ONLY.value, lambda: measure(rules, references, *sizes, _MARGIN.value, searches)
    )
    with drawing(path, _DRAW_ONLY.value):
        text = table(numbers)
        draw(numbers, path.with_name(f"{path.name}.png"))
    print(text)


PROGRAM = Program(
    "Attack rules by fresh searches for levels on which they fail.",
    "--rules before=paper-groove,archive=runs/RUN --to docs/images/second_attack",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
