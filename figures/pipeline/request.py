"""The request behind a figure: its scale, its folders, and the flags that set them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from figures.pipeline.stored import folder
from groove.cli._executor import executor_flags
from groove.cli._main import FlagSet
from groove.sweep.executor import Executor
from groove.utils.limits import MOST_SEEDS


@dataclass(frozen=True)
class Scale:
    """The amount of computation that a figure spends.

    Attributes:
      name: name of the scale and of the budget of its meta-tests.
      preset: preset of its meta-trainings.
      meta_seeds: meta-trainings of each method.
      agents: agents of each rule on each level.
      fewer_agents: the same, in figures that compare many methods.
      shorter: settings, FIELD=VALUE, of the meta-trainings in figures that compare many methods.
    """

    name: str
    preset: str
    meta_seeds: int
    agents: int
    fewer_agents: int
    shorter: tuple[str, ...] = ()


SCALES = {
    "smoke": Scale("smoke", "smoke", meta_seeds=1, agents=2, fewer_agents=1),
    "laptop": Scale("laptop", "release", meta_seeds=3, agents=5, fewer_agents=2, shorter=("run.steps=300",)),
    "paper": Scale("paper", "paper", meta_seeds=10, agents=16, fewer_agents=10),
}


@dataclass(frozen=True)
class Request:
    """A user's request for figures.

    Attributes:
      scale: the amount of computation.
      runs: folder of the meta-training runs.
      results: folder of the meta-test results.
      pictures: folder of the pictures.
      executor: starts the trainings and tests.
      jobs: trainings that run side by side.
      dry_run: whether to print the missing work instead of doing it.
      draw_only: whether to draw from the stored results alone.
    """

    scale: Scale
    runs: Path
    results: Path
    pictures: Path
    executor: Callable[[], Executor]
    jobs: int
    dry_run: bool
    draw_only: bool


def request_flags(flags: FlagSet) -> Callable[[], Request]:
    """Define the flags that every figure has, and return the function that reads them."""
    scale = flags.choice("scale", "laptop", list(SCALES), "Amount of computation: sizes of trainings and tests.")
    usual = ", ".join(f"{each.meta_seeds} at {name} scale" for name, each in SCALES.items())
    meaning = f"Meta-trainings of each method; if not given, {usual}."
    seeds = flags.integer("seeds", None, meaning, least=1, most=MOST_SEEDS)
    runs = flags.string("runs", "runs/figures", "Folder of the meta-training runs; finished runs are not repeated.")
    results = flags.string("results", "docs/results", "Folder of the meta-test results; stored results count as done.")
    to = flags.string("to", "docs/figures", "Folder of the pictures (PNG and PDF) and their numbers (JSON).")
    executor, jobs = executor_flags(flags)
    dry_run = flags.boolean("dry_run", False, "Print the missing steps and their minutes, and do nothing.")
    draw_only = flags.boolean("draw_only", False, "Draw from the stored results, without any training or test.")

    def read() -> Request:
        spent = SCALES[scale.value]
        return Request(
            scale=replace(spent, meta_seeds=seeds.value or spent.meta_seeds),
            runs=folder("runs", runs.value),
            results=folder("results", results.value),
            pictures=folder("to", to.value),
            executor=executor,
            jobs=jobs.value,
            dry_run=dry_run.value,
            draw_only=draw_only.value,
        )

    return read
