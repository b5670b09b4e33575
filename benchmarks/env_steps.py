"""Raw gridworld stepping: environment steps a second under a uniformly random policy with auto-reset.

    python benchmarks/env_steps.py --levels 512 --steps 1000 --devices 1,2 --json env_steps.json

Every combination of random generator, place of drawing (in bulk before the scan, or step by step inside it)
and number of devices is timed several times, the combinations taken in turn so that a busy machine slows all
of them alike.
"""

import functools
import itertools
import json
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from absl import app, flags
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from groove.curriculum.sources import make_source
from groove.envs.base import EnvFamily
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.types import Array, Key, PyTree

_ENV = flags.DEFINE_string("env", "dr", "Source of levels, as docs/curricula.md lists them.")
_LEVELS = flags.DEFINE_integer("levels", 512, "Levels stepped at once.")
_WORKERS = flags.DEFINE_integer("workers", 1, "Environments of each level; a training slot has 64.")
_STEPS = flags.DEFINE_integer("steps", 1000, "Environment steps of each level in one call.")
_REPEATS = flags.DEFINE_integer("repeats", 7, "Timed calls of each combination.")
_GENERATORS = flags.DEFINE_list("generators", ["threefry2x32", "rbg", "unsafe_rbg"], "jax.random implementations.")
_DRAWS = flags.DEFINE_list("draws", ["bulk", "inside"], "Draw noise before the scan (bulk), in it (inside), or both.")
_DEVICES = flags.DEFINE_list("devices", ["1", "2"], "Numbers of devices to shard the levels over.")
_JSON = flags.DEFINE_string("json", None, "Also write the table to this path.")


class Size(NamedTuple):
    """What one call steps."""

    levels: int
    workers: int
    steps: int


class Setting(NamedTuple):
    """One row of the table."""

    generator: str
    draw: str
    devices: int


def _auto_reset(family: EnvFamily, level: PyTree, state: PyTree, action: Array, noise: PyTree) -> tuple[PyTree, Array]:
    step = family.step(level, state, action, noise)
    fresh, _ = family.reset(level, noise)
    done = step.terminated | step.truncated
    state = jax.tree.map(functools.partial(jnp.where, done), fresh, step.state)
    return state, step.reward + jnp.sum(step.obs)  # the sum keeps the observation from being optimised away


def _draw(family: EnvFamily, key: Key, shape: tuple[int, ...]) -> tuple[Array, PyTree]:
    action_key, noise_key = jax.random.split(key)
    action = jax.random.bits(action_key, shape, jnp.uint16).astype(jnp.int32) * family.num_actions >> 16
    return action, family.noise(noise_key, shape)


def _walk(family: EnvFamily, size: Size, bulk: bool, levels: PyTree, keys: Key) -> Array:
    """Walks all levels of one device; returns a checksum, f32 [1]."""
    shape = (jax.tree.leaves(levels)[0].shape[0], size.workers)
    first, rest = jax.random.split(keys[0])
    reset = jax.vmap(jax.vmap(family.reset, (None, 0)))
    advance = jax.vmap(jax.vmap(functools.partial(_auto_reset, family), (None, 0, 0, 0)))

    def body(state: PyTree, xs: Any) -> tuple[PyTree, Array]:
        state, reward = advance(levels, state, *(xs if bulk else _draw(family, xs, shape)))
        return state, jnp.sum(reward)

    state, _ = reset(levels, family.noise(first, shape))
    xs = _draw(family, rest, (size.steps, *shape)) if bulk else jax.random.split(rest, size.steps)
    return jnp.sum(jax.lax.scan(body, state, xs)[1])[None]


def make_walk(family: EnvFamily, size: Size, setting: Setting) -> Callable[[], Array]:
    """Compiles one setting and returns the call to be timed; its arguments already lie on the devices."""
    mesh = Mesh(jax.devices()[: setting.devices], ("slots",), axis_types=(AxisType.Auto,))
    spec = P("slots")
    body = functools.partial(_walk, family, size, setting.draw == "bulk")
    walk = jax.jit(jax.shard_map(body, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False))
    levels = jax.vmap(family.sample_level)(jax.random.split(jax.random.key(0), size.levels))
    keys = jax.random.split(jax.random.key(1, impl=setting.generator), setting.devices)
    arguments = jax.device_put((levels, keys), NamedSharding(mesh, spec))
    jax.block_until_ready(walk(*arguments))
    return lambda: jax.block_until_ready(walk(*arguments))


def measure(walks: dict[Setting, Callable[[], Array]], repeats: int) -> dict[Setting, list[float]]:
    """Wall-clock seconds of each setting's calls, all settings in turn at every repeat."""
    seconds: dict[Setting, list[float]] = {setting: [] for setting in walks}
    for _, (setting, walk) in itertools.product(range(repeats), walks.items()):
        start = time.perf_counter()
        walk()
        seconds[setting].append(time.perf_counter() - start)
    return seconds


def table(size: Size, seconds: dict[Setting, list[float]]) -> list[dict[str, Any]]:
    """One row a setting, with its best and median environment steps a second."""
    total = math.prod(size)
    return [
        setting._asdict() | {"best": total / min(times), "median": total / statistics.median(times)}
        for setting, times in seconds.items()
    ]


def main(argv: list[str]) -> None:
    """Times every combination that the flags name and prints the table."""
    del argv
    devices = [int(count) for count in _DEVICES.value]
    jax.config.update("jax_num_cpu_devices", max(devices))
    family = make_source(_ENV.value, LevelDistribution(), GridSizes(), jax.random.key(0))
    size = Size(_LEVELS.value, _WORKERS.value, _STEPS.value)
    settings = [Setting(*s) for s in itertools.product(_GENERATORS.value, _DRAWS.value, devices)]
    walks = {setting: make_walk(family, size, setting) for setting in settings}
    rows = table(size, measure(walks, _REPEATS.value))
    print(f"{_ENV.value}: {size}, {_REPEATS.value} repeats, million environment steps a second")
    print(f"{'generator':<14}{'draw':<8}{'devices':>7}{'best':>9}{'median':>9}")
    for row in rows:
        print("{generator:<14}{draw:<8}{devices:>7}".format(**row), end="")
        print(f"{row['best'] / 1e6:>9.2f}{row['median'] / 1e6:>9.2f}")
    if _JSON.value:
        Path(_JSON.value).write_text(json.dumps({"env": _ENV.value, **size._asdict(), "rows": rows}, indent=2))


if __name__ == "__main__":
    app.run(main)
