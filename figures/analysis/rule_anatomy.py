"""A learned rule taken apart.

    python figures/analysis/rule_anatomy.py --rule groove --to docs/images/anatomy_groove

The upper row asks the rule alone, by artificial rollouts: the credit of actions before a reward, the effect of an
episode's end, and the effect of predictions. The lower row shows whether the prediction y of agents that the rule has
trained on random gridworlds encodes the value of their states, measured on levels that the read-out was not fitted on,
and how pi_hat depends on an action's probability. The program writes a picture and its numbers (.png, .json).
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
from matplotlib.axes import Axes
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

import groove
from figures.analysis.rule_probe import Probe, draw_credit, draw_end, draw_predictions, draw_probabilities
from figures.analysis.state_values import draw_values, watch
from figures.pipeline.stored import stem
from groove.cli._main import FlagSet, Program, run_program
from groove.dropin.load import load_lpg
from groove.lpg.lpg import make_lpg
from groove.utils import parallel
from groove.utils.io import write_atomically
from groove.utils.plotting import dress, new_figure, save_picture

_FLAGS = FlagSet()
_RULE = _FLAGS.string("rule", "groove", "The rule: a released rule, a run directory or a rule file.")
_LEVELS = _FLAGS.integer(
    "levels",
    48,
    "Random gridworlds, one agent each; the read-out is fitted on two thirds of them.",
    least=3,
    most=10**6,
)
_UPDATES = _FLAGS.integer("updates", 500, "Length of each life, in agent updates.", least=1, most=10**7)
_TO = _FLAGS.string("to", "rule_anatomy", "Path of the picture and its numbers, without suffix.")


def draw(rule: groove.Rule, levels: int, updates: int) -> tuple[Figure, dict[str, Any]]:
    """Draw a rule, and return the picture and its numbers.

    Args:
      rule: the rule.
      levels: random gridworlds, one agent each.
      updates: length of each life, in agent updates.
    """
    probe = Probe(rule)
    figure = new_figure(11.5, 6.4, dpi=130)
    upper, lower = figure.subplots(2, 3)
    numbers: dict[str, Any] = {
        "rule": rule.name,
        "credit": draw_credit(upper[0], probe),
        "end": draw_end(upper[1], probe),
        "predictions": draw_predictions(upper[2], probe),
    }
    untrained = jax.device_get(make_lpg(rule.config).init(jax.random.key(0)))
    trained, fresh = (watch(rule, eta, levels, updates) for eta in (rule.eta, untrained))
    numbers["value_r2"] = {
        "rule": draw_values(lower[0], f"y under {rule.name}", trained),
        "untrained": draw_values(lower[1], "y under the untrained rule", fresh),
    }
    numbers["pi_hat_against_return"] = draw_probabilities(lower[2], probe)
    dress_panels([*upper, *lower], {upper[1]: (0.02, 0.5), lower[2]: (0.02, 0.55)})
    return figure, numbers


def dress_panels(panels: list[Axes], legends: Mapping[Axes, tuple[float, float]]) -> None:
    """Set titles, ticks, frames and legends.

    Args:
      panels: the panels.
      legends: position of a legend, in axes coordinates, where matplotlib's choice would cover a curve.
    """
    for axes in panels:
        axes.set_title(axes.get_title(), fontsize=10)
        dress(axes, grid=None)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, frameon=False, loc=legends.get(axes, "best"))


def main() -> None:
    """Draw the rule and write the picture and its numbers."""
    parallel.request_devices(1)
    path = stem("to", _TO.value)
    figure, numbers = draw(load_lpg(_RULE.value), _LEVELS.value, _UPDATES.value)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_picture(figure, path.with_name(f"{path.name}.png"))
    write_atomically(path.with_name(f"{path.name}.json"), (json.dumps(numbers) + "\n").encode())


PROGRAM = Program(
    "Take a learned rule apart: credit, episode ends, predictions, and the values that predictions encode.",
    "--rule groove --to docs/images/anatomy_groove",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
