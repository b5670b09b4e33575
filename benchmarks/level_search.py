"""How many levels does a search for failures evaluate per second, beside a diagnosis on random levels?

    python benchmarks/level_search.py --rule groove

A level is evaluated by a lifetime of an agent under the rule and one under A2C. Elites are evaluated again by new
agents, which counts. Diagnosis and searches take turns, so a busy machine slows all of them alike; a ratio is the
median over turns. The first turn, which compiles, is left out.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _common import json_flag, take_turns

from groove.cli._main import FlagSet, Program, run_program
from groove.evaluation.failures.diagnose import diagnose
from groove.evaluation.failures.search.run import search_failures
from groove.evaluation.failures.search.search import METHODS

_FLAGS = FlagSet()
_RULE = _FLAGS.string("rule", "groove", "The rule: a released rule, a run directory or a rule file.")
_LEVELS = _FLAGS.integer("levels", 1024, "Levels that a diagnosis or a search evaluates.", least=1, most=10**6)
_UPDATES = _FLAGS.integer("updates", 100, "Lifetime of every agent, in agent updates.", least=1, most=10**7)
_RESCORE = _FLAGS.integer("rescore", 8, "New agents of each rule on each elite.", least=1, most=10**4)
_REPEATS = _FLAGS.integer("repeats", 3, "Timed turns.", least=1)
_JSON = json_flag(_FLAGS)


def measure(rule: str, levels: int, updates: int, rescore: int, repeats: int) -> dict[str, dict[str, float]]:
    """Return diagnosis or method of search -> evaluations, evaluations per second, and the ratio to the diagnosis."""
    evaluations: dict[str, list[int]] = {}

    def diagnosed() -> None:
        diagnose(rule, levels=levels, seeds=1, updates=updates, progress=False)
        evaluations.setdefault("diagnosis", []).append(levels)

    def searched(method: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            failures = search_failures(
                rule,
                method=method,
                levels=levels,
                seeds=1,
                rescore=rescore,
                updates=updates,
                to=Path(folder),
                progress=False,
            )
        evaluations.setdefault(method, []).append(levels + rescore * len(failures.found))

    calls: dict[str, Callable[[], None]] = {
        "diagnosis": diagnosed,
        **{method: partial(searched, method) for method in METHODS},
    }
    seconds = {name: times[1:] for name, times in take_turns(calls, repeats + 1).items()}
    rates = {
        name: [n / s for n, s in zip(evaluations[name][1:], times, strict=True)] for name, times in seconds.items()
    }
    return {
        name: {
            "evaluations": evaluations[name][-1],
            "per_second": max(each),
            "ratio": statistics.median(a / b for a, b in zip(each, rates["diagnosis"], strict=True)),
        }
        for name, each in rates.items()
    }


def main() -> None:
    """Measure, print a table, and write its numbers if asked."""
    write = _JSON()
    numbers = measure(_RULE.value, _LEVELS.value, _UPDATES.value, _RESCORE.value, _REPEATS.value)
    print(f"{'method':10} {'evaluations':>12} {'per second':>11} {'x diagnosis':>12}")
    for name, row in numbers.items():
        print(f"{name:10} {row['evaluations']:12.0f} {row['per_second']:11.1f} {row['ratio']:12.2f}")
    write(numbers)


PROGRAM = Program(
    "Measure the speed of searches for failures beside that of a diagnosis on random levels.",
    "--rule groove",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
