"""One row of the log from the metrics of several meta-steps."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

_SUMS = (  # metrics that are summed over meta-steps; all others are averaged
    "student_return_sum",
    "student_episodes",
    "antagonist_return_sum",
    "antagonist_episodes",
    "regret_sum",
    "regret_known",
)


def log_row(metrics: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, float]:
    """Return the means of the metrics f32[n] of n meta-steps.

    Three values are no means over meta-steps: returns are means over episodes, regret is the mean over finished
    lifetimes, and `skipped` is the last value, because the metric counts from the start of the run.
    """
    total = {name: float(np.nansum(values)) for name, values in metrics.items()}
    row = {
        name: float(np.mean(values))
        for name, values in metrics.items()
        if name not in _SUMS and not name.startswith("finished")
    }
    if "skipped" in row:
        row["skipped"] = float(metrics["skipped"][-1])
    row["finished"], row["env_steps"] = total["finished"], total["env_steps"]
    row["student_return"] = _ratio(total["student_return_sum"], total["student_episodes"])
    if "antagonist_episodes" in total:
        row["antagonist_return"] = _ratio(total["antagonist_return_sum"], total["antagonist_episodes"])
    if total["regret_known"]:
        row["regret"] = total["regret_sum"] / total["regret_known"]
    return row


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else float("nan")
