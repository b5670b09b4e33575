"""Cells of results made by hand."""

import numpy as np

from groove.evaluation.results import Cell


def cell(task, rule, returns, seeds=None, budget="laptop", meta_seed=0, origin="lpg"):
    """Return a cell with returns [levels, seeds] at one point, or [levels, seeds, points]."""
    returns = np.asarray(returns, float)
    if returns.ndim == 2:
        returns = returns[:, :, None]
    points = returns.shape[2]
    return Cell(
        task=task,
        budget=budget,
        rule=rule,
        seeds=tuple(range(returns.shape[1])) if seeds is None else seeds,
        updates=np.arange(1, points + 1),
        env_steps=10 * np.arange(1, points + 1),
        returns=returns,
        lines=({"rule_identity": f"{rule} {meta_seed}", "settings": {"origin": {"rule": origin}}},),
    )


def three_rules(task, rule, low=0.0, high=2.0):
    """Return cells of random play at `low`, of A2C at `high`, and of a rule."""
    return [cell(task, "random", [[low, low]]), cell(task, "a2c", [[high, high]]), cell(task, "mine", rule)]


def line(cell="c", seeds=(0, 1), rule="a2c", returns=None, **changes):
    """Return a line as results store it."""
    values = np.arange(2.0 * len(seeds)).reshape(1, len(seeds), 2) if returns is None else np.asarray(returns, float)
    return {
        "cell": cell,
        "task": "s/t",
        "budget": "smoke",
        "rule": rule,
        "seeds": list(seeds),
        "updates": [1, 2],
        "env_steps": [10, 20],
        "returns": values.tolist(),
        **changes,
    }
