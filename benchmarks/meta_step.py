"""How fast is a meta-step? python benchmarks/meta_step.py --curriculum dr --slots 8 --workers 64 --hidden 256."""

import json
import os
import resource
import time
from pathlib import Path
from typing import Any

from absl import app, flags, logging
from machine import matmul_peak

from groove.training.config import Config
from groove.training.presets import preset
from groove.utils import parallel
from groove.utils.typed_fields import replace_all

_CURRICULUM = flags.DEFINE_string("curriculum", "dr", "dr or ar.")
_SLOTS = flags.DEFINE_integer("slots", 8, "N.")
_WORKERS = flags.DEFINE_integer("workers", 64, "W.")
_HIDDEN = flags.DEFINE_integer("hidden", 256, "H, width of the GRU.")
_MICRO_BATCH = flags.DEFINE_integer("micro_batch", 1, "Slots differentiated at once on one device.")
_DEVICES = flags.DEFINE_integer("devices", 0, "Devices; 0 for one a core.")
_REPEATS = flags.DEFINE_integer("repeats", 6, "Timed calls.")
_STEPS = flags.DEFINE_integer("steps", 5, "Meta-steps of a call.")
_JSON = flags.DEFINE_string("json", None, "Also write the numbers here.")


def config_of_flags() -> Config:
    """The laptop configuration at the sizes of the flags; lifetimes of 250 updates, as in the paper's code."""
    values = {
        "curriculum": _CURRICULUM.value,
        "slots.count": _SLOTS.value,
        "slots.workers": _WORKERS.value,
        "slots.stagger": min(8, _SLOTS.value),
        "rules.lpg.hidden": _HIDDEN.value,
        "gradient.micro_batch": _MICRO_BATCH.value,
        "run.log_every": _STEPS.value,
        "slots.episodes": 64,
        "devices": _DEVICES.value or parallel.usable_devices(_SLOTS.value),
    }
    return replace_all(preset("laptop"), values)


def core_flop(config: Config) -> float:
    """FLOP of the recurrent core in one meta-step, forwards and backwards: 3 * 6 H (H + inputs) a transition."""
    slots, hidden = config.slots, config.rules["lpg"].hidden
    transitions = slots.count * slots.workers * slots.steps * config.gradient.updates
    inputs = 8 if config.rules["lpg"].lifetime_conditioning else 6
    return 3.0 * transitions * 6 * hidden * (hidden + inputs)


def measure() -> dict[str, Any]:
    """Builds, compiles, warms up, and times calls of several meta-steps."""
    import jax

    from groove.training.build import build

    config = config_of_flags()
    trainer = build(config).trainer
    state = trainer.init(jax.random.key(0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    state, metrics = trainer.run(state, 1)
    jax.block_until_ready(metrics)
    first = time.perf_counter() - begin
    seconds = []
    for _ in range(_REPEATS.value):
        begin = time.perf_counter()
        state, metrics = trainer.run(state, _STEPS.value)
        jax.block_until_ready(metrics)
        seconds.append((time.perf_counter() - begin) / _STEPS.value)
    best, median, peak = min(seconds), sorted(seconds)[len(seconds) // 2], matmul_peak()
    slots = config.slots
    steps = slots.count * slots.workers * slots.steps * (config.gradient.updates + 1)
    return {
        "curriculum": config.curriculum,
        "slots": slots.count,
        "workers": slots.workers,
        "hidden": config.rules["lpg"].hidden,
        "devices": config.devices,
        "cores": os.cpu_count(),
        "seconds_best": best,
        "seconds_median": median,
        "env_steps_per_second": steps / best,
        "core_gflops": core_flop(config) / best / 1e9,
        "matmul_peak_gflops": peak / 1e9,
        "share_of_peak": core_flop(config) / best / peak,
        "compile_seconds": first - best,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "memory_before_compiling_mib": before / 1024,
    }


def main(argv: list[str]) -> None:
    """Prints the table and, if asked, writes the JSON."""
    del argv
    logging.set_verbosity(logging.ERROR)
    parallel.request_devices(_DEVICES.value)
    result = measure()
    for name, value in result.items():
        print(f"{name:<28} {value:,.3g}" if isinstance(value, float) else f"{name:<28} {value}")
    if _JSON.value:
        Path(_JSON.value).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
