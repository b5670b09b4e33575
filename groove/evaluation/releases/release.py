"""Releasing a rule: the best of several runs, its weights and its model card.

Runs are chosen by meta-validation or by tasks of the suite `development`. Both are random gridworlds, so that no
held-out suite has a say in the choice.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from groove.dropin.rule_file import load_rule, rule_files
from groove.evaluation.comparisons.comparison import compare_cells
from groove.evaluation.comparisons.tables import markdown
from groove.evaluation.releases.development_score import development_score
from groove.evaluation.releases.finished_run import FinishedRun, meta_steps, read_run
from groove.evaluation.releases.model_card import Choice, Tables, model_card
from groove.evaluation.results import Results
from groove.evaluation.suites.registry import SUITES, find_tasks
from groove.lpg.disco import NAME as DISCO
from groove.lpg.registry import hand_written
from groove.utils.errors import ConfigError, refuse_twice, unknown_name
from groove.utils.io import write_all
from groove.utils.limits import check_switches
from groove.utils.paths import PathLike, check_folder, names_of, user_path, writing
from groove.utils.text import shown

_BUDGET = "laptop"  # of the tables


def release(
    name: str,
    runs: PathLike | Iterable[PathLike],
    *,
    to: PathLike,
    results: PathLike,
    suites: Iterable[str],
    rules: Iterable[str],
    notes: str = "",
    earlier: bool = False,
    by: Iterable[str] = (),
    replace: bool = False,
) -> Path:
    """Write NAME.safetensors, NAME.json and the card NAME.md of the run with the best score.

    All files are prepared before the first is written.

    Args:
      name: name of the released rule.
      runs: directories of finished runs that differ in their seeds; a rule file stands for a run whose directory is
        gone, and its card says less.
      to: the folder of released rules.
      results: the store of results from which the tables of the card come.
      suites: suites, one table each.
      rules: names of the rules side by side in the tables, as they were called when they were tested.
      notes: Markdown that ends the card, for example known failures.
      earlier: take each run's rule at its best meta-validation instead of its last rule.
      by: the suite `development`, or tasks of it, whose results give the scores; meta-validation if empty.
      replace: whether a rule that has been released under this name is replaced.

    Returns:
      The path of NAME.safetensors.

    Raises:
      GrooveError: if the name cannot be a file's name or is taken, a run is not finished, something is named twice,
        results are missing, or a file cannot be written.
    """
    check_switches(earlier=earlier, replace=replace)
    if not isinstance(name, str) or not name or Path(name).name != name or not name.isprintable():
        raise ConfigError(f"--name {shown(name)} must be a plain name, without folders and line breaks.")
    if name in (*hand_written(), DISCO):
        raise ConfigError(f'--name "{name}" is the name of a rule that is not released: choose another.')
    store, folder = Results(user_path(results, "--results")), user_path(to, "--to")
    path = user_path(folder / f"{name}.safetensors")
    if path.exists() and not replace:
        raise ConfigError(f'{folder} holds a rule "{name}" already: choose another --name, or replace it by --force.')
    runs, suites, rules = names_of(runs, "--runs"), names_of(suites, "--suites"), names_of(rules, "--rules")
    for flag, names in {"--runs": runs, "--suites": suites, "--rules": rules}.items():
        refuse_twice(flag, names)
    choice, eta, about = _choose(runs, store, earlier, names_of(by, "--by"))
    tables = _tables(store, results, suites, rules)
    card = model_card(name, choice, tables, notes)
    starts = choice.run.starts
    version = {"groove": starts[-1]["versions"]["groove"]} if starts else {}
    released = about | {"released": {"name": name, **version, "license": "Apache-2.0"}}
    check_folder(folder, "--to")
    with writing(folder, "Choose another --to."):
        folder.mkdir(parents=True, exist_ok=True)
        write_all({**rule_files(path, eta, released), path.with_suffix(".md"): card.encode()})
    return path


def _choose(
    runs: Sequence[str], store: Results, earlier: bool, by: Sequence[str]
) -> tuple[Choice, Mapping[str, Any], dict[str, Any]]:
    """Return the best run, and the parameters and the description in its rule file."""
    if not runs:
        raise ConfigError("no runs were given; write for instance --runs runs/A,runs/B.")
    finished = [read_run(user_path(run, "--runs")) for run in runs]
    files = {run: run.rule(earlier) for run in finished}
    tasks = tuple(task.path for task in find_tasks(by)) if by else ()
    scores = {run: _score(run, files[run], store, earlier, tasks) for run in finished}
    best = max(finished, key=lambda run: scores[run])
    eta, about = load_rule(files[best])
    return Choice(best, meta_steps(files[best], about), scores, tasks), eta, about


def _score(run: FinishedRun, file: Path, store: Results, earlier: bool, tasks: Sequence[str]) -> float:
    if tasks:
        return development_score(store, file, tasks)
    return run.best_score if earlier else run.last_score


def _tables(store: Results, results: PathLike, suites: Sequence[str], rules: Sequence[str]) -> Tables:
    for suite in suites:
        if suite not in SUITES:
            raise unknown_name("suite", suite, SUITES)
    texts = tuple(_table(store, suite, rules) for suite in suites)
    return Tables(texts, str(results), tuple(rules))


def _table(store: Results, suite: str, rules: Sequence[str]) -> str:
    cells = [cell for cell in store.cells() if cell.task.startswith(f"{suite}/") and cell.rule in rules]
    cells = sorted((cell for cell in cells if cell.budget == _BUDGET), key=lambda cell: rules.index(cell.rule))
    if not cells:
        raise ConfigError(f"{store.folder} holds no results of {', '.join(rules)} on {suite} at budget {_BUDGET}.")
    return markdown(compare_cells(cells)).strip()
