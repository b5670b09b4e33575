"""Does a search for quality and diversity find more failures of a rule than random levels do?

    python figures/analysis/level_search.py --rule groove --to docs/images/level_search

Every method of `groove diagnose --search` evaluates the same number of levels. Elites are measured again with new
agents, and all numbers are about this second measurement. The program writes a picture and its numbers (.png, .json).
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.stored import drawing, stem, stored_or_measured
from figures.pipeline.style import PANEL
from groove.cli._main import FlagSet, Program, run_program
from groove.dropin.find import find_rules
from groove.evaluation.failures.search.elites import Failures
from groove.evaluation.failures.search.run import search_failures
from groove.evaluation.failures.search.search import METHODS
from groove.utils.paths import rejoin_paths, user_path
from groove.utils.plotting import INK, PALETTE, dress, new_figure, save_picture

_FLAGS = FlagSet()
_RULE = _FLAGS.string("rule", "groove", "The rule: a released rule, a run directory or a rule file.")
_REFERENCES = _FLAGS.names("references", ["a2c"], "Rules that the rule should reach, separated by commas.")
_LEVELS = _FLAGS.integer("levels", 2048, "Levels that each search evaluates.", least=1, most=10**6)
_UPDATES = _FLAGS.integer("updates", 100, "Lifetime of every agent, in agent updates.", least=1, most=10**7)
_RESCORE = _FLAGS.integer("rescore", 8, "New agents of each rule on each elite.", least=1, most=10**4)
_SEEDS = _FLAGS.integer("seeds", 3, "Searches by each method.", least=1, most=10**4)
_SEARCHES = _FLAGS.string(
    "searches", "runs/level_search", "Folder of the searches, one folder each; searches that were stopped go on."
)
_TO = _FLAGS.string("to", "docs/images/level_search", "Path of the picture and its numbers, without suffix.")
_DRAW_ONLY = _FLAGS.boolean("draw_only", False, "Draw from the stored numbers, without searching.")

Numbers = dict[str, dict[str, Any]]  # method -> number -> one value or curve per seed


def measure(
    rule: str, references: list[str], levels: int, updates: int, rescore: int, seeds: int, searches: Path
) -> Numbers:
    """Search by every method and return what was found.

    Args:
      rule: the rule.
      references: the rules that it should reach.
      levels: levels that each search evaluates, by one agent of each rule.
      updates: lifetime of agents.
      rescore: new agents on each elite.
      seeds: searches by each method.
      searches: the folder of the searches.

    Raises:
      GrooveError: if a rule is not found.
    """
    find_rules([rule, *references])
    found: dict[str, list[Failures]] = {}
    for method in METHODS:
        found[method] = []
        for seed in range(seeds):
            print(f"{method}, seed {seed}", flush=True)
            found[method] += [
                search_failures(
                    rule,
                    method=method,
                    references=references,
                    levels=levels,
                    seeds=1,
                    rescore=rescore,
                    updates=updates,
                    seed=seed,
                    to=searches / f"{method}-{seed}",
                )
            ]
    return {method: summarised(each, found["random"]) for method, each in found.items()}


def summarised(searches: list[Failures], random: list[Failures]) -> dict[str, Any]:
    """Return the numbers of one method's searches, beside random search with the same seeds."""
    return {
        "cells": [len(each.regret) for each in searches],
        "regret": [float(each.regret.mean()) for each in searches],
        "regret_when_found": [float(each.found.mean()) for each in searches],
        "quality": [float(np.maximum(each.regret, 0.0).sum()) for each in searches],
        "regret_in_common_cells": [in_common(each, other) for each, other in zip(searches, random, strict=True)],
        "evaluated": searches[0].evaluated.tolist(),
        "quality_when_found": [each.quality.tolist() for each in searches],
    }


def in_common(search: Failures, other: Failures) -> float:
    """Return the mean regret of a search's elites in the cells in which another search has elites, too."""
    cells = {tuple(cell) for cell in other.cells.tolist()}
    return float(np.mean(search.regret[[tuple(cell) in cells for cell in search.cells.tolist()]]))


def draw(numbers: Numbers, path: Path) -> None:
    """Draw the mean regret of elites by method, one point per seed, and the course of the searches."""
    figure = new_figure(8.4, 3.0, dpi=130)
    left, right = figure.subplots(1, 2)
    for place, (method, each) in enumerate(numbers.items()):
        colour = PALETTE[place]
        left.plot([place] * len(each["regret"]), each["regret"], "o", color=colour, ms=5)
        left.plot([place - 0.2, place + 0.2], [np.mean(each["regret"])] * 2, color=colour, lw=2)
        for i, curve in enumerate(each["quality_when_found"]):
            right.plot(each["evaluated"], curve, color=colour, lw=1.2, label="" if i else method)
    left.set_xticks(range(len(numbers)), list(numbers))
    left.set_xlim(-0.5, len(numbers) - 0.5)
    left.axhline(0.0, color=INK, lw=0.6)
    dress(left, "mean regret over covered cells, new agents", **PANEL)
    right.set_xlabel("levels evaluated", fontsize=8, color=INK)
    right.set_ylim(bottom=0)
    right.legend(frameon=False, fontsize=8)
    dress(right, "sum of positive regrets, when found", **PANEL)
    save_picture(figure, path)


def main() -> None:
    """Search and draw."""
    path = stem("to", _TO.value)
    sizes = (_LEVELS.value, _UPDATES.value, _RESCORE.value, _SEEDS.value)
    searches = user_path(_SEARCHES.value)
    numbers = stored_or_measured(
        path, _DRAW_ONLY.value, lambda: measure(_RULE.value, rejoin_paths(_REFERENCES.value), *sizes, searches)
    )
    with drawing(path, _DRAW_ONLY.value):
        draw(numbers, path.with_name(f"{path.name}.png"))


PROGRAM = Program(
    "Compare searches for levels on which a rule fails, at equal evaluations.",
    "--rule groove --to docs/images/level_search",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
