"""Submissions to a leaderboard: a folder of results, the rule files that they are of, and a card.

A submission holds SUITE.jsonl, as `groove meta-test --results SUBMISSION` writes it; one rule file for each meta-seed,
NAME.safetensors; and, if there is one, the card of a rule, RULE.md.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from groove.dropin.find import NamedRule, named_rule
from groove.dropin.rule_file import released_rules
from groove.evaluation.jobs import Job
from groove.evaluation.results import cell_id, strict_lines
from groove.evaluation.suites.base import BUDGETS
from groove.evaluation.suites.registry import find_tasks
from groove.lpg.registry import hand_written
from groove.utils.errors import ConfigError, GrooveError
from groove.utils.io import to_json
from groove.utils.schema import complaint

LEAST_SEEDS = 2  # agents of a rule on a level, without which there is no interval
LONGEST_NAME = 60  # letters of a rule's name
_MOST_COMPLAINTS = 5


class SubmissionError(GrooveError):
    """A submission that is refused; each line of the message names the place and the reason."""


@dataclass(frozen=True)
class Submission:
    """A submission whose format and provenance are in order.

    Attributes:
      folder: the folder.
      jobs: what each line of results is of, with the rule ready to train agents again.
      lines: the lines, in the order of `jobs`.
    """

    folder: Path
    jobs: tuple[Job, ...]
    lines: tuple[Mapping[str, Any], ...]

    @property
    def checkable(self) -> list[int]:
        """Indices of the lines of learned rules that have an interval; baselines are no news."""
        return _checkable(self.jobs)


def read_submission(folder: Path) -> Submission:
    """Read a submission, and check its format and provenance.

    Raises:
      GrooveError: with one line for each of the first complaints.
    """
    if not folder.is_dir():
        raise SubmissionError(f"{folder} is no folder: give a folder with results and rule files.")
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise SubmissionError(f"{folder} holds no results: run groove meta-test with --results {folder}.")
    rules = [named_rule(path) for path in sorted(folder.glob("*.safetensors"))]
    if not rules:
        raise SubmissionError(f"{folder} holds no rule file: copy the rule.safetensors of the run into it.")
    named = [(path, n, line) for path in files for n, line in enumerate(strict_lines(path), 1)]
    jobs, complaints = [], []
    for path, number, line in named:
        try:
            jobs.append(_job(line, rules, path.stem))
        except ConfigError as error:
            complaints.append(f"{path}, line {number}: {error}")
    complaints = complaints or list(_complaints_of_all(jobs, [line for *_, line in named], rules))
    if complaints:
        more = len(complaints) - _MOST_COMPLAINTS
        rest = [f"{more} more complaints like these"] if more > 0 else []
        raise SubmissionError("\n".join([*complaints[:_MOST_COMPLAINTS], *rest]))
    return Submission(folder, tuple(jobs), tuple(line for *_, line in named))


def _job(line: Mapping[str, Any], rules: Sequence[NamedRule], suite: str) -> Job:
    """Return what a line of results is of.

    Raises:
      ConfigError: if the line is not what this version of groove would have written for one of the rules.
    """
    task = find_tasks([line["task"]])[0]
    if task.path != line["task"] or {task.suite} != {suite, line.get("suite")}:
        raise ConfigError(
            f"{line['task']} does not belong into {suite}.jsonl: write the results with groove meta-test."
        )
    if line["budget"] not in BUDGETS:
        raise ConfigError(f'there is no budget "{line["budget"]}": choose one of {", ".join(BUDGETS)}.')
    rule = _rule(line, rules)
    job = Job(task, rule, line["budget"], line["cell"], tuple(line["seeds"]))
    _check_settings(line, job)
    _check_numbers(line, job)
    if reason := _provenance_complaint(line.get("provenance")):
        raise ConfigError(f"its provenance cannot be trusted ({reason}): make the results again with groove meta-test.")
    return job


def _rule(line: Mapping[str, Any], rules: Sequence[NamedRule]) -> NamedRule:
    """Return the rule of a line, under the line's name."""
    name, wanted = line["rule"], line.get("rule_identity")
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigError(f"a rule's name has 1 to {LONGEST_NAME} printable letters: test it as NAME=RULE.")
    plain = name.partition("[")[0]
    known = named_rule(name) if plain in hand_written() or plain in released_rules() else None
    if known and known.identity != wanted:
        raise ConfigError(f'"{name}" is the name of another rule: test the rule under another name, as NAME=RULE.')
    found = known or next((rule for rule in rules if rule.identity == wanted), None)
    if found is None:
        raise ConfigError(f'there is no file of the rule "{name}" with the digest {wanted}: add its .safetensors.')
    return dataclasses.replace(found, name=name)


def _check_settings(line: Mapping[str, Any], job: Job) -> None:
    """Refuse results of other tasks, budgets, agents or protocols under the names of today's."""
    identity = to_json(job.identity)
    stored = line.get("settings")
    differing = [key for key in identity if not isinstance(stored, Mapping) or stored.get(key) != identity[key]]
    if differing:
        raise ConfigError(
            f"its {', '.join(differing)} differ from those of this version of groove: make the results again."
        )
    if line["cell"] != cell_id(job.identity):
        raise ConfigError("its cell is not the digest of its settings: make the results again with groove meta-test.")


def _check_numbers(line: Mapping[str, Any], job: Job) -> None:
    """Refuse numbers that no meta-test of these settings writes."""
    budget = job.budget
    points = {"updates": list(budget.at), "env_steps": [point * budget.rollout for point in budget.at]}
    if any(line[name] != value for name, value in points.items()) or len(line["returns"]) != budget.levels:
        raise ConfigError(f"its updates, steps or levels are not those of budget {line['budget']}.")
    if len(set(line["seeds"])) < len(line["seeds"]) or min(line["seeds"]) < 0:
        raise ConfigError("it has a seed twice, or below 0.")
    if not np.isfinite(np.asarray(line["returns"], np.float64)).all():
        raise ConfigError("it has a return that is not finite.")


def _complaints_of_all(
    jobs: Sequence[Job], lines: Sequence[Mapping[str, Any]], rules: Sequence[NamedRule]
) -> Iterator[str]:
    """Yield what is wrong with the lines together."""
    seeds: dict[tuple[str, str], list[int]] = {}
    for job, line in zip(jobs, lines, strict=True):
        seeds.setdefault((job.cell, f"{line['rule']} on {line['task']}"), []).extend(line["seeds"])
    for (_, name), each in seeds.items():
        if sorted(each) != list(range(len(each))):
            yield f"{name} has the seeds {sorted(each)}: each of 0, 1, 2, ... has to be there once."
    if not _checkable(jobs):
        yield (
            f"no line of a learned rule has {LEAST_SEEDS} seeds, without which there is no interval: run groove "
            "meta-test --seeds 5."
        )
    tested = {job.rule.identity for job in jobs}
    for rule in rules:
        if rule.identity not in tested:
            yield f"the rule file {rule.name}.safetensors has no results: test it, or take it away."


def _checkable(jobs: Sequence[Job]) -> list[int]:
    return [i for i, job in enumerate(jobs) if job.rule.is_learned and len(job.seeds) >= LEAST_SEEDS]


def _provenance_complaint(provenance: Any) -> str:
    """Return what is wrong with the record of how results were made; empty if nothing is."""
    if reason := complaint(_provenance_schema(), provenance):
        return reason
    try:
        moment = datetime.fromisoformat(provenance["time"])
    except ValueError:
        return "its time is no date"
    if moment.tzinfo is None or moment > datetime.now().astimezone():
        return "its time is in the future, or without a time zone"
    missing = [name for name in ("groove", "jax", "jaxlib") if not provenance["versions"].get(name)]
    return f"without the version of {missing[0]}" if missing else ""


def _provenance_schema() -> Any:
    import pydantic  # slow to import

    device = pydantic.create_model("Device", platform=(str, ...), kind=(str, ...), count=(int, ...))
    fields: Any = {
        "time": (str, ...),
        "command": (list[str], ...),
        "versions": (dict[str, str | None], ...),
        "git": (dict[str, Any] | None, ...),
        "device": (device, ...),
        "seconds": (float | int, ...),
    }
    return pydantic.create_model("Provenance", **fields)
