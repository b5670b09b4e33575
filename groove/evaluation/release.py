"""From finished runs to a released rule: the best meta-seed, its weights, and a model card.

Seeds are chosen by meta-validation, or by tasks of the suite `development`: on random gridworlds either way, so that
held-out suites have no say in which is released.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groove.dropin.find import find_rule
from groove.dropin.rule_file import load_rule, save_rule
from groove.evaluation.compare import Floats, compare
from groove.evaluation.compare_plots import markdown
from groove.evaluation.results import Results
from groove.evaluation.suites import find_tasks
from groove.training.loggers import read_jsonl
from groove.training.run_dir import RunDir
from groove.utils.errors import ConfigError
from groove.utils.io import write_atomically

_VALIDATION = "validation/normalised_return"
_DEVELOPMENT = "development"
_MARGIN = 0.05  # of A2C's return over random play's, in the unit of returns, below which a level tells nothing


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """What a run left behind.

    Attributes:
      path: its directory.
      summary: as `summary.json`.
      config: as `config.json`: the configuration and every start.
      validations: step -> (A2C-normalised return, low, high).
    """

    path: Path
    summary: Mapping[str, Any]
    config: Mapping[str, Any]
    validations: Mapping[int, tuple[float, float, float]]

    @property
    def score(self) -> float:
        """The last meta-validation."""
        return float(self.summary[_VALIDATION])

    @property
    def best(self) -> float:
        """The best of all meta-validations."""
        return max(value for value, _, _ in self.validations.values())

    @property
    def seed(self) -> int:
        """The meta-seed."""
        return int(self.config["config"]["seed"])


def read_run(path: Path) -> FinishedRun:
    """Reads what a run left behind.

    Raises:
      ConfigError: if it is not a run, or not one that came to its last meta-validation.
    """
    run = RunDir(path)
    try:
        summary, config = (json.loads(file.read_text()) for file in (run.summary, run.config))
        rows = read_jsonl(run.metrics_jsonl)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} does not hold a finished run: {error}.") from error
    if summary.get(_VALIDATION) is None:
        raise ConfigError(f"{path} was never validated; finish it with --resume.")
    names = (_VALIDATION, "validation/normalised_low", "validation/normalised_high")
    validations = {int(row["step"]): tuple(row[name] for name in names) for row in rows if row.get(_VALIDATION)}
    return FinishedRun(path, summary, config, validations)


def release(
    name: str,
    runs: Sequence[str],
    to: str,
    results: str,
    suites: Sequence[str],
    rules: Sequence[str],
    notes: str = "",
    earlier: bool = False,
    by: Sequence[str] = (),
) -> Path:
    """Writes NAME.safetensors, NAME.json and NAME.md of the run that validates best; returns the first.

    Args:
      name: of the released rule.
      runs: directories of finished runs that differ in their seeds.
      to: the folder of released rules.
      results: the store of results that the card's tables come from.
      suites: a table each.
      rules: shown side by side, as they were called when they were tested.
      notes: Markdown that ends the card: known failures.
      by: `development`, or tasks of it, by whose results the seed is chosen; by meta-validation if there are none.
      earlier: of a run, take the rule at its best meta-validation instead of its last one.

    Raises:
      ConfigError: if a run is not finished, or was not tested on a task it is to be chosen by.
      ValueError: if there are no results of these rules.
    """
    finished = [read_run(Path(run)) for run in runs]
    files = {run: RunDir(run.path).best_rule if earlier else RunDir(run.path).rule for run in finished}
    scores = {run: run.best if earlier else run.score for run in finished}
    if by:
        by = [task.path for task in find_tasks(list(by))]
        scores = {run: development_score(Results(results), str(files[run]), by) for run in finished}
    best = max(finished, key=lambda run: scores[run])
    eta, about = load_rule(files[best])
    folder = Path(to)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    released = {"name": name, "groove": best.config["starts"][-1]["versions"]["groove"], "license": "Apache-2.0"}
    save_rule(path, eta, about | {"released": released})
    tables = [_table(Results(results), suite, rules) for suite in suites]
    text = model_card(name, best, scores, by, int(about["meta_steps"]), tables, results, rules, notes)
    write_atomically(path.with_suffix(".md"), text.encode())
    return path


def development_score(results: Results, rule: str, tasks: Sequence[str]) -> float:
    """The mean over tasks and levels of a rule's normalised return at the end of life: 0 is random play, 1 is A2C.

    Levels count alike: each is clipped to [-1, 2], and those on which A2C gains nothing are left out.

    Raises:
      ConfigError: if results lack the rule, random play or A2C on one of them, or it is of a held-out suite.
    """
    identity, total = find_rule(rule).identity, 0.0
    for task in tasks:
        if not task.startswith(f"{_DEVELOPMENT}/"):
            raise ConfigError(f"{task} is held out: choose by tasks of {_DEVELOPMENT}.")
        found = {
            name: cell.final.mean(1)  # [levels]
            for cell in results.cells()
            for name in (cell.rule, cell.lines[-1]["rule_identity"])
            if cell.task == task
        }
        if lacking := {identity, "a2c", "random"} - set(found):
            raise ConfigError(
                f"{results.folder} lacks {', '.join(lacking)} on {task}: run launch/meta_test.py for {rule}."
            )
        total += level_score(found[identity], found["random"], found["a2c"])
    return total / len(tasks)


def level_score(returns: Floats, low: Floats, high: Floats) -> float:
    """The mean over levels of (return - low) / (high - low), f64[levels] each, as `development_score` has it."""
    apart = high - low > _MARGIN * (1 + np.abs(low))
    return float(np.clip((returns - low)[apart] / (high - low)[apart], -1, 2).mean())


def model_card(
    name: str,
    best: FinishedRun,
    scores: Mapping[FinishedRun, float],
    by: Sequence[str],
    step: int,
    tables: Sequence[str],
    results: str,
    rules: Sequence[str],
    notes: str,
) -> str:
    """What a user of the rule wants to know of it, as Markdown."""
    config, start, summary = best.config["config"], best.config["starts"][0], best.summary
    ordered = sorted(scores.items(), key=lambda item: item[0].seed)
    seeds = ", ".join(f"seed {run.seed}: {score:.2f}" for run, score in ordered)
    chosen_by = f"the mean of {', '.join(by)} (random play 0, A2C 1)" if by else "meta-validation (A2C is 1)"
    curve = "\n".join(f"| {step:,} | {v:.2f} [{lo:.2f}, {hi:.2f}] |" for step, (v, lo, hi) in best.validations.items())
    lpg, device, git = config["lpg"], start["device"], start["git"] or {}
    command = " ".join(_without_run_dir(start["command"]))
    return "\n".join(
        [
            f"# {name}",
            "",
            f"A learned update rule: LPG with a {lpg['core'].upper()} of {lpg['hidden']}, predictions of width "
            f"{lpg['prediction_width']}{', told its lifetime' if lpg['lifetime_conditioning'] else ''}; for discrete "
            "actions. Apache-2.0.",
            "",
            f'    rule = groove.load("{name}")',
            "",
            "## How it was made",
            "",
            f"    python {command}",
            "",
            "| | |",
            "|---|---|",
            f"| commit | {git.get('revision', 'not in a checkout')}{' with changes' if git.get('dirty') else ''} |",
            f"| curriculum | `{config['curriculum']}`, meta-optimizer `{config['meta']['optimizer']}` |",
            f"| meta-steps | {summary['step']:,}; released is the rule after {step:,} |",
            f"| environment steps of students | {summary['env_steps'] / 1e6:,.0f} M |",
            f"| wall time | {summary['seconds'] / 60:.0f} min on {device['count']} {device['kind']} device(s) |",
            f"| versions | {', '.join(f'{n} {v}' for n, v in start['versions'].items() if v)} |",
            f"| meta-seeds | {seeds}; released is the best by {chosen_by} |",
            "",
            "The whole configuration is in the rule file and in the JSON beside it.",
            "",
            "## Meta-validation",
            "",
            "Return of fresh tabular agents on unseen random gridworlds, as a share of A2C's, 95 % bootstrap interval "
            f"over {config['validation']['levels']} levels; the untrained rule is at "
            f"{summary['validation/untrained_normalised']:.2f}.",
            "",
            "| meta-step | of A2C |",
            "|---|---|",
            curve,
            "",
            "## Meta-tests",
            "",
            "All meta-seeds of a method are pooled under its name. The tables come from stored results:",
            "",
            f"    python launch/compare.py --results {results} --rules {','.join(rules)} --suite SUITE --to FOLDER",
            "",
            *[line for table in tables for line in (table, "")],
            *([notes.strip(), ""] if notes.strip() else []),
        ]
    )


def _without_run_dir(command: Sequence[str]) -> list[str]:
    """The command as others would type it: where the run lay is nobody's business."""
    kept, skip = [], False
    for word in command:
        if not skip and word != "--run_dir" and not word.startswith("--run_dir="):
            kept.append(word)
        skip = word == "--run_dir"
    return kept


def _table(results: Results, suite: str, rules: Sequence[str]) -> str:
    cells = [cell for cell in results.cells() if cell.task.startswith(f"{suite}/") and cell.rule in rules]
    cells = sorted((cell for cell in cells if cell.budget == "laptop"), key=lambda cell: rules.index(cell.rule))
    return markdown(compare(cells)).strip()
