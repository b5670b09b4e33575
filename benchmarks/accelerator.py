"""How fast is meta-training on an accelerator, and how fast could it be?

python benchmarks/accelerator.py --json accelerator.json
"""

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
from _common import MetaTrainer, json_flag, matmul_peak, seconds_of, valid
from meta_step import core_flop

from groove.cli._main import FlagSet, Program, run_program
from groove.training.settings.config import Config
from groove.training.settings.presets import preset
from groove.utils import parallel
from groove.utils.errors import ConfigError
from groove.utils.jax_flags import matmul_precision, standard_flags
from groove.utils.typed_fields import replace_all

_CALL = 10  # meta-steps of one call in the check of learning

_FLAGS = FlagSet()
_CONFIG = _FLAGS.choice("config", "paper", ["paper", "laptop", "smoke"], "Preset of the meta-step that is timed.")
_MINUTES = _FLAGS.number("minutes", 8.0, "Time after which no further measurement begins.", least=0)
_STEPS = _FLAGS.integer("steps", 50, "Meta-steps of one timed call; 50 are one lifetime.", least=1)
_REPEATS = _FLAGS.integer("repeats", 3, "Timed calls of each meta-step; the best one counts.", least=1)
_SIDE = _FLAGS.integer("side", 8192, "Rows of the square matrices whose product gives the peak.", least=16)
_LEARNING = _FLAGS.integer(
    "learning",
    60,
    "Meta-steps of the laptop preset in the check that all precisions learn alike, in tens.",
    least=_CALL,
)
_SEEDS = _FLAGS.integer("seeds", 3, "Meta-seeds of each precision in that check.", least=1)
_JSON = json_flag(_FLAGS)

PAPER_STEPS = 5000  # meta-steps of a run of the paper
_TIMED_CURRICULA = ("ar", "dr")


def precisions() -> tuple[str, ...]:
    """Return the precisions that this backend has."""
    return ("f32", "tf32", "bf16") if jax.default_backend() == "gpu" else ("f32", "bf16")


def meta_step(config: Config, steps: int, repeats: int, side: int) -> dict[str, Any]:
    """Compile and time a meta-step, and compare it with the peak of matrix multiplication at its precision."""
    with matmul_precision(config.precision):
        peak = matmul_peak(side=side)
        trainer = MetaTrainer(config)
        first = seconds_of(partial(trainer.run, steps))
        best = min(seconds_of(partial(trainer.run, steps)) / steps for _ in range(repeats))
    slots = config.slots
    env_steps = slots.count * slots.workers * slots.steps * (config.gradient.updates + 1)
    return {
        "curriculum": config.curriculum,
        "precision": config.precision,
        "seconds": best,
        "compile seconds": first - steps * best,
        "env steps/s": env_steps / best,
        "core TFLOP/s": core_flop(config) / best / 1e12,
        "peak TFLOP/s": peak / 1e12,
        "share of peak": core_flop(config) / best / peak,
        "minutes for 5,000": best * PAPER_STEPS / 60,
        "peak memory GiB": _peak_memory() / 2**30,
    }


def learning(config: Config, seeds: int, steps: int) -> dict[str, Any]:
    """Meta-train, and return the students' mean return over the last third of the meta-steps for each meta-seed."""
    returns = []
    for seed in range(seeds):
        with matmul_precision(config.precision):
            trainer = MetaTrainer(config, seed)
            chunks = [jax.device_get(trainer.run(config.run.log_every)) for _ in range(steps // config.run.log_every)]
        late = chunks[-max(len(chunks) // 3, 1) :]
        total, episodes = (sum(c[name].sum() for c in late) for name in ("student_return_sum", "student_episodes"))
        returns.append(float(total / episodes))
    return {"precision": config.precision, "student return, by meta-seed": returns}


def _peak_memory() -> int:
    """Return the peak memory of the first device, in bytes; 0 where the backend does not say."""
    return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def measurements() -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Yield what is to be measured, most valuable first: the name of a table and the measurement of one row."""
    base = replace_all(preset(_CONFIG.value), {"devices": 1, "run.log_every": _STEPS.value})
    for curriculum in _TIMED_CURRICULA:
        for precision in precisions():
            config = valid(replace_all(base, {"curriculum": curriculum, "precision": precision}))
            yield "meta-step", partial(meta_step, config, _STEPS.value, _REPEATS.value, _SIDE.value)
    for precision in precisions():
        values = {"precision": precision, "devices": 1, "run.log_every": _CALL}
        yield "learning", partial(learning, valid(replace_all(preset("laptop"), values)), _SEEDS.value, _LEARNING.value)


@standard_flags()
def main() -> None:
    """Measure until the time is over; every row is printed and written at once."""
    if _LEARNING.value % _CALL:
        raise ConfigError(f"--learning = {_LEARNING.value} must be a multiple of {_CALL}.")
    write, begin = _JSON(), time.monotonic()
    parallel.request_devices(1)
    device = jax.devices()[0]
    numbers: dict[str, Any] = {"device": device.device_kind, "jax": jax.__version__, "config": _CONFIG.value}
    print(", ".join(map(str, numbers.values())))
    left_out = 0
    for table, measure in measurements():
        if time.monotonic() - begin > 60 * _MINUTES.value:
            left_out += 1
            continue
        row = measure()
        numbers.setdefault(table, []).append(row)
        print("  ".join(f"{name} {_text(value)}" for name, value in row.items()), flush=True)
        write(numbers)
    if left_out:
        print(f"{left_out} measurements were left out after {_MINUTES.value:g} minutes: give more --minutes.")


PROGRAM = Program(
    "Time meta-steps of the paper's size on one accelerator, at several precisions.",
    "--minutes 8 --json accelerator.json",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
