"""Results of several rules made by hand, for leaderboards."""

import numpy as np

from groove.evaluation.progression.anchors import Anchor, Anchors
from groove.evaluation.results import Results
from tests._helpers.cells import line

TASKS = ("bsuite/Catch", "classic/CartPole", "classic/Acrobot")


def store(folder, rule, task, *meta_seeds, budget="laptop"):
    """Store final returns f[agents] of each meta-seed of a rule, after a first point of zeros."""
    for i, returns in enumerate(meta_seeds):
        values = np.stack([np.zeros(len(returns)), np.asarray(returns, float)], axis=1)[None]
        Results(folder).append(
            task.partition("/")[0],
            line(
                f"{rule} {task} {i}",
                seeds=range(len(returns)),
                rule=rule,
                returns=values,
                task=task,
                budget=budget,
                rule_identity=f"{rule} {i}",
            ),
        )


def three_tasks(folder):
    """Store random play, A2C, and a rule of two meta-seeds on three tasks of two suites; random is 0 everywhere."""
    for task in TASKS:
        store(folder, "random", task, [0.0, 0.0])
        store(folder, "a2c", task, [4.0, 6.0])
    store(folder, "mine", TASKS[0], [2.0, 4.0], [5.0, 5.0])  # 0.3 and 0.5
    store(folder, "mine", TASKS[1], [8.0, 8.0], [9.0, 9.0])  # 0.8 and 0.9
    store(folder, "mine", TASKS[2], [14.0, 14.0], [18.0, 18.0])  # 1.4 and 1.8
    return folder


def anchors(best=10.0):
    """Return anchors that give the three tasks the same best return."""
    return Anchors([Anchor(task, best, "exact", "by hand") for task in TASKS])
