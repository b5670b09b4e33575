"""Draws what the examples print: python figures/analysis/examples.py --to docs/images/examples.

Runs every example with a learned rule and with what it replaces, each in a process of its own, and writes a picture and
the numbers (.png, .json); `--draw_only` redraws the picture.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from absl import app, flags
from matplotlib.figure import Figure

from groove.utils.plotting import BLUE, GREY, INK, save_picture
from groove.utils.text import quantity

_RULE = flags.DEFINE_string("rule", "groove", "A released rule, a run or a rule file.")
_SEEDS = flags.DEFINE_integer("seeds", 2, "Runs of each.")
_UPDATES = flags.DEFINE_integer("updates", 2500, "Of every agent.")
_PYTHON = flags.DEFINE_string("python", sys.executable, "The interpreter whose packages are used.")
_TO = flags.DEFINE_string("to", "docs/images/examples", "What is written, without its suffix.")
_DRAW_ONLY = flags.DEFINE_bool("draw_only", False, "Redraws from the .json that is there.")

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(example: str, rule: str, seed: int) -> list[tuple[int, float]]:
    """(environment steps, mean return) of each row that the example prints."""
    options = ["--rule", rule, "--seed", str(seed), "--updates", str(_UPDATES.value)]
    print(f"{example} {' '.join(options)}", flush=True)
    command = [_PYTHON.value, str(EXAMPLES / example), *options]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = [line.replace(",", "").split() for line in printed.splitlines()]
    return [(int(row[0]), float(row[3])) for row in rows]


def draw(curves: dict[str, dict[str, list[Any]]], path: Path) -> None:
    """One panel an example; a line a seed."""
    figure = Figure(figsize=(3.4 * len(curves), 2.9), dpi=130, layout="constrained")
    for axes, (example, by_rule) in zip(figure.subplots(1, len(curves), sharey=True), curves.items(), strict=True):
        for rule, runs in by_rule.items():
            colour = GREY if rule == "a2c" else BLUE
            for i, rows in enumerate(runs):
                axes.plot(*zip(*rows, strict=True), "o-", color=colour, ms=3, lw=1.4, label="" if i else rule)
        axes.set_title(example, fontsize=9, loc="left", color=INK)
        axes.set_xlabel("environment steps", fontsize=8, color=INK)
        axes.xaxis.set_major_formatter(lambda x, _: quantity(x) if x else "0")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8, colors=INK)
        axes.legend(frameon=False, fontsize=8)
    figure.supylabel("mean return, last 200 episodes or so", fontsize=8, color=INK)
    save_picture(figure, path)


def main(argv: list[str]) -> None:
    """Runs what is asked for and draws it."""
    del argv
    path = Path(_TO.value)
    if _DRAW_ONLY.value:
        curves = json.loads(path.with_suffix(".json").read_text())
    else:
        curves = {
            example: {rule: [run(example, rule, seed) for seed in range(_SEEDS.value)] for rule in (_RULE.value, "a2c")}
            for example in sorted(file.name for file in EXAMPLES.glob("*.py"))
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".json").write_text(json.dumps(curves) + "\n")
    draw(curves, path.with_suffix(".png"))


if __name__ == "__main__":
    app.run(main)
