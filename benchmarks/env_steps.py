"""How many environment steps per second does the machine make, with random actions and auto-reset?

    python benchmarks/env_steps.py --levels 512 --steps 1000 --devices 1,2 --json env_steps.json

Every combination of random generator, place of drawing (in bulk before the scan, or step by step inside it) and number
of devices is timed several times. Combinations take turns, so a busy machine slows all of them alike.
"""

import functools
import itertools
import math
import statistics
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from _common import json_flag, take_turns
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from groove.cli._main import FlagSet, Program, run_program
from groove.curriculum.sources.registry import check_source, make_source
from groove.envs.base import EnvFamily
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.types import Array, Key, PyTree
from groove.utils.errors import ConfigError, unknown_name

GENERATORS = ("threefry2x32", "rbg", "unsafe_rbg")
DRAWS = ("bulk", "inside")

_FLAGS = FlagSet()
_ENV = _FLAGS.string("env", "dr", "Source of levels, as docs/curricula.md lists them.")
_LEVELS = _FLAGS.integer("levels", 512, "Levels stepped at once.", least=1)
_WORKERS = _FLAGS.integer("workers", 1, "Environments of each level; a training slot has 64.", least=1)
_STEPS = _FLAGS.integer("steps", 1000, "Environment steps of each environment in one call.", least=1)
_REPEATS = _FLAGS.integer("repeats", 7, "Timed calls of each combination.", least=1)
_GENERATORS = _FLAGS.names("generators", GENERATORS, f"Random generators of jax.random: {', '.join(GENERATORS)}.")
_DRAWS = _FLAGS.names("draws", DRAWS, "Where noise is drawn: before the scan (bulk), in the scan (inside), or both.")
_DEVICES = _FLAGS.names("devices", ["1", "2"], "Numbers of devices that share the levels; each divides --levels.")
_JSON = json_flag(_FLAGS)


class Size(NamedTuple):
    """The size of one call."""

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
    """Walk all levels of one device, and return a checksum, f32[1]."""
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
    """Compile one setting, and return the call to time; its arguments already lie on the devices."""
    mesh = Mesh(jax.devices()[: setting.devices], ("slots",), axis_types=(AxisType.Auto,))
    spec = P("slots")
    body = functools.partial(_walk, family, size, setting.draw == "bulk")
    walk = jax.jit(jax.shard_map(body, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False))
    levels = jax.vmap(family.sample_level)(jax.random.split(jax.random.key(0), size.levels))
    keys = jax.random.split(jax.random.key(1, impl=setting.generator), setting.devices)
    arguments = jax.device_put((levels, keys), NamedSharding(mesh, spec))
    jax.block_until_ready(walk(*arguments))
    return lambda: walk(*arguments)


def table(size: Size, seconds: dict[Setting, list[float]]) -> list[dict[str, Any]]:
    """Return one row per setting, with its best and median environment steps per second."""
    total = math.prod(size)
    return [
        setting._asdict() | {"best": total / min(times), "median": total / statistics.median(times)}
        for setting, times in seconds.items()
    ]


def settings_of_flags() -> list[Setting]:
    """Return every combination that the flags name.

    Raises:
      ConfigError: on an unknown name, or a number of devices that does not divide the levels.
    """
    for kind, names, valid in (("generator", _GENERATORS.value, GENERATORS), ("draw", _DRAWS.value, DRAWS)):
        for name in names:
            if name not in valid:
                raise unknown_name(kind, name, valid)
    for word in _DEVICES.value:
        if not word.isdecimal() or int(word) < 1 or _LEVELS.value % int(word):
            raise ConfigError(
                f"--devices: {word} does not divide --levels = {_LEVELS.value}; give divisors, as in 1,2."
            )
    devices = [int(word) for word in _DEVICES.value]
    settings = [Setting(*values) for values in itertools.product(_GENERATORS.value, _DRAWS.value, devices)]
    if not settings:
        raise ConfigError("--generators, --draws and --devices need at least one name each.")
    return settings


def main() -> None:
    """Time every combination, print the table, and write it if asked."""
    write, settings = _JSON(), settings_of_flags()
    check_source(_ENV.value)
    wanted = max(setting.devices for setting in settings)
    jax.config.update("jax_num_cpu_devices", wanted)
    if wanted > len(jax.devices()):
        raise ConfigError(f"--devices: this machine has {len(jax.devices())} devices; {wanted} were asked for.")
    family = make_source(_ENV.value, LevelDistribution(), GridSizes(), jax.random.key(0))
    size = Size(_LEVELS.value, _WORKERS.value, _STEPS.value)
    walks = {setting: make_walk(family, size, setting) for setting in settings}
    rows = table(size, take_turns(walks, _REPEATS.value))
    print(f"{_ENV.value}: {size}, {_REPEATS.value} repeats, million environment steps a second")
    print(f"{'generator':<14}{'draw':<8}{'devices':>7}{'best':>9}{'median':>9}")
    for row in rows:
        print("{generator:<14}{draw:<8}{devices:>7}".format(**row), end="")
        print(f"{row['best'] / 1e6:>9.2f}{row['median'] / 1e6:>9.2f}")
    write({"env": _ENV.value, **size._asdict(), "rows": rows})


PROGRAM = Program(
    "Measure raw environment steps per second under random actions.",
    "--levels 512 --steps 1000 --devices 1,2",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
