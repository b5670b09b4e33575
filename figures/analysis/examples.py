"""The learning curves of the examples, under a learned rule and under A2C.

    python figures/analysis/examples.py --to docs/images/examples

Every run is a process of its own. The program writes a picture and its numbers (.png, .json).
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.stored import drawing, stem, stored_or_measured
from figures.pipeline.style import PANEL
from groove.cli._main import FlagSet, Program, run_program
from groove.dropin.rule_file import find_rule_file
from groove.utils.errors import ConfigError, GrooveError
from groove.utils.plotting import BLUE, GREY, INK, dress, new_figure, save_picture
from groove.utils.text import quantity

_FLAGS = FlagSet()
_RULE = _FLAGS.string("rule", "groove", "The learned rule: a released rule, a run directory or a rule file.")
_SEEDS = _FLAGS.integer("seeds", 2, "Runs of each example under each rule.", least=1, most=10**4)
_UPDATES = _FLAGS.integer("updates", 2500, "Length of each run, in agent updates.", least=1, most=10**7)
_PYTHON = _FLAGS.string("python", sys.executable, "Python interpreter whose packages the examples use.")
_TO = _FLAGS.string("to", "docs/images/examples", "Path of the picture and its numbers, without suffix.")
_DRAW_ONLY = _FLAGS.boolean("draw_only", False, "Draw from the stored numbers, without running the examples.")

EXAMPLES = Path(__file__).parents[2] / "examples"

Curves = dict[str, dict[str, list[Any]]]  # example -> rule -> per run, rows of (environment steps, mean return)


def measure(rule: str, seeds: int, updates: int, python: str) -> Curves:
    """Run every example under a learned rule and under A2C.

    Args:
      rule: the learned rule.
      seeds: runs of each.
      updates: length of each run, in agent updates.
      python: the interpreter.

    Raises:
      GrooveError: if the rule or the interpreter does not exist, or if an example fails.
    """
    find_rule_file(rule)
    if shutil.which(python) is None:
        raise ConfigError(f"--python = {python} is no program; give the path of a Python interpreter.")
    curves: Curves = {}
    for example in sorted(file.name for file in EXAMPLES.glob("*.py")):
        curves[example] = {}
        for name in (rule, "a2c"):
            options = ["--rule", name, "--updates", str(updates)]
            curves[example][name] = [run(python, example, [*options, "--seed", str(seed)]) for seed in range(seeds)]
    return curves


def run(python: str, example: str, options: list[str]) -> list[tuple[int, float]]:
    """Run one example and return (environment steps, mean return) of each row that it prints.

    Raises:
      GrooveError: if the example fails.
    """
    print(f"{example} {' '.join(options)}", flush=True)
    command = [python, str(EXAMPLES / example), *options]
    ran = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if ran.returncode:
        raise GrooveError(f"{example} failed with exit code {ran.returncode}; its message is above.")
    rows = [line.replace(",", "").split() for line in ran.stdout.splitlines()]
    return [(int(row[0]), float(row[3])) for row in rows]


def draw(curves: Curves, path: Path) -> None:
    """Draw one panel per example and one line per run."""
    figure = new_figure(3.4 * len(curves), 2.9, dpi=130)
    grid = figure.subplots(1, len(curves), sharey=True)
    for axes, (example, by_rule) in zip(grid, curves.items(), strict=True):
        draw_panel(axes, by_rule)
        dress(axes, example, **PANEL)
    figure.supylabel("mean return, last 200 episodes or so", fontsize=8, color=INK)
    save_picture(figure, path)


def draw_panel(axes: Axes, by_rule: dict[str, list[Any]]) -> None:
    """Draw the runs of one example."""
    for rule, runs in by_rule.items():
        colour = GREY if rule == "a2c" else BLUE
        for i, rows in enumerate(runs):
            axes.plot(*zip(*rows, strict=True), "o-", color=colour, ms=3, lw=1.4, label="" if i else rule)
    axes.set_xlabel("environment steps", fontsize=8, color=INK)
    axes.xaxis.set_major_formatter(lambda x, _: quantity(x) if x else "0")
    axes.legend(frameon=False, fontsize=8)


def main() -> None:
    """Run the examples and draw them."""
    path = stem("to", _TO.value)
    flags = (_RULE.value, _SEEDS.value, _UPDATES.value, _PYTHON.value)
    numbers = stored_or_measured(path, _DRAW_ONLY.value, lambda: measure(*flags))
    with drawing(path, _DRAW_ONLY.value):
        draw(numbers, path.with_name(f"{path.name}.png"))


PROGRAM = Program(
    "Draw the learning curves of the examples under a learned rule and under A2C.",
    "--rule groove --to docs/images/examples",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
