"""Do the levels that a generator designs have higher regret than random levels?

    python figures/analysis/designed_levels.py --run runs/paired-0 --run runs/paired-1 --to docs/images/designed_levels

The runs are of `paired` or `repaired` with `paired.random_share` above zero, which compares both kinds of levels at the
end of their first lifetimes. Each run is one meta-seed. The program writes a picture and its numbers (.png, .json).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.intervals import of_mean
from figures.pipeline.stored import drawing, stem, stored_or_measured
from figures.pipeline.style import PANEL
from groove.cli._main import FlagSet, Program, run_program
from groove.curriculum.generators.generator import entropy_floor
from groove.training.report.reported_run import ReportedRun, read_runs
from groove.utils.bootstrap import Interval
from groove.utils.errors import ConfigError
from groove.utils.paths import user_path
from groove.utils.plotting import BLUE, GREY, INK, ORANGE, dress, new_figure, save_picture

_FLAGS = FlagSet()
_RUN = _FLAGS.repeated("run", "A run directory of paired or repaired; may be repeated, once for each meta-seed.")
_TO = _FLAGS.string("to", "docs/images/designed_levels", "Path of the picture and its numbers, without suffix.")
_DRAW_ONLY = _FLAGS.boolean("draw_only", False, "Draw from the stored numbers, without reading any run.")

DESIGNED, RANDOM, ENTROPY = "generated_score_mean", "random_score_mean", "generator_entropy"


class Course(NamedTuple):
    """The course of one run.

    Attributes:
      steps: meta-steps at which all three quantities are known.
      designed: mean score of recent first lifetimes on designed levels.
      random: the same on random levels.
      entropy: of the generator, as a share of the largest.
      floor: below which the entropy cannot fall; None if it is not known.
    """

    steps: list[float]
    designed: list[float]
    random: list[float]
    entropy: list[float]
    floor: float | None


def measure(paths: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the course of every run.

    Raises:
      GrooveError: if no run is given, a run cannot be read, or a run did not compare designed levels with random ones.
    """
    if not paths:
        raise ConfigError("--run must name at least one run of paired or repaired.")
    return {run.name: _course(run)._asdict() for run in read_runs([user_path(path, "--run") for path in paths])}


def _course(run: ReportedRun) -> Course:
    columns = {name: dict(zip(*run.columns.get(name, ((), ())), strict=True)) for name in (DESIGNED, RANDOM, ENTROPY)}
    steps = sorted(set.intersection(*map(set, columns.values())))
    if not steps:
        raise ConfigError(
            f"--run = {run.path}: the log has no scores of both designed and random levels; train for longer than a "
            "lifetime with --curriculum paired --set paired.random_share=0.3."
        )
    designed, random, entropy = ([column[step] for step in steps] for column in columns.values())
    factored = run.config.paired.generator == "factored"  # other generators choose among as many cells as are free
    floor = entropy_floor(run.config.paired.max_odds, run.config.paired.bins) if factored else None
    return Course(steps, designed, random, entropy, floor)


def lead(courses: Sequence[Course]) -> Interval[float]:
    """Return the mean of designed minus random levels over the second half of the runs, with Student's interval.

    The interval is over runs; NaN if there is only one.
    """
    later = [slice(len(course.steps) // 2, None) for course in courses]
    leads = [np.subtract(c.designed[part], c.random[part]).mean() for c, part in zip(courses, later, strict=True)]
    return of_mean(leads)


def draw(courses: Sequence[Course], path: Path) -> None:
    """Draw the scores of designed and of random levels, and the generator's entropy, against meta-steps."""
    figure = new_figure(8.4, 3.0, dpi=130)
    left, right = figure.subplots(1, 2)
    for i, course in enumerate(courses):
        left.plot(course.steps, course.designed, color=ORANGE, lw=1.2, label="" if i else "designed levels")
        left.plot(course.steps, course.random, color=BLUE, lw=1.2, label="" if i else "random levels")
        right.plot(course.steps, course.entropy, color=ORANGE, lw=1.2, label="" if i else "generator")
    if courses[0].floor is not None:
        right.axhline(courses[0].floor, color=GREY, lw=1, ls="--", label="floor")
    for axes, title in (
        (left, "mean score of first lifetimes"),
        (right, "entropy of the generator, as a share of the largest"),
    ):
        axes.set_xlabel("meta-steps", fontsize=8, color=INK)
        axes.legend(frameon=False, fontsize=8)
        dress(axes, title, **PANEL)
    right.set_ylim(0, 1.03)
    save_picture(figure, path)


def main() -> None:
    """Read the runs, print the lead of designed levels, and draw."""
    path = stem("to", _TO.value)
    numbers = stored_or_measured(path, _DRAW_ONLY.value, lambda: measure(_RUN.value))
    with drawing(path, _DRAW_ONLY.value):
        courses = [Course(**course) for course in numbers.values()]
        ahead = lead(courses)
        draw(courses, path.with_name(f"{path.name}.png"))
    print(f"designed levels score {ahead.value:+.3f} [{ahead.low:+.3f}, {ahead.high:+.3f}] above random ones")


PROGRAM = Program(
    "Compare the levels that a generator designs with random levels, through the course of runs.",
    "--run runs/paired-0 --run runs/paired-1 --to docs/images/designed_levels",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
