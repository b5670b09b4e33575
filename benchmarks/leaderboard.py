"""How long does the leaderboard of many rules take, and how much memory?

python benchmarks/leaderboard.py --rules 20 --seeds 10
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _common import json_flag

from groove.cli._main import FlagSet, Program, run_program
from groove.evaluation.progression.anchors import Anchor, save_anchors
from groove.evaluation.results import Results, rounded
from groove.evaluation.suites.base import Task
from groove.evaluation.suites.registry import CHOSEN_ON, SUITES
from groove.utils.errors import ConfigError, GrooveError

_FLAGS = FlagSet()
_RULES = _FLAGS.integer("rules", 20, "Rules, random play included.", least=2, most=1000)
_SEEDS = _FLAGS.integer("seeds", 10, "Agents of each rule on each level, as two meta-seeds with half of them.", least=4)
_JSON = json_flag(_FLAGS)

BUDGET = "laptop"
META_SEEDS = 2


def held_out_tasks() -> list[Task]:
    """Return every task on which rules are compared."""
    return [task for name, suite in SUITES.items() if name != CHOSEN_ON for task in suite.tasks.values()]


def make_results(folder: Path, rules: int, seeds: int) -> None:
    """Store results of random play and of rules that learn, with the levels and points of the budget."""
    rng, results = np.random.default_rng(0), Results(folder)
    for task in held_out_tasks():
        for rule in range(rules):
            for meta_seed in range(META_SEEDS):
                results.append(task.suite, _line(task, rule, meta_seed, seeds // META_SEEDS, rng))


def _line(task: Task, rule: int, meta_seed: int, agents: int, rng: np.random.Generator) -> dict[str, Any]:
    budget = task.budgets[BUDGET]
    points, name = len(budget.at), f"rule {rule}" if rule else "random"
    level = 0.9 * rule / 20 + 0.05 * rng.normal()
    curve = level * np.linspace(0.5, 1, points) if rule else np.zeros(points)
    returns = curve + 0.1 * rng.normal(size=(budget.levels, agents, points))
    return {
        "cell": f"{task.path} {rule} {meta_seed}",
        "task": task.path,
        "budget": BUDGET,
        "rule": name,
        "rule_identity": f"{rule} {meta_seed}",
        "settings": {"origin": {"rule": "lpg", "seed": meta_seed}},
        "seeds": list(range(agents)),
        "updates": list(budget.at),
        "env_steps": [point * budget.rollout for point in budget.at],
        "returns": rounded(returns),
    }


def measure(rules: int, seeds: int) -> dict[str, float]:
    """Return the seconds, the peak memory and the size of the page of the command leaderboard, in its own process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_results(folder / "results", rules, seeds)
        save_anchors(folder / "anchors.json", [Anchor(task.path, 1.0, "exact", "made up") for task in held_out_tasks()])
        words = ["leaderboard", f"--results={folder / 'results'}", f"--anchors={folder / 'anchors.json'}"]
        begin = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "groove", *words, f"--to={folder / 'site'}"])
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        if os.waitstatus_to_exitcode(status):
            raise GrooveError("the command leaderboard failed; its message is above.")
        return {
            "seconds": seconds,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_gigabytes": usage.ru_maxrss * 1024 / 1e9,
            "page_megabytes": (folder / "site" / "index.html").stat().st_size / 1e6,
            "results_megabytes": sum(path.stat().st_size for path in (folder / "results").iterdir()) / 1e6,
        }


def main() -> None:
    """Measure, print the numbers, and write them if asked."""
    write = _JSON()
    if _SEEDS.value % META_SEEDS:
        raise ConfigError(f"--seeds = {_SEEDS.value} must be even: they are divided over {META_SEEDS} meta-seeds.")
    numbers = measure(_RULES.value, _SEEDS.value)
    print(f"{_RULES.value} rules x {len(held_out_tasks())} tasks x {_SEEDS.value} seeds")
    print("\n".join(f"{name:18} {value:8.2f}" for name, value in numbers.items()))
    write(numbers)


PROGRAM = Program("Measure the leaderboard of many rules, tasks and seeds.", "--rules 20 --seeds 10", _FLAGS, main)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
