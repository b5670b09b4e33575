"""How much does each score of the curriculum cost?

    python benchmarks/scores.py --curricula dr,ar,pvl

A name may be followed by settings in brackets, as in paired[paired.generator=autoregressive;paired.hidden=32].

All curricula live in one process and take turns, so a busy machine slows all of them alike. A ratio is the median over
turns of a curriculum's time divided by the time of another curriculum (--beside) in the same turn.
"""

import statistics
import sys
from functools import partial

from _common import MetaTrainer, StepSizes, json_flag, meta_step_config, seconds_of, step_flags, take_turns, valid

from groove.cli._main import FlagSet, Program, run_program
from groove.training.settings.config import Config
from groove.utils import parallel
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import assign

_FLAGS = FlagSet()
_CURRICULA = _FLAGS.names(
    "curricula",
    [
        "dr",
        "ar",
        "pvl",
        "l1",
        "mna",
        "maxmc",
        "learnability",
        "optimal",
        "accel",
        "ncc",
        "colearn",
        "archive",
        "paired",
        "paired[paired.generator=autoregressive]",
    ],
    "Curricula to measure, with settings in brackets if wanted.",
)
_BESIDE = _FLAGS.names("beside", ["dr", "ar"], "Curricula that the ratios are relative to; these are measured, too.")
_SIZES = step_flags(_FLAGS, StepSizes(slots=64, workers=16, hidden=64, micro_batch=8, steps=50, repeats=3))
_JSON = json_flag(_FLAGS)


def config_of(name: str, sizes: StepSizes) -> Config:
    """Return the configuration of a curriculum, which settings in brackets may follow: NAME[PATH=VALUE;...].

    Raises:
      ConfigError: if the configuration is not valid.
    """
    curriculum, _, inside = name.removesuffix("]").partition("[")
    config = meta_step_config(curriculum, sizes)
    for assignment in inside.split(";") if inside else ():
        config = assign(config, assignment)
    return valid(config)


def measure(curricula: list[str], beside: list[str], sizes: StepSizes) -> dict[str, dict[str, float]]:
    """Return curriculum -> seconds of a meta-step, ratios to the curricula `beside`, and seconds of compilation."""
    configs = {name: config_of(name, sizes) for name in curricula}
    trainers = {name: MetaTrainer(config) for name, config in configs.items()}
    compiled = {name: seconds_of(partial(trainer.run, 1)) for name, trainer in trainers.items()}
    calls = {name: partial(trainer.run, sizes.steps) for name, trainer in trainers.items()}
    take_turns(calls, 1)  # warms up
    seconds = {name: [x / sizes.steps for x in times] for name, times in take_turns(calls, sizes.repeats).items()}
    return {
        name: {
            "seconds": min(times),
            **{f"x {base}": ratio(times, seconds[base]) for base in beside},
            "compile": compiled[name],
        }
        for name, times in seconds.items()
    }


def ratio(times: list[float], base: list[float]) -> float:
    """Return the median over turns of the ratio of two curricula's seconds."""
    return statistics.median(a / b for a, b in zip(times, base, strict=True))


def main() -> None:
    """Measure, print a table, and write its numbers if asked."""
    write, beside = _JSON(), _BESIDE.value
    if not _CURRICULA.value:
        raise ConfigError("--curricula is empty: name at least one, as in dr,ar.")
    if not beside:
        raise ConfigError("--beside is empty: name at least one curriculum, as in dr.")
    parallel.request_devices(0)
    numbers = measure(list(dict.fromkeys([*beside, *_CURRICULA.value])), beside, _SIZES())
    width = max(14, *map(len, numbers))
    ratios = [f"x {base}" for base in beside]
    heads = "".join(f" {head:>{max(8, len(head))}}" for head in ratios)
    print(f"{'curriculum':{width}} {'s/meta-step':>12}{heads} {'compile s':>10}")
    for name, row in numbers.items():
        cells = "".join(f" {row[head]:{max(8, len(head))}.2f}" for head in ratios)
        print(f"{name:{width}} {row['seconds']:12.3f}{cells} {row['compile']:10.0f}")
    write(numbers)


PROGRAM = Program(
    "Measure the meta-steps of curricula beside those of domain randomisation and of PLR by algorithmic regret.",
    "--curricula dr,ar,pvl",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
