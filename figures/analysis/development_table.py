"""Rules on the suite `development`, level by level normalised, as Markdown.

python figures/analysis/development_table.py
"""

import sys

import numpy as np
from absl import app, flags

from groove.evaluation.release import level_score
from groove.evaluation.results import Results
from groove.evaluation.suites import SUITES

_RESULTS = flags.DEFINE_string("results", "docs/results", "The store of meta-test results.")
_BUDGET = flags.DEFINE_string("budget", "laptop", "Of the results.")


def main(argv: list[str]) -> int:
    """A line for every rule and meta-seed that is stored, random play at 0 and A2C at 1."""
    del argv
    tasks = SUITES["development"].tasks
    rows: dict[str, dict[str, float]] = {}
    for name, task in tasks.items():
        cells = [c for c in Results(_RESULTS.value).cells() if (c.task, c.budget) == (task.path, _BUDGET.value)]
        reference = {cell.rule: cell.final.mean(1) for cell in cells if cell.rule in ("random", "a2c")}
        if len(reference) < 2:
            print(f"groove: {_RESULTS.value} lacks random play or A2C on {task.path}.", file=sys.stderr)
            return 2
        for cell in cells:
            seed = cell.lines[-1]["settings"]["origin"].get("seed")
            label = cell.rule if seed is None else f"{cell.rule}, meta-seed {seed}"
            rows.setdefault(label, {})[name] = level_score(cell.final.mean(1), reference["random"], reference["a2c"])
    print("| rule | " + " | ".join(tasks) + " | mean |\n" + "|---" * (len(tasks) + 2) + "|")
    for label, scores in rows.items():
        mean = f"{np.mean(list(scores.values())):.2f}" if len(scores) == len(tasks) else ""
        print(f"| {label} | " + " | ".join(f"{scores[t]:.2f}" if t in scores else "" for t in tasks) + f" | {mean} |")
    return 0


if __name__ == "__main__":
    app.run(main)
