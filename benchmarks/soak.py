"""Does a long run keep its memory and its speed, and does it compile only once?

python benchmarks/soak.py --minutes 120 --json soak.json
"""

import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import psutil
from _common import json_flag

from groove.cli._main import FlagSet, Program, run_program
from groove.training.run import meta_train
from groove.utils import parallel
from groove.utils.errors import ConfigError, GrooveError

_FLAGS = FlagSet()
_CONFIG = _FLAGS.choice("config", "laptop", ["laptop", "smoke", "release", "paper"], "Preset of the run.")
_CURRICULUM = _FLAGS.string("curriculum", "ar", "Curriculum of the run, as docs/curricula.md lists them.")
_DEVICES = _FLAGS.integer("devices", 0, "Devices of the run; 0 for as many as divide its slots.", least=0)
_MINUTES = _FLAGS.number("minutes", 120.0, "Length of the training.", least=0.01)
_EVERY = _FLAGS.number("every", 5.0, "Minutes between two measurements of memory.", least=0.001)
_JSON = json_flag(_FLAGS)

ENDLESS = 10**7  # meta-steps, more than any soak makes
_COMPILATION = "/jax/core/compile/backend_compile_duration"  # JAX's event of one compilation


@dataclass
class Watch:
    """Measurements of this process while something else runs in it.

    Attributes:
      samples: (minutes since the start, memory of the process in MiB, compilations so far), in the order of time.
    """

    samples: list[tuple[float, float, int]]


@contextmanager
def watched(seconds: float) -> Iterator[Watch]:
    """Measure this process every so many seconds, in a thread of its own, and once more at the end."""
    watch, begin, done = Watch([]), time.monotonic(), threading.Event()
    process, compilations = psutil.Process(), []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == _COMPILATION:
            compilations.append(duration_secs)

    def sample() -> None:
        minutes = (time.monotonic() - begin) / 60
        watch.samples.append((minutes, process.memory_info().rss / 2**20, len(compilations)))

    def keep_sampling() -> None:
        while not done.wait(seconds):
            sample()

    thread = threading.Thread(target=keep_sampling, daemon=True)
    jax.monitoring.register_event_duration_secs_listener(listen)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()
        sample()
        jax.monitoring.unregister_event_duration_listener(listen)


def speeds(lines: Sequence[str]) -> tuple[float, float]:
    """Return the median meta-steps per second of the second and of the last quarter of a log's rows.

    Raises:
      GrooveError: if there are less than four rows.
    """
    rows = [json.loads(line) for line in lines]
    speed = [row["meta_steps_per_second"] for row in rows if "meta_steps_per_second" in row]
    if len(speed) < 4:
        raise GrooveError("the run ended before four rows of its log were written: give more --minutes.")
    quarters = np.array_split(np.asarray(speed), 4)
    return float(np.median(quarters[1])), float(np.median(quarters[3]))


def summary(watch: Watch, lines: Sequence[str], minutes: float) -> dict[str, float]:
    """Return what changed between the middle of the training, when all its programs are compiled, and its end.

    Args:
      watch: measurements, which go on while the last pictures are drawn.
      lines: of the log.
      minutes: length of the training.
    """
    training = [sample for sample in watch.samples if sample[0] <= minutes]
    if not training:
        raise GrooveError("nothing was measured during the training: give a smaller --every.")
    middle, end = training[len(training) // 2], training[-1]
    early, late = speeds(lines)
    return {
        "memory in the middle, MiB": middle[1],
        "memory at the end, MiB": end[1],
        "largest memory, MiB": max(memory for _, memory, _ in training),
        "compilations": end[2],
        "compilations in the second half": end[2] - middle[2],
        "meta-steps/s in the second quarter": early,
        "meta-steps/s in the last quarter": late,
    }


def main() -> None:
    """Train, watch the process, and print what changed."""
    write = _JSON()
    if 4 * _EVERY.value > _MINUTES.value:
        raise ConfigError(
            f"--every = {_EVERY.value:g} is too long: at most a quarter of --minutes = {_MINUTES.value:g}."
        )
    parallel.request_devices(_DEVICES.value)
    overrides: dict[str, Any] = {"run.steps": ENDLESS, "run.minutes": _MINUTES.value}
    if _DEVICES.value:
        overrides["devices"] = _DEVICES.value
    with tempfile.TemporaryDirectory() as folder:
        with watched(60 * _EVERY.value) as watch:
            result = meta_train(_CURRICULUM.value, _CONFIG.value, run_dir=Path(folder) / "run", overrides=overrides)
        lines = (result.run_dir / "metrics.jsonl").read_text().splitlines()
    numbers = summary(watch, lines, _MINUTES.value)
    print("minutes  MiB  compilations")
    print("\n".join(f"{minutes:7.1f} {memory:8.1f} {count:5d}" for minutes, memory, count in watch.samples))
    print("\n".join(f"{name:<36} {value:,.4g}" for name, value in numbers.items()))
    write({"config": _CONFIG.value, "curriculum": _CURRICULUM.value, "samples": watch.samples, **numbers})


PROGRAM = Program(
    "Train for hours, and watch the memory, the speed and the compilations of the process.",
    "--minutes 120 --json soak.json",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
