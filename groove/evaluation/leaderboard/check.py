"""The check of a submission: format, provenance, and one line of its results made again."""

import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from groove.evaluation.jobs import Job
from groove.evaluation.leaderboard.cells import RANDOM
from groove.evaluation.leaderboard.submission import Submission, SubmissionError, read_submission
from groove.evaluation.leaderboard.tasks import OVERALL_SUITES
from groove.evaluation.progress import progress_bars
from groove.evaluation.progression.scores import mean_and_error, student_quantile
from groove.evaluation.results import Results
from groove.evaluation.suites.registry import SUITES
from groove.evaluation.tester import MetaTester
from groove.utils import parallel
from groove.utils.bootstrap import Floats
from groove.utils.jax_flags import standard_flags
from groove.utils.limits import MOST_DEVICES
from groove.utils.paths import PathLike, user_path
from groove.utils.provenance import describe_start

LEVEL = 0.99  # coverage of the interval of the difference, so that one honest submission in a hundred is refused
_SAME = {"device": ("platform", "kind", "processor"), "versions": ("jax", "jaxlib")}  # for the same bits


@dataclass(frozen=True)
class Verdict:
    """A submission that passed.

    Attributes:
      rules: names of its rules.
      lines: number of lines of results.
      again: the task and the rule that were trained again.
      agents: number of agents that were trained again.
      to_the_bit: whether the machine is of the same kind, so that every stored digit had to be, and is, the same.
      difference: mean return of the new agents minus that of the stored ones.
      allowed: half the width of the interval of that difference.
      bare: tasks without results of random play in the submission, of suites that the overall score leaves out. A page
        shows them only if another folder has such results.
    """

    rules: tuple[str, ...]
    lines: int
    again: str
    agents: int
    to_the_bit: bool
    difference: float
    allowed: float
    bare: tuple[str, ...] = ()


@standard_flags()
def check_submission(folder: PathLike, seed: int | None = None, *, progress: bool = True) -> Verdict:
    """Check a submission: its format, its provenance, and that one random line of a learned rule can be made again.

    On a machine of the same kind, with the same versions of JAX, every stored digit has to be the same. Elsewhere, the
    mean return has to be within a 99 % interval of the stored one (Welch's, over agents).

    Args:
      folder: the submission.
      seed: chooses the line; None for a line that nobody can foresee.
      progress: show progress.

    Raises:
      GrooveError: if the submission is refused, with one line for each complaint.
    """
    submission = read_submission(user_path(folder, "--check"))
    rng = np.random.default_rng(secrets.randbits(64) if seed is None else seed)
    which = int(rng.choice(submission.checkable))
    job, line = submission.jobs[which], submission.lines[which]
    SUITES[job.task.suite].require_extra()
    devices = int(line["provenance"].get("devices_used", line["provenance"]["device"]["count"]))
    parallel.request_devices(min(devices, MOST_DEVICES))
    parallel.start_backend()
    parallel.keep_compilations()
    SUITES[job.task.suite].require()
    again = _train(job, min(devices, jax.local_device_count()), progress)
    same = _same_machine(line["provenance"], describe_start(), devices)
    stored, new = (np.asarray(each["returns"], np.float64) for each in (line, again))
    name = f"{job.rule.name} on {job.task.path}"
    if same and not np.array_equal(stored, new):
        raise SubmissionError(
            f"{name} is not what this machine computes: {np.mean(stored != new):.0%} of the returns differ, by up to "
            f"{np.abs(stored - new).max():.3g}, although device and versions are the same."
        )
    difference, allowed = _difference(stored, new)
    if not abs(difference) <= allowed:
        raise SubmissionError(
            f"{name} cannot be reproduced: new agents have a mean return that differs by {difference:.3g}, where at "
            f"most {allowed:.3g} is expected."
        )
    rules = tuple(dict.fromkeys(each.rule.name for each in submission.jobs))
    return Verdict(
        rules, len(submission.lines), name, stored[..., -1].size, same, difference, allowed, _bare(submission)
    )


def _bare(submission: Submission) -> tuple[str, ...]:
    tasks = {job.task.path for job in submission.jobs if job.task.suite not in OVERALL_SUITES}
    return tuple(sorted(tasks - {job.task.path for job in submission.jobs if job.rule.name == RANDOM}))


def _train(job: Job, devices: int, progress: bool) -> Mapping[str, Any]:
    """Train the agents of a line again, and return the new line."""
    with tempfile.TemporaryDirectory() as folder, progress_bars(progress) as bars:
        results = Results(Path(folder))
        name = f"{job.task.path}, {job.rule.name}"
        bars.say(f"{name}: {len(job.seeds) * job.budget.levels} agents of {job.budget.updates} updates, again")
        bar = bars.add(name, len(job.seeds) * job.budget.levels)
        MetaTester(results, parallel.make_mesh(devices)).run(job, bars.report(bar))
        return results.lines()[0]


def _same_machine(stored: Mapping[str, Any], here: Mapping[str, Any], devices: int) -> bool:
    """Return whether results should agree to the bit; unknown processors never should."""
    pairs = [(stored[group].get(name), here[group].get(name)) for group, names in _SAME.items() for name in names]
    return all(a and a == b for a, b in pairs) and devices <= here["device"]["count"]


def _difference(stored: Floats, new: Floats) -> tuple[float, float]:
    """Return the difference of mean returns at the end of life, and how large it may be (Welch's t interval).

    Args:
      stored: f[levels, seeds, points].
      new: the same of new agents.
    """
    (a, a_error, count), (b, b_error, _) = (mean_and_error([x[:, :, -1].mean(axis=0)]) for x in (stored, new))
    parts = np.array([float(a_error), float(b_error)]) ** 2
    freedom = float(parts.sum() ** 2 / (parts**2 / (count - 1)).sum()) if parts.any() else 1.0
    return float(b - a), student_quantile((1 + LEVEL) / 2, freedom) * float(np.sqrt(parts.sum()))
