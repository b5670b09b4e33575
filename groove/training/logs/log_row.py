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
    lifetimes, and `skipped` is the last value, because the metric counts from the start of the run. Metrics of one
    group of slots, GROUP/NAME, are treated as those of all slots, NAME.
    """
    total = {name: float(np.nansum(values)) for name, values in metrics.items()}
    row = {}
    for name, values in metrics.items():
        own = name.rpartition("/")[2]
        if own not in _SUMS and not own.startswith("finished"):
            row[name] = float(np.mean(values))
    if "skipped" in row:
        row["skipped"] = float(metrics["skipped"][-1])
    row["finished"], row["env_steps"] = total["finished"], total["env_steps"]
    for group in [name.removesuffix("student_return_sum") for name in total if _is_of_episodes(name)]:
        row[f"{group}student_return"] = _ratio(total[f"{group}student_return_sum"], total[f"{group}student_episodes"])
        if f"{group}antagonist_episodes" in total:
            row[f"{group}antagonist_return"] = _ratio(
                total[f"{group}antagonist_return_sum"], total[f"{group}antagonist_episodes"]
            )
        if total[f"{group}regret_known"]:
            row[f"{group}regret"] = total[f"{group}regret_sum"] / total[f"{group}regret_known"]
    return row


def _is_of_episodes(name: str) -> bool:
    return name.rpartition("/")[2] == "student_return_sum"


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else float("nan")
