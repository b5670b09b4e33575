"""How fast is a meta-step?

python benchmarks/meta_step.py --curriculum dr --slots 8 --workers 64 --hidden 256
"""

import os
import resource
import statistics
import sys
from functools import partial
from typing import Any

from _common import (
    MetaTrainer,
    StepSizes,
    gru_flop,
    json_flag,
    matmul_peak,
    meta_step_config,
    seconds_of,
    step_flags,
    valid,
)

from groove.cli._main import FlagSet, Program, run_program
from groove.training.settings.config import Config
from groove.utils import parallel
from groove.utils.typed_fields import replace_all

_FLAGS = FlagSet()
_CURRICULUM = _FLAGS.string("curriculum", "dr", "Curriculum, as docs/curricula.md lists them.")
_BASE = _FLAGS.choice("base", "none", ["none", "a2c", "ppo"], "Base of the learned rule, rules.lpg.base.")
_REUSE = _FLAGS.integer("reuse", 1, "E and M of the base ppo: epochs, and minibatches per epoch.", least=1)
_SIZES = step_flags(_FLAGS, StepSizes(slots=8, workers=64, hidden=256, micro_batch=1, steps=5, repeats=6))
_DEVICES = _FLAGS.integer("devices", 0, "Local devices; 0 for one per core, as far as they divide the slots.", least=0)
_JSON = json_flag(_FLAGS)


def core_flop(config: Config) -> float:
    """Return the FLOP of the recurrent core in one meta-step."""
    slots, rule = config.slots, config.rules["lpg"]
    transitions = slots.count * slots.workers * slots.steps * config.gradient.updates
    inputs = 6 + (6 if rule.sees_values else 0) + (2 if rule.lifetime_conditioning else 0)
    return gru_flop(transitions, rule.hidden, inputs)


def _memory_mib() -> float:
    """Return the peak memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(config: Config, sizes: StepSizes) -> dict[str, Any]:
    """Compile the meta-steps, time calls of several meta-steps, and return the numbers."""
    trainer = MetaTrainer(config)
    memory_before = _memory_mib()
    first = seconds_of(partial(trainer.run, 1))
    seconds = [seconds_of(partial(trainer.run, sizes.steps)) / sizes.steps for _ in range(sizes.repeats)]
    best, peak = min(seconds), matmul_peak()
    slots = config.slots
    env_steps = slots.count * slots.workers * slots.steps * (config.gradient.updates + 1)
    return {
        "curriculum": config.curriculum,
        "base": config.rules["lpg"].base,
        "slots": slots.count,
        "workers": slots.workers,
        "hidden": sizes.hidden,
        "devices": config.devices,
        "cores": os.cpu_count(),
        "seconds_best": best,
        "seconds_median": statistics.median_high(seconds),
        "env_steps_per_second": env_steps / best,
        "core_gflops": core_flop(config) / best / 1e9,
        "matmul_peak_gflops": peak / 1e9,
        "share_of_peak": core_flop(config) / best / peak,
        "compile_seconds": first - best,
        "peak_memory_mib": _memory_mib(),
        "memory_before_compiling_mib": memory_before,
    }


def main() -> None:
    """Measure, print the numbers, and write them if asked."""
    write, sizes = _JSON(), _SIZES()
    parallel.request_devices(_DEVICES.value)
    rule = {"rules.lpg.base": _BASE.value}
    if _BASE.value == "ppo":
        rule |= {"rules.lpg.epochs": _REUSE.value, "rules.lpg.minibatches": _REUSE.value}
    numbers = measure(valid(replace_all(meta_step_config(_CURRICULUM.value, sizes, _DEVICES.value), rule)), sizes)
    for name, value in numbers.items():
        print(f"{name:<28} {value:,.3g}" if isinstance(value, float) else f"{name:<28} {value}")
    write(numbers)


PROGRAM = Program(
    "Measure the speed and the memory of a meta-step.",
    "--curriculum ar --slots 8 --workers 64 --hidden 256",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
