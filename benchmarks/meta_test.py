"""How fast do agents train in a meta-test?

    python benchmarks/meta_test.py

By default: Breakout-MinAtar, two layers of 64, 64 workers, one agent per device. A2C, LPG with a GRU of 256, and the
environment alone under random actions take turns. The last number is a bound for LPG: the cost of A2C plus the cost of
LPG's recurrent core at the machine's best speed. `--base ppo --core none` times a rule that sets the controls of PPO
beside PPO. `--beside groove,dpo,"disco103=disco_103.npz[uses=1]"` times other rules, too.
"""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from _common import json_flag, matmul_peak, take_turns, timed
from jax.sharding import Mesh, PartitionSpec

from groove.agents.agent import make_agent
from groove.cli._main import FlagSet, Program, run_program
from groove.dropin.find import NamedRule, find_rules
from groove.envs.base import EnvFamily
from groove.evaluation.suites.base import Task
from groove.evaluation.suites.registry import find_tasks
from groove.lifetimes import lifetime
from groove.lpg.base import UpdateRule
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.random import make_random
from groove.lpg.registry import RULES, make_rule
from groove.utils import parallel
from groove.utils.errors import ConfigError

_ENVIRONMENT = "environment"  # random actions, no learning
STEPS = 20  # T, environment steps of a worker in one rollout

_FLAGS = FlagSet()
_TASK = _FLAGS.string("task", "minatar/Breakout", "A task that runs on devices, as docs/meta_test.md lists them.")
_BASE = _FLAGS.choice(
    "base", "none", ["none", "a2c", "ppo"], "Base of the learned rule; with ppo, PPO is timed beside it, else A2C."
)
_CORE = _FLAGS.choice(
    "core", "gru", ["gru", "none"], "Core of the learned rule; with none, the rule sets the controls of its base only."
)
_BESIDE = _FLAGS.names("beside", [], "Other rules to time, separated by commas, as meta-test names them.")
_HIDDEN = _FLAGS.integer("hidden", 256, "H, width of LPG's GRU.", least=1)
_WORKERS = _FLAGS.integer("workers", 64, "W, environment workers of each agent.", least=1)
_AGENTS = _FLAGS.integer("agents", 0, "Agents side by side, a multiple of the devices; 0 for one per device.", least=0)
_UPDATES = _FLAGS.integer("updates", 40, "Agent updates of one timed call.", least=1)
_REPEATS = _FLAGS.integer("repeats", 5, "Timed calls of each rule.", least=1)
_JSON = json_flag(_FLAGS)


class Sizes(NamedTuple):
    """The sizes of one timed call."""

    agents: int
    workers: int
    updates: int

    @property
    def env_steps(self) -> int:
        """Environment steps of all agents together."""
        return self.agents * self.workers * STEPS * self.updates


def find_task(path: str) -> Task:
    """Return one task that runs on devices.

    Raises:
      ConfigError: if there is no such task, or if it runs on the host.
    """
    tasks = find_tasks([path])
    if len(tasks) != 1 or tasks[0].make is None:
        raise ConfigError(f"--task = {path}: give one task that runs on devices, as in minatar/Breakout.")
    return tasks[0]


def train(
    env: EnvFamily, task: Task, rule: UpdateRule, eta: Any, sizes: Sizes, mesh: Mesh
) -> tuple[float, Callable[[], Any]]:
    """Compile the training of fresh agents under a rule.

    Args:
      env: environments of the task.
      task: the task, which decides the agents' networks.
      rule: the rule.
      eta: its parameters.
      sizes: the sizes.
      mesh: the devices.

    Returns:
      Seconds of compilation, and the compiled call.
    """
    levels = jax.vmap(env.sample_level)(jax.random.split(jax.random.key(0), sizes.agents))
    keys = jax.random.split(jax.random.key(1), sizes.agents)
    agent = make_agent(env.observation, rule.heads(env.num_actions), rule.adapt_agent(task.agent))

    def returns(eta: Any, levels: Any, keys: Any) -> Any:
        length = jnp.int32(sizes.updates)
        lives = jax.vmap(lambda lv, k: lifetime.begin(env, agent, rule, lv, length, k, sizes.workers, STEPS))(
            levels, keys
        )
        return lifetime.live(env, agent, rule, eta, lives, levels, STEPS, sizes.updates)[1].return_sum

    slots, everywhere = PartitionSpec(parallel.SLOTS), PartitionSpec()
    program = jax.jit(parallel.over_slots(mesh, returns, (everywhere, slots, slots), slots))
    arguments = (eta, *parallel.shard(mesh, (levels, keys), slots))
    seconds, compiled = timed(lambda: program.lower(*arguments).compile())
    return seconds, partial(compiled, *arguments)


def speeds(seconds: Mapping[str, list[float]], env_steps: int) -> dict[str, float]:
    """Return the environment steps per second of each rule, and LPG's share of the hand-written rule's speed."""
    numbers: dict[str, float] = {}
    for name, times in seconds.items():
        numbers[f"{name}: steps/s, best"] = env_steps / min(times)
        numbers[f"{name}: steps/s, median"] = env_steps / statistics.median_high(times)
    reference = next(iter(seconds))
    ratios = [a / b for a, b in zip(seconds[reference], seconds["lpg"], strict=True)]
    numbers[f"lpg: share of {reference.upper()}'s speed, median of turns"] = statistics.median_high(ratios)
    for name in [name for name in seconds if name not in (reference, "lpg", _ENVIRONMENT)]:
        costs = [a / b for a, b in zip(seconds[name], seconds["lpg"], strict=True)]
        numbers[f"{name}: times lpg's seconds, median of turns"] = statistics.median_high(costs)
    return numbers


def bound(config: LPGConfig, seconds: float, env_steps: int) -> dict[str, float]:
    """Return the machine's best speed, and LPG's share of the reference's speed if its core ran at this speed.

    Args:
      config: of LPG.
      seconds: the best time of the hand-written rule.
      env_steps: environment steps in that time.
    """
    inputs = 12 if config.sees_values else 6
    # FLOP of a transition; meta-tests need no meta-gradient, so forward alone
    core = 2 * 3 * config.hidden * (config.hidden + inputs)
    peak = matmul_peak()
    share = 1 / (1 + core / peak * env_steps / seconds)
    return {"matmul peak, GFLOP/s": peak / 1e9, "lpg: least share, core at the peak": share}


def measure(
    task: Task, config: LPGConfig, beside: Sequence[NamedRule], sizes: Sizes, repeats: int, mesh: Mesh
) -> dict[str, float]:
    """Compile all rules, time their calls in turn, and return the numbers by their printed names."""
    reference = "ppo" if config.base == "ppo" else "a2c"
    assert task.make is not None
    env = task.make()
    plain = {
        reference: make_rule(reference, RULES[reference].config_type(), config.discount),
        "lpg": make_lpg(config),
        _ENVIRONMENT: make_random(),
    }
    rules = {name: (rule, rule.init(jax.random.key(2))) for name, rule in plain.items()}
    for named in beside:
        rules[f"{named.name} as released" if named.name in rules else named.name] = (named.rule, named.eta)
    compiled = {name: train(env, task, rule, eta, sizes, mesh) for name, (rule, eta) in rules.items()}
    calls = {name: call for name, (_, call) in compiled.items()}
    take_turns(calls, 1)  # warms up
    seconds = take_turns(calls, repeats)
    compilation = {f"{name}: compile seconds": spent for name, (spent, _) in compiled.items()}
    numbers = {**compilation, **speeds(seconds, sizes.env_steps)}
    if config.core == "none":
        return numbers
    return {**numbers, **bound(config, min(seconds[reference]), sizes.env_steps)}


def main() -> None:
    """Measure, print the numbers, and write them if asked."""
    write, task = _JSON(), find_task(_TASK.value)
    parallel.request_devices(0)
    beside = find_rules(_BESIDE.value) if _BESIDE.value else []
    mesh = parallel.make_mesh(jax.local_device_count())
    agents = _AGENTS.value or mesh.size
    if agents % mesh.size:
        raise ConfigError(f"--agents = {agents} cannot be shared equally by {mesh.size} devices; give a multiple.")
    sizes = Sizes(agents, _WORKERS.value, _UPDATES.value)
    only_controls = _CORE.value == "none"
    if only_controls and _BASE.value == "none":
        raise ConfigError("--core = none needs a base whose controls the rule sets: choose --base ppo or a2c.")
    config = LPGConfig(hidden=_HIDDEN.value, base=_BASE.value, core=_CORE.value, controls=only_controls)
    numbers = measure(task, config, beside, sizes, _REPEATS.value, mesh)
    for name, value in numbers.items():
        print(f"{name:<48} {value:,.3g}" if value < 1000 else f"{name:<48} {value:,.0f}")
    write(numbers)


PROGRAM = Program(
    "Measure the speed of training in meta-tests under A2C or PPO and under LPG.",
    "--task minatar/Breakout --hidden 256",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
