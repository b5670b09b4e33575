"""Flags, configurations and timing that the benchmarks share."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from groove.cli._main import FlagSet
from groove.training.build import build
from groove.training.settings.config import Config
from groove.training.settings.presets import preset
from groove.training.settings.validate import validate
from groove.utils import parallel
from groove.utils.errors import ConfigError
from groove.utils.io import write_json
from groove.utils.typed_fields import replace_all

K = TypeVar("K")


def json_flag(flags: FlagSet) -> Callable[[], Callable[[Any], None]]:
    """Define --json, and return a function that checks its value and returns the function that writes the numbers."""
    holder = flags.string("json", None, "File that receives the numbers as JSON; by default they are only printed.")

    def writer() -> Callable[[Any], None]:
        path = Path(holder.value or ".")
        if holder.value and (path.is_dir() or not path.parent.is_dir()):
            raise ConfigError(f"--json = {path} cannot be written: give the name of a file in an existing folder.")
        return lambda numbers: write_json(path, numbers) if holder.value else None

    return writer


@dataclass(frozen=True)
class StepSizes:
    """The sizes of a meta-step.

    Attributes:
      slots: N, slots.
      workers: W, environment workers of each slot.
      hidden: H, width of the rule's GRU.
      micro_batch: slots differentiated at once on one device.
      steps: meta-steps of one timed call.
      repeats: timed calls.
    """

    slots: int
    workers: int
    hidden: int
    micro_batch: int
    steps: int
    repeats: int


def step_flags(flags: FlagSet, defaults: StepSizes) -> Callable[[], StepSizes]:
    """Define the flags of the sizes of a meta-step, and return the function that reads them."""
    helps = {
        "slots": "N, slots.",
        "workers": "W, environment workers of each slot.",
        "hidden": "H, width of the rule's GRU.",
        "micro_batch": "Slots differentiated at once on one device.",
        "steps": "Meta-steps of one timed call; 50 are one lifetime, in which every slot ends once.",
        "repeats": "Timed calls.",
    }
    holders = {name: flags.integer(name, getattr(defaults, name), help, least=1) for name, help in helps.items()}
    return lambda: StepSizes(**{name: holder.value for name, holder in holders.items()})


def meta_step_config(curriculum: str, sizes: StepSizes, devices: int = 0) -> Config:
    """Return the laptop configuration at other sizes, with lifetimes of 250 updates, as in the paper's code.

    Args:
      curriculum: name of the curriculum.
      sizes: the sizes.
      devices: local devices; 0 for as many as divide the slots.

    Raises:
      ConfigError: if the configuration is not valid.
    """
    values = {
        "curriculum": curriculum,
        "slots.count": sizes.slots,
        "slots.workers": sizes.workers,
        "slots.stagger": min(8, sizes.slots),
        "rules.lpg.hidden": sizes.hidden,
        "gradient.micro_batch": sizes.micro_batch,
        "run.log_every": sizes.steps,
        "validation.every": 0,
        "slots.episodes": 64,
        "devices": devices or parallel.usable_devices(sizes.slots),
    }
    return valid(replace_all(preset("laptop"), values))


def valid(config: Config) -> Config:
    """Return the configuration.

    Raises:
      ConfigError: if it is not valid.
    """
    validate(config)
    return config


class MetaTrainer:
    """The compiled meta-steps of a configuration, and their state."""

    def __init__(self, config: Config, seed: int = 0) -> None:
        """Build the trainer and its first state."""
        self.trainer = build(config).trainer
        self.state = self.trainer.init(jax.random.key(seed))

    def run(self, steps: int) -> Any:
        """Run meta-steps, or generations of ES, and return their metrics."""
        self.state, metrics = self.trainer.run(self.state, steps)
        return metrics


def gru_flop(transitions: float, hidden: int, inputs: int) -> float:
    """Return the FLOP of a GRU in a forward pass and a backward pass of twice its cost: 3 * 6 H (H + inputs) each."""
    return 3.0 * transitions * 6 * hidden * (hidden + inputs)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the wall-clock seconds of one call, including the wait for its result, and the result."""
    begin = time.perf_counter()
    result = jax.block_until_ready(call())
    return time.perf_counter() - begin, result


def seconds_of(call: Callable[[], Any]) -> float:
    """Return the wall-clock seconds of one call, including the wait for its result."""
    return timed(call)[0]


def take_turns(calls: Mapping[K, Callable[[], Any]], repeats: int) -> dict[K, list[float]]:
    """Return the seconds of `repeats` calls each; calls take turns, so a busy machine slows all of them alike."""
    seconds: dict[K, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            seconds[name].append(seconds_of(call))
    return seconds


def matmul_peak(repeats: int = 20, side: int = 2048) -> float:
    """Return the machine's best FLOP/s in a product of square matrices of f32, at the precision of the context."""
    a = jnp.ones((side, side))
    multiply = jax.jit(lambda x: x @ x)
    seconds_of(lambda: multiply(a))
    return 2 * side**3 / min(seconds_of(lambda: multiply(a)) for _ in range(repeats))
