"""What does each score cost? python benchmarks/scores.py prints every score's meta-step beside that of dr.

All programs live in one process and take turns, so that a slow minute of the machine is everybody's; a ratio is the
median over turns of that with the turn's first.
"""

import json
import statistics
import time
from pathlib import Path
from typing import Any

from absl import app, flags, logging

from groove.training.config import Config
from groove.training.presets import preset
from groove.utils import parallel
from groove.utils.typed_fields import replace_all

_CURRICULA = flags.DEFINE_list("curricula", ["dr", "ar", "pvl", "l1", "maxmc", "learnability", "optimal"], "Which.")
_SLOTS = flags.DEFINE_integer("slots", 64, "N.")
_WORKERS = flags.DEFINE_integer("workers", 16, "W.")
_HIDDEN = flags.DEFINE_integer("hidden", 64, "H, width of the GRU.")
_MICRO_BATCH = flags.DEFINE_integer("micro_batch", 8, "Slots differentiated at once on one device.")
_STEPS = flags.DEFINE_integer("steps", 50, "Meta-steps of a call: a lifetime, so that as many slots end in every call.")
_REPEATS = flags.DEFINE_integer("repeats", 3, "Timed calls of each.")
_JSON = flags.DEFINE_string("json", None, "Also write the numbers here.")


def config_of(curriculum: str) -> Config:
    """The laptop configuration at the sizes of the flags; lifetimes of 250 updates."""
    values = {
        "curriculum": curriculum,
        "slots.count": _SLOTS.value,
        "slots.workers": _WORKERS.value,
        "slots.stagger": min(8, _SLOTS.value),
        "rules.lpg.hidden": _HIDDEN.value,
        "gradient.micro_batch": _MICRO_BATCH.value,
        "run.log_every": _STEPS.value,
        "slots.episodes": 64,
        "devices": parallel.usable_devices(_SLOTS.value),
    }
    return replace_all(preset("laptop"), values)


def measure() -> dict[str, dict[str, float]]:
    """{curriculum: seconds a meta-step, its ratio to the first one's, seconds to compile}."""
    import jax

    from groove.training.build import build

    programs: dict[str, Any] = {}
    compiled: dict[str, float] = {}
    for name in _CURRICULA.value:
        trainer = build(config_of(name)).trainer
        state = trainer.init(jax.random.key(0))
        begin = time.perf_counter()
        state, metrics = trainer.run(state, 1)
        jax.block_until_ready(metrics)
        compiled[name] = time.perf_counter() - begin
        programs[name] = (trainer, state)
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for repeat in range(_REPEATS.value + 1):  # the first call warms up
        for name, (trainer, state) in programs.items():
            begin = time.perf_counter()
            state, metrics = trainer.run(state, _STEPS.value)
            jax.block_until_ready(metrics)
            if repeat:
                seconds[name].append((time.perf_counter() - begin) / _STEPS.value)
            programs[name] = (trainer, state)
    base = seconds[_CURRICULA.value[0]]
    ratios = {name: [a / b for a, b in zip(times, base, strict=True)] for name, times in seconds.items()}
    return {
        name: {"seconds": min(times), "ratio": statistics.median(ratios[name]), "compile": compiled[name]}
        for name, times in seconds.items()
    }


def main(argv: list[str]) -> None:
    """Measures and prints a table."""
    del argv
    logging.set_verbosity(logging.ERROR)
    parallel.request_devices(0)
    numbers = measure()
    print(f"{'curriculum':14} {'s/meta-step':>12} {'x ' + _CURRICULA.value[0]:>8} {'compile s':>10}")
    for name, row in numbers.items():
        print(f"{name:14} {row['seconds']:12.3f} {row['ratio']:8.2f} {row['compile']:10.0f}")
    if _JSON.value:
        Path(_JSON.value).write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
