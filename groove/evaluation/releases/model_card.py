"""The model card of a released rule: how the rule was made and how it did, as Markdown."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from groove.evaluation.releases.finished_run import FinishedRun
from groove.lpg.registry import RULES
from groove.utils.text import paragraph

_OF_THIS_MACHINE = ("--run_dir", "--wait")  # flags that other people would choose anew


class Choice(NamedTuple):
    """The released rule among those of several runs.

    Attributes:
      run: the run whose rule is released.
      step: meta-steps after which the rule is released.
      scores: run -> score by which the run was chosen.
      by: tasks of the suite `development` that give the scores; empty for meta-validation.
    """

    run: FinishedRun
    step: int
    scores: Mapping[FinishedRun, float]
    by: tuple[str, ...]


class Tables(NamedTuple):
    """Meta-tests on the card.

    Attributes:
      texts: Markdown tables, one per suite.
      results: the store of results from which the tables come.
      rules: names of the rules side by side.
    """

    texts: tuple[str, ...]
    results: str
    rules: tuple[str, ...]


def model_card(name: str, choice: Choice, tables: Tables, notes: str) -> str:
    """Return the card as Markdown.

    Args:
      name: name of the released rule.
      choice: the rule.
      tables: its meta-tests.
      notes: Markdown that ends the card, for example known failures.
    """
    return "\n".join(
        [
            f"# {name}",
            "",
            f"A learned update rule (`{choice.run.config.rule}`) for discrete actions. Apache-2.0.",
            "",
            f'    rule = groove.load("{name}")',
            "",
            *_origin(choice),
            *(_validation(choice.run) if choice.run.validations else []),
            *_meta_tests(tables),
            *([notes.strip(), ""] if notes.strip() else []),
        ]
    )


def _origin(choice: Choice) -> list[str]:
    config, summary = choice.run.config, choice.run.summary
    settings = dataclasses.asdict(config.rules[config.rule])
    unread = RULES[config.rule].unread(config.rules[config.rule])
    ordered = sorted(choice.scores.items(), key=lambda item: item[0].config.seed)
    seeds = ", ".join(f"seed {run.config.seed}: {score:.2f}" for run, score in ordered)
    by = f"the mean of {', '.join(choice.by)} (random play 0, A2C 1)" if choice.by else "meta-validation (A2C is 1)"
    rows = {
        "rule": ", ".join(f"{setting} {value}" for setting, value in settings.items() if setting not in unread),
        "curriculum": f"`{config.curriculum}`, meta-optimizer `{config.meta.optimizer}`",
        "meta-steps": f"{summary['step']:,}; released is the rule after {choice.step:,}",
        **_circumstances(choice.run),
        "meta-seeds": f"{seeds}; released is the best by {by}",
    }
    command = [f"    {_as_typed(choice.run.starts[0]['command'])}", ""] if choice.run.starts else []
    return [
        "## How it was made",
        "",
        *command,
        "| | |",
        "|---|---|",
        *[f"| {name} | {text} |" for name, text in rows.items()],
        "",
        "The whole configuration is in the rule file and in the JSON beside it.",
        "",
    ]


def _circumstances(run: FinishedRun) -> dict[str, str]:
    """Return where, when and with which versions a run was made, which a rule file alone does not tell."""
    if not run.starts:
        return {}
    start, summary = run.starts[0], run.summary
    device, git = start["device"], start["git"] or {}
    return {
        "commit": f"{git.get('revision', 'not in a checkout')}{' with changes' if git.get('dirty') else ''}",
        "environment steps of students": f"{summary['env_steps'] / 1e6:,.0f} M",
        "wall time": f"{summary['seconds'] / 60:.0f} min on {device['count']} {device['kind']} device(s)",
        "versions": ", ".join(f"{n} {v}" for n, v in start["versions"].items() if v),
    }


def _validation(run: FinishedRun) -> list[str]:
    rows = [f"| {step:,} | {v:.2f} [{lo:.2f}, {hi:.2f}] |" for step, (v, lo, hi) in run.validations.items()]
    return [
        "## Meta-validation",
        "",
        paragraph(
            "Return of fresh tabular agents on unseen random gridworlds, as a share of A2C's, with a 95 % bootstrap "
            f"interval over {run.config.validation.levels} levels. The {run.config.first_rule} is at "
            f"{run.summary['validation/untrained_normalised']:.2f}."
        ),
        "",
        "| meta-step | of A2C |",
        "|---|---|",
        *rows,
        "",
    ]


def _meta_tests(tables: Tables) -> list[str]:
    return [
        "## Meta-tests",
        "",
        "All meta-seeds of a method are pooled under its name. The tables come from stored results:",
        "",
        f"    python launch/compare.py --results {tables.results} --rules {','.join(tables.rules)} \\",
        "      --suite SUITE --to FOLDER",
        "",
        *[line for table in tables.texts for line in (table, "")],
    ]


def _as_typed(command: Sequence[str]) -> str:
    """Return a command as other people would type it, without the folders and the waiting times of this machine."""
    program = f"python {command[0]}" if command[0].endswith(".py") else Path(command[0]).name
    kept, skip = [], False
    for word in command[1:]:
        flag, _, value = word.partition("=")
        if not skip and flag not in _OF_THIS_MACHINE:
            kept.append(word)
        skip = flag in _OF_THIS_MACHINE and not value
    return " ".join([program, *kept])
