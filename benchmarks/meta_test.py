"""How fast do agents train in a meta-test? python benchmarks/meta_test.py

Breakout-MinAtar, two layers of 64, 64 workers, one agent a device, under A2C and under LPG with a GRU of 256, taking
turns; beside them the environment alone under random actions and, for LPG, the least that its core costs.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from absl import app, flags, logging
from machine import matmul_peak

from groove.utils import parallel

_TASK = flags.DEFINE_string("task", "minatar/Breakout", "A task that runs on devices.")
_HIDDEN = flags.DEFINE_integer("hidden", 256, "H, width of the GRU.")
_WORKERS = flags.DEFINE_integer("workers", 64, "W.")
_AGENTS = flags.DEFINE_integer("agents", 0, "Side by side; 0 for one a device.")
_UPDATES = flags.DEFINE_integer("updates", 40, "Agent updates of a call.")
_REPEATS = flags.DEFINE_integer("repeats", 5, "Timed calls of each.")
_JSON = flags.DEFINE_string("json", None, "Also write the numbers here.")


def measure() -> dict[str, float]:
    """Environment steps a second of training, of all agents together, and what bounds them."""
    import jax
    import jax.numpy as jnp
    from jax.sharding import PartitionSpec

    from groove.agents.agent import make_agent
    from groove.evaluation.suites import find_tasks
    from groove.lifetimes import lifetime
    from groove.lpg.a2c import A2CConfig, make_a2c
    from groove.lpg.lpg import make_lpg
    from groove.lpg.network import LPGConfig
    from groove.lpg.random import make_random

    (task,) = find_tasks([_TASK.value])
    assert task.make is not None
    env, steps, mesh = task.make(), 20, parallel.make_mesh(jax.local_device_count())
    agents = _AGENTS.value or mesh.size
    rules = {
        "a2c": make_a2c(A2CConfig(), 0.99),
        "lpg": make_lpg(LPGConfig(hidden=_HIDDEN.value)),
        "environment": make_random(),
    }
    levels = jax.vmap(env.sample_level)(jax.random.split(jax.random.key(0), agents))
    keys = jax.random.split(jax.random.key(1), agents)
    calls: dict[str, Callable[[], Any]] = {}
    found: dict[str, float] = {}
    for name, rule in rules.items():
        agent = make_agent(env.observation, rule.heads(env.num_actions), task.agent)
        eta = rule.init(jax.random.key(2))

        def train(eta: Any, levels: Any, keys: Any, rule: Any = rule, agent: Any = agent) -> Any:
            length = jnp.int32(_UPDATES.value)
            lives = jax.vmap(lambda lv, k: lifetime.begin(env, agent, lv, length, k, _WORKERS.value))(levels, keys)
            return lifetime.live(env, agent, rule, eta, lives, levels, steps, _UPDATES.value)[1].return_sum

        slots, everywhere = PartitionSpec(parallel.SLOTS), PartitionSpec()
        program = jax.jit(parallel.over_slots(mesh, train, (everywhere, slots, slots), slots))
        arguments = (eta, *parallel.shard(mesh, (levels, keys), slots))
        begin = time.perf_counter()
        compiled = program.lower(*arguments).compile()
        found[f"{name}: compile seconds"] = time.perf_counter() - begin
        calls[name] = partial(compiled, *arguments)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for repeat in range(_REPEATS.value + 1):  # the first call warms up
        for name, call in calls.items():
            begin = time.perf_counter()
            jax.block_until_ready(call())
            if repeat:
                seconds[name].append(time.perf_counter() - begin)
    total = agents * _WORKERS.value * steps * _UPDATES.value
    for name, times in seconds.items():
        found[f"{name}: steps/s, best"] = total / min(times)
        found[f"{name}: steps/s, median"] = total / sorted(times)[len(times) // 2]
    ratios = sorted(a / b for a, b in zip(seconds["a2c"], seconds["lpg"], strict=True))
    found["lpg: share of A2C's speed, median of turns"] = ratios[len(ratios) // 2]
    core = 2 * 3 * _HIDDEN.value * (_HIDDEN.value + 6)  # FLOP of a transition, forwards: there is no meta-gradient
    peak = matmul_peak()
    found["matmul peak, GFLOP/s"] = peak / 1e9
    found["lpg: least share, A2C plus core at the peak"] = 1 / (1 + core / peak * total / min(seconds["a2c"]))
    return found


def main(argv: list[str]) -> None:
    """Prints the table and, if asked, writes the JSON."""
    del argv
    logging.set_verbosity(logging.ERROR)
    parallel.request_devices(0)
    result = measure()
    for name, value in result.items():
        print(f"{name:<48} {value:,.3g}" if value < 1000 else f"{name:<48} {value:,.0f}")
    if _JSON.value:
        Path(_JSON.value).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
