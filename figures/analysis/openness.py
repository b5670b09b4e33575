"""Are the curricula of some runs open-ended?

    python figures/analysis/openness.py --run runs/A --run runs/B --to docs/images/openness

An observer predicts the antagonist's return and the regret of levels from their features. The program measures how fast
its error grows on later levels (novelty) and falls with a longer history (learnability; Hughes et al. 2024). It writes
a picture, a table and their numbers (.png, .md, .json).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.stored import drawing, stem, stored_or_measured
from groove.cli._main import FlagSet, Program, run_program
from groove.evaluation.openness.openness import Openness
from groove.evaluation.openness.plots import draw_openness
from groove.evaluation.openness.report import interval_text, run_openness
from groove.utils.bootstrap import Interval
from groove.utils.errors import ConfigError
from groove.utils.io import to_json
from groove.utils.paths import user_path

_FLAGS = FlagSet()
_RUN = _FLAGS.repeated("run", "A run directory whose record of levels is read; may be repeated.")
_TO = _FLAGS.string("to", "docs/images/openness", "Path of the picture, the table and the numbers, without suffix.")
_DRAW_ONLY = _FLAGS.boolean("draw_only", False, "Draw from the stored numbers, without reading any run.")

Numbers = dict[str, dict[str, dict[str, Any]]]  # run -> kind of outcome -> number -> value


def measure(runs: Sequence[str]) -> Numbers:
    """Return the numbers of every run.

    Raises:
      GrooveError: if no run is given, two have one name, or a run has no record that is long enough.
    """
    paths = [user_path(run, "--run") for run in runs]
    names = [path.absolute().name for path in paths]
    if not paths or len(set(names)) < len(names):
        raise ConfigError("--run must name at least one run, and no two of one name.")
    return {
        name: {kind: to_json(vars(each)) for kind, each in run_openness(path).items()}
        for name, path in zip(names, paths, strict=True)
    }


def restored(numbers: Numbers) -> dict[str, dict[str, Openness]]:
    """Return the openness that stored numbers describe."""
    return {run: {kind: _restored(**each) for kind, each in kinds.items()} for run, kinds in numbers.items()}


def _restored(
    levels: int, ends: list[int], error: list[list[float]], novelty: list[float], learnability: list[float]
) -> Openness:
    known = np.array(error, np.float64)  # None becomes NaN
    return Openness(levels, np.array(ends), known, Interval(*novelty), Interval(*learnability))


def table(runs: dict[str, dict[str, Openness]]) -> str:
    """Return a Markdown table, one line for each run and kind of outcome."""
    lines = ["| run | outcome | levels | novelty | learnability | verdict |", "|---|---|---|---|---|---|"]
    for run, kinds in runs.items():
        for kind, each in kinds.items():
            numbers = f"{interval_text(each.novelty)} | {interval_text(each.learnability)}"
            lines.append(f"| {run} | {kind} | {each.levels} | {numbers} | {each.verdict} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and draw."""
    path = stem("to", _TO.value)
    numbers = stored_or_measured(path, _DRAW_ONLY.value, lambda: measure(_RUN.value))
    with drawing(path, _DRAW_ONLY.value):
        runs = restored(numbers)
        text = table(runs)
        draw_openness(runs, path.with_name(f"{path.name}.png"))
    path.with_name(f"{path.name}.md").write_text(text)
    print(text)


PROGRAM = Program(
    "Measure whether the curricula of runs are open-ended: novel and learnable to an observer.",
    "--run runs/A --run runs/B --to docs/images/openness",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
