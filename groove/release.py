"""From finished runs to a released rule: the best meta-seed by meta-validation, its weights, and a model card.

Meta-validation is on random gridworlds alone; held-out suites have no say in which seed is released.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groove.compare import compare
from groove.compare_report import markdown
from groove.config import ConfigError
from groove.loggers import read_jsonl
from groove.results import Results
from groove.rule_file import load_rule, save_rule
from groove.run_dir import RunDir, write_atomically

_VALIDATION = "validation/normalised_return"


@dataclass(frozen=True)
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
      earlier: of a run, take the rule at its best meta-validation instead of its last one.

    Raises:
      ConfigError: if a run is not finished.
      ValueError: if there are no results of these rules.
    """
    finished = [read_run(Path(run)) for run in runs]
    best = max(finished, key=lambda run: run.best if earlier else run.score)
    eta, about = load_rule(RunDir(best.path).best_rule if earlier else RunDir(best.path).rule)
    folder = Path(to)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    released = {"name": name, "groove": best.config["starts"][-1]["versions"]["groove"], "license": "Apache-2.0"}
    save_rule(path, eta, about | {"released": released})
    tables = [_table(Results(results), suite, rules) for suite in suites]
    text = model_card(name, best, finished, int(about["meta_steps"]), tables, results, rules, notes)
    write_atomically(path.with_suffix(".md"), text.encode())
    return path


def model_card(
    name: str,
    best: FinishedRun,
    runs: Sequence[FinishedRun],
    step: int,
    tables: Sequence[str],
    results: str,
    rules: Sequence[str],
    notes: str,
) -> str:
    """What a user of the rule wants to know of it, as Markdown."""
    config, start, summary = best.config["config"], best.config["starts"][0], best.summary
    seeds = ", ".join(f"seed {run.seed}: {run.score:.2f}" for run in sorted(runs, key=lambda run: run.seed))
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
            f"| meta-seeds | {seeds}; the best by meta-validation is released |",
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
