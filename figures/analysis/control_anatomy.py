"""A rule's controls taken apart: what they do over a life, and which of their inputs they need.

    python figures/analysis/control_anatomy.py --rule groove --to docs/images/controls_groove

Agents live on the levels of `development`. The picture shows the factors of steps and of the entropy's weight over
their lives. The table compares variants of the rule with its base, level by level: without one of the inputs, which is
held at its mean, and with a schedule alone, fitted to what the rule did. The program writes a picture and its numbers
(.png, .json) and prints the table. `--files FOLDER` writes each variant as a rule file, to be meta-tested elsewhere.
"""

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.stored import drawing, stem, stored_or_measured
from groove.agents.agent import make_agent
from groove.cli._main import FlagSet, Program, run_program
from groove.dropin.find import NamedRule, find_rule
from groove.dropin.rule_file import save_rule
from groove.envs.base import EnvFamily
from groove.evaluation.suites.base import Budget, Task
from groove.evaluation.suites.registry import SUITES
from groove.evaluation.tester import agent_keys, make_curves, task_key, task_levels
from groove.lifetimes import lifetime
from groove.lifetimes.lifetime import Lifetime
from groove.lpg.controls import INPUTS, ControlInputs, control_features
from groove.types import Array, PyTree
from groove.utils import parallel
from groove.utils.errors import ConfigError
from groove.utils.paths import user_path, writing
from groove.utils.plotting import BLUE, GREY, dress, new_figure, save_picture

TASKS = ("tables", "networks", "worlds")
BINS = 25  # of a life
FACTORS = ("step_factor", "entropy_factor")
_FACTS = tuple(f"control_{name}" for name in ControlInputs._fields)

_FLAGS = FlagSet()
_RULE = _FLAGS.string("rule", "groove", "The rule, with controls: a released rule, a run directory or a rule file.")
_LEVELS = _FLAGS.integer("levels", 64, "Levels of each task, one agent each.", least=2, most=10**6)
_TO = _FLAGS.string("to", "control_anatomy", "Path of the picture and its numbers, without suffix.")
_FILES = _FLAGS.string("files", None, "Folder for the variants as rule files. Without this flag: none are written.")
_DRAW_ONLY = _FLAGS.boolean("draw_only", False, "Draw from the stored numbers, without any training.")

Floats = npt.NDArray[np.float64]


class Traces(NamedTuple):
    """The factors and the inputs of a rule on one task, in each part of a life; f32 [levels, BINS, 2 or 6]."""

    factors: npt.NDArray[np.float32]  # of steps, and of the entropy's weight
    facts: npt.NDArray[np.float32]  # the inputs of the controls


def watch(rule: NamedRule, task: Task, budget: Budget, count: int) -> Traces:
    """Train one agent on each of `count` levels under a rule, and return what the rule did."""
    env = _environment(task)
    agent = make_agent(env.observation, rule.rule.heads(env.num_actions), rule.rule.adapt_agent(task.agent))
    levels = task_levels(task, env, count)
    keys = agent_keys(task_key(task), [(level, 0) for level in range(count)])
    part = budget.updates // BINS

    def one_bin(lives: Lifetime, _: None) -> tuple[Lifetime, Array]:
        def body(_: Array, carry: tuple[Lifetime, Array]) -> tuple[Lifetime, Array]:
            before, total = carry
            after, _rollout, _episodes, info = lifetime.advance(
                env, agent, rule.rule, rule.eta, before, levels, budget.steps
            )
            logs = [jnp.log(info.metrics[name]) for name in FACTORS]
            return after, total + jnp.stack([*logs, *(info.metrics[name] for name in _FACTS)], axis=-1)

        lives, total = jax.lax.fori_loop(0, part, body, (lives, jnp.zeros((count, len(FACTORS) + len(_FACTS)))))
        return lives, total / part

    length = jnp.int32(budget.updates)

    @jax.jit
    def whole(levels: PyTree) -> Array:
        lives = jax.vmap(
            lambda lv, k: lifetime.begin(env, agent, rule.rule, lv, length, k, budget.workers, budget.steps)
        )(levels, keys)
        return jax.lax.scan(one_bin, lives, None, length=BINS)[1].swapaxes(0, 1)

    seen = np.asarray(whole(levels))
    return Traces(np.exp(seen[..., :2]), seen[..., 2:])


def _environment(task: Task) -> EnvFamily:
    assert task.make is not None  # tasks of `development` run on devices
    return task.make()


def variants(eta: Any, traces: Mapping[str, Traces]) -> dict[str, Any]:
    """Return variants of a rule by name: the whole rule, one input held at its mean, and schedules.

    The schedule alone is the least-squares fit of u and c, the arguments of the factors, by a line over the lifetime.
    Constants are the means of u and c.

    Args:
      eta: of the rule.
      traces: by task.
    """
    weights, bias = np.asarray(eta["controls"]["w"], float), np.asarray(eta["controls"]["b"], float)
    seen = np.concatenate([each.facts.reshape(-1, len(INPUTS)) for each in traces.values()])
    facts = np.asarray(control_features(ControlInputs(*seen.T)), float)
    arguments = facts @ weights + bias
    means = facts.mean(0)

    def with_controls(w: Floats, b: Floats) -> Any:
        layer = {"w": np.float32(w), "b": np.float32(b)}
        return {**eta, "controls": layer}

    made = {"whole rule": eta}
    for index, name in enumerate(INPUTS):
        without = np.where(np.arange(len(INPUTS))[:, None] == index, 0.0, weights)
        made[f"without {name}"] = with_controls(without, bias + means[index] * weights[index])
    line, *_ = np.linalg.lstsq(np.stack([facts[:, 0], np.ones(len(facts))], axis=1), arguments, rcond=None)
    schedule = np.zeros_like(weights)
    schedule[0] = line[0]
    made["schedule alone"] = with_controls(schedule, line[1])
    made["constants alone"] = with_controls(np.zeros_like(weights), arguments.mean(0))
    return made


def compare(rule: NamedRule, etas: Mapping[str, Any], task: Task, budget: Budget, count: int) -> dict[str, list[float]]:
    """Return each variant's relative lead over the base at the end of life, level by level: mean and standard error.

    The lead on a level is 2 (a - b) / (abs(a) + abs(b) + 0.1), for the returns a of the variant and b of the base,
    whose agents start alike and meet the same randomness.

    Args:
      rule: the rule.
      etas: its variants by name.
      task: a task of `development`.
      budget: the sizes.
      count: levels.
    """
    env = _environment(task)
    levels = task_levels(task, env, count)
    keys = agent_keys(task_key(task), [(level, 0) for level in range(count)])
    curves = make_curves(env, rule, task, budget, parallel.make_mesh(jax.device_count()))
    untrained = jax.tree.map(jnp.zeros_like, rule.eta)
    base = curves(untrained, levels, keys, [budget.updates])[:, -1]
    leads = {}
    for name, eta in etas.items():
        returns = curves(eta, levels, keys, [budget.updates])[:, -1]
        lead = 2 * (returns - base) / (np.abs(returns) + np.abs(base) + 0.1)
        leads[name] = [float(lead.mean()), float(lead.std(ddof=1) / np.sqrt(count))]
    return leads


def measure(rule: NamedRule, count: int) -> dict[str, Any]:
    """Return the numbers of the picture and the table.

    Raises:
      ConfigError: if the rule does not consist of controls of a base.
    """
    if set(rule.eta or {}) != {"controls"}:
        raise ConfigError(
            f'"{rule.name}" does more than set controls, or sets none: name a rule that was trained with the preset '
            "controls."
        )
    suite = SUITES["development"]
    tasks = {name: {**suite.tasks, **suite.optional}[name] for name in TASKS}
    budgets = {name: task.budgets["laptop"] for name, task in tasks.items()}
    traces = {name: watch(rule, task, budgets[name], count) for name, task in tasks.items()}
    etas = variants(rule.eta, traces)
    return {
        "rule": rule.name,
        "updates": {name: budget.updates for name, budget in budgets.items()},
        "factors": {
            name: np.quantile(np.log(trace.factors), [0.25, 0.5, 0.75], axis=0).tolist()
            for name, trace in traces.items()
        },
        "variants": {
            name: {key: np.asarray(x).tolist() for key, x in eta["controls"].items()} for name, eta in etas.items()
        },
        "leads": {name: compare(rule, etas, task, budgets[name], count) for name, task in tasks.items()},
    }


def write_variants(rule: NamedRule, numbers: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write each variant of a rule as a rule file, named after the variant, and return the paths.

    Args:
      rule: the rule.
      numbers: of `measure`.
      folder: made if it does not exist.

    Raises:
      ConfigError: if the numbers are of another rule.
    """
    if numbers["rule"] != rule.name:
        raise ConfigError(f'the stored numbers are of "{numbers["rule"]}": name that rule by --rule.')
    about = {"rule": "lpg", "lpg": dataclasses.asdict(rule.config), "variant_of": rule.name}
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, controls in numbers["variants"].items():
        layer = {key: np.asarray(value, np.float32) for key, value in controls.items()}
        paths.append(folder / f"{name.replace(' ', '_')}.safetensors")
        save_rule(paths[-1], {"controls": layer}, {**about, "variant": name})
    return paths


def draw(numbers: Mapping[str, Any]) -> Figure:
    """Draw the factors over a life on each task, with the quartiles of levels."""
    figure = new_figure(9.0, 4.6, dpi=130)
    grid = figure.subplots(2, len(TASKS), sharex=True, sharey="row", squeeze=False)
    share = (np.arange(BINS) + 0.5) / BINS
    for column, name in enumerate(TASKS):
        quartiles = np.exp(np.asarray(numbers["factors"][name]))  # [3, BINS, 2]
        for row, label in enumerate(("factor of steps", "factor of the entropy's weight")):
            axes = grid[row, column]
            low, middle, high = quartiles[:, :, row]
            axes.fill_between(share, low, high, color=BLUE, alpha=0.2, lw=0)
            axes.plot(share, middle, color=BLUE)
            axes.axhline(1, color=GREY, lw=1, ls="--")
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
            dress(axes, f"{name}, {numbers['updates'][name]} updates" if row == 0 else "")
            if column == 0:
                axes.set_ylabel(label, fontsize=8)
            if row == 1:
                axes.set_xlabel("share of the life", fontsize=8)
    return figure


def table(leads: Mapping[str, Mapping[str, list[float]]]) -> str:
    """Return a Markdown table of the leads over the base in per cent, one line per variant."""
    lines = ["| variant | " + " | ".join(leads) + " |", "|---" * (len(leads) + 1) + "|"]
    for name in next(iter(leads.values())):
        cells = [f"{100 * mean:+.0f} ± {100 * error:.0f}" for mean, error in (each[name] for each in leads.values())]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure the rule, write the picture and its numbers, and print the table."""
    parallel.request_devices(0)
    path, rule = stem("to", _TO.value), find_rule(_RULE.value)
    numbers = stored_or_measured(path, _DRAW_ONLY.value, lambda: measure(rule, _LEVELS.value))
    with drawing(path, _DRAW_ONLY.value):
        save_picture(draw(numbers), path.with_name(f"{path.name}.png"))
        print(table(numbers["leads"]))
    if _FILES.value:
        with writing(user_path(_FILES.value, "--files"), "Choose another --files."):
            write_variants(rule, numbers, user_path(_FILES.value, "--files"))


PROGRAM = Program(
    "Take the controls of a rule apart: the factors over a life, and what is left without each input.",
    "--rule groove --to docs/images/controls_groove",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
