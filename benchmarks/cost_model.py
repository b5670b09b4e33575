"""What does a meta-step cost at another size, or on more devices?

python benchmarks/cost_model.py --json cost_model.json
"""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import numpy as np
from _common import MetaTrainer, StepSizes, gru_flop, json_flag, meta_step_config, seconds_of, valid
from scipy.optimize import nnls

from groove.cli._main import FlagSet, Program, run_program
from groove.training.settings.config import Config
from groove.utils import parallel
from groove.utils.errors import GrooveError
from groove.utils.typed_fields import replace_all

_FLAGS = FlagSet()
_CURRICULUM = _FLAGS.string("curriculum", "ar", "Curriculum of all meta-steps, as docs/curricula.md lists them.")
_REPEATS = _FLAGS.integer("repeats", 2, "Timed lifetimes of each size; the best one counts.", least=1)
_BANDWIDTH = _FLAGS.number(
    "bandwidth", 25.0, "Bandwidth between devices in GB/s, for the devices that are not here.", least=1e-3
)
_LATENCY = _FLAGS.number("latency", 10.0, "Time of one message between devices, in microseconds.", least=0)
_JSON = json_flag(_FLAGS)

Terms = Callable[["Size"], Mapping[str, float]]  # size -> {name of the term: quantity}

INPUTS = 6  # of the rule, for each transition
PREDICTED_DEVICES = (1, 8, 64, 1024)


@dataclass(frozen=True)
class Size:
    """The sizes on which the cost of a meta-step depends.

    Attributes:
      N: slots of all devices.
      W: environment workers of a slot.
      T: steps of a rollout.
      K: updates of a meta-step.
      H: width of the rule's GRU.
      D: devices.
    """

    N: int = 64
    W: int = 16
    T: int = 20
    K: int = 5
    H: int = 64
    D: int = 1

    @property
    def label(self) -> str:
        """Name the size."""
        return " ".join(f"{name}={value}" for name, value in vars(self).items())

    @property
    def weights(self) -> int:
        """Count the weights of the rule's GRU, which are nearly all of the rule."""
        return 3 * self.H * (self.H + INPUTS)


MICRO_BATCH = 8  # slots differentiated at once on one device, at all sizes
PAPER_SHARE = Size(N=8, W=64, H=256)  # what one of 64 devices has of a meta-step of the paper

FITTED = (
    Size(),
    Size(N=16),
    Size(N=16, W=64),
    Size(T=10),
    Size(N=32, T=40),
    Size(K=2),
    Size(N=32, K=10),
    Size(H=16),
    Size(H=128),
    Size(N=16, H=256),
    Size(N=8, W=64, K=2, H=256),
    Size(D=2),
    Size(N=32, W=64, H=128, D=2),
    Size(N=16, H=256, D=2),
    Size(N=32, W=32, H=128),
    Size(N=128, W=8, T=10, K=3, H=32, D=2),
    Size(N=8, W=64, H=256),
)
HELD_OUT = (
    Size(N=24, W=32, T=15, K=4, H=96),
    Size(N=64, W=32, T=30, K=3, H=48, D=2),
    Size(N=16, W=24, T=12, K=8, H=192),
)


def second_terms(size: Size, sharing: int | None = None) -> dict[str, float]:
    """Return the quantities that the seconds of a meta-step are a sum of, each times a fitted price.

    Args:
      size: of the meta-step.
      sharing: devices that share one memory, and wait for each other's accesses to hidden values; all of them by
        default, as the devices of one CPU do.
    """
    slots = size.N / size.D
    transitions = slots * size.W * size.T * size.K
    waiting = (size.D if sharing is None else sharing) - 1
    return {
        "meta-step": 1.0,
        "sequential step": size.T * size.K,
        "transition": slots * size.W * size.T * (size.K + 1),
        "hidden value": transitions * size.H,
        "hidden value of another device": transitions * size.H * waiting,
        "update of a slot": slots * size.K,  # of which a constant share ends a lifetime, which is then evaluated
        "core FLOP": gru_flop(transitions, size.H, INPUTS),
        "slot of all devices": size.N,
    }


def byte_terms(size: Size) -> dict[str, float]:
    """Return the quantities that the bytes of a meta-step on one device are a sum of, each times a fitted price."""
    slots = size.N / size.D
    differentiated = min(MICRO_BATCH, slots) * size.W * size.T
    return {
        "meta-step": 1.0,
        "slot": slots,
        "worker": slots * size.W,
        "transition": slots * size.W * size.T,
        "differentiated transition": differentiated * size.K,
        "differentiated hidden value": differentiated * size.H,
        "kept hidden value": differentiated * size.K * size.H,
        "weight of the rule": size.weights,
    }


def fit(terms: Terms, sizes: Sequence[Size], costs: Sequence[float]) -> dict[str, float]:
    """Fit non-negative prices by least squares of the relative errors.

    Args:
      terms: size -> {name of the term: quantity}.
      sizes: the sizes that were measured.
      costs: their costs, positive.

    Returns:
      The price of one unit of each term.
    """
    rows = [terms(size) for size in sizes]
    quantities = np.array([list(row.values()) for row in rows]) / np.asarray(costs)[:, None]
    scale = quantities.max(axis=0)  # FLOP are a billion times as many as slots
    prices, _ = nnls(quantities / scale, np.ones(len(rows)))
    return dict(zip(rows[0], (prices / scale).tolist()))


def predict(terms: Terms, prices: Mapping[str, float], size: Size) -> dict[str, float]:
    """Return the predicted cost of a size, term by term."""
    return {name: prices[name] * quantity for name, quantity in terms(size).items()}


def all_reduce_seconds(devices: int, values: float, bandwidth: float, latency: float) -> float:
    """Return the seconds in which a ring of devices averages f32 values (Patarasu and Yuan, 2009).

    Args:
      devices: in the ring.
      values: f32 values on each device.
      bandwidth: bytes per second between neighbours.
      latency: seconds of one message.
    """
    return 2 * (devices - 1) * (latency + 4 * values / devices / bandwidth)


def measure(config: Config, repeats: int) -> dict[str, float]:
    """Compile a meta-step, and return its seconds and the bytes that its program needs on one device.

    The seconds are those of a mean meta-step of one lifetime, within which every slot is evaluated once.
    """
    steps = config.run.log_every
    trainer = MetaTrainer(config)
    compiled = trainer.trainer.lower(trainer.state).compile()
    memory = compiled.memory_analysis()
    if memory is None:
        raise GrooveError("this backend does not say how much memory a program needs: run the benchmark on another.")
    state, _ = compiled(trainer.state, np.int32(steps))

    def call() -> Any:
        nonlocal state
        state, metrics = compiled(state, np.int32(steps))
        return metrics

    return {
        "seconds": min(seconds_of(call) / steps for _ in range(repeats)),
        "bytes": memory.argument_size_in_bytes + memory.temp_size_in_bytes + memory.generated_code_size_in_bytes,
    }


def config_of(size: Size, curriculum: str) -> Config:
    """Return the configuration of a size, in which the meta-steps of one lifetime are one call."""
    sizes = StepSizes(size.N, size.W, size.H, micro_batch=MICRO_BATCH, steps=1, repeats=1)
    config = meta_step_config(curriculum, sizes, size.D)
    steps = math.ceil(config.levels.max_lifetime / size.K)
    calls = {"run.log_every": steps, "run.checkpoint_every": steps}
    return valid(replace_all(config, {"slots.steps": size.T, "gradient.updates": size.K, **calls}))


def growing(devices: int, prices: Mapping[str, float], bandwidth: float, latency: float) -> dict[str, float]:
    """Predict the seconds of a meta-step in which every device has the paper's share of slots, term by term.

    Each device has a memory of its own.
    """
    size = replace(PAPER_SHARE, N=PAPER_SHARE.N * devices, D=devices)
    reduced = all_reduce_seconds(devices, size.weights, bandwidth, latency)
    return predict(partial(second_terms, sharing=1), prices, size) | {"mean of the meta-gradients": reduced}


def report(unit: str, terms: Terms, measured: Mapping[Size, float]) -> dict[str, Any]:
    """Fit the prices of one unit of cost, print them with their errors, and return both."""
    prices = fit(terms, FITTED, [measured[size] for size in FITTED])
    errors = {size: sum(predict(terms, prices, size).values()) / cost - 1 for size, cost in measured.items()}
    print(f"\n{unit} of one unit of each term")
    print("\n".join(f"  {name:<30} {price:.3g}" for name, price in prices.items()))
    for name, sizes in (("fitted", FITTED), ("other", HELD_OUT)):
        print(f"errors at the {name} sizes: " + "  ".join(f"{errors[size]:+.0%}" for size in sizes))
    return {"prices": prices, "errors": {size.label: error for size, error in errors.items()}}


def report_devices(prices: Mapping[str, float]) -> dict[int, dict[str, float]]:
    """Print and return the predicted seconds for many devices, term by term."""
    link = (_BANDWIDTH.value * 1e9, _LATENCY.value * 1e-6)
    predicted = {devices: growing(devices, prices, *link) for devices in PREDICTED_DEVICES}
    print(f"\npredicted for {PAPER_SHARE.N} slots on each device, W={PAPER_SHARE.W}, H={PAPER_SHARE.H}")
    alone = sum(predicted[1].values())
    for devices, seconds in predicted.items():
        total = sum(seconds.values())
        parts = ", ".join(f"{name} {part / total:.0%}" for name, part in seconds.items())
        print(f"  {devices:5d} devices {total:8.3f} s, efficiency {alone / total:.0%}: {parts}")
    return predicted


def main() -> None:
    """Measure all sizes, fit the model, and print its errors and its predictions."""
    write = _JSON()
    parallel.request_devices(max(size.D for size in (*FITTED, *HELD_OUT)))
    numbers: dict[str, Any] = {"device": jax.devices()[0].device_kind, "curriculum": _CURRICULUM.value, "sizes": {}}
    measured: dict[Size, dict[str, float]] = {}
    configs = {size: config_of(size, _CURRICULUM.value) for size in (*FITTED, *HELD_OUT)}
    for size, config in configs.items():
        cost = measure(config, _REPEATS.value)
        print(f"{size.label:<36} {cost['seconds']:8.4f} s {cost['bytes'] / 2**20:8.1f} MiB", flush=True)
        measured[size] = numbers["sizes"][size.label] = cost
        write(numbers)
    for unit, terms in (("seconds", second_terms), ("bytes", byte_terms)):
        numbers[unit] = report(unit, terms, {size: cost[unit] for size, cost in measured.items()})
    numbers["devices"] = report_devices(numbers["seconds"]["prices"])
    write(numbers)


PROGRAM = Program(
    "Fit what a meta-step costs to its sizes, and predict it for more devices.",
    "--json cost_model.json",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
