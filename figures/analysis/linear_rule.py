"""The residual of a rule with a linear core, and its controls, as Markdown tables, one line per input.

python figures/analysis/linear_rule.py --rule runs/RUN
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

import groove
from groove.cli._main import FlagSet, Program, run_program
from groove.dropin.load import load_lpg
from groove.lpg.controls import INPUTS as CONTROL_INPUTS
from groove.lpg.network import input_names
from groove.utils.errors import ConfigError

_FLAGS = FlagSet()
_RULE = _FLAGS.string(
    "rule", None, "A rule with a base and a linear core, or with controls: a run directory or a rule file."
)


def tables(rule: groove.Rule) -> str:
    """Return Markdown tables of the numbers that a rule weighs its inputs by.

    From them, m and b of pi_hat = A + tanh(m) A + tanh(b) are summed, and u and c of the factors exp(3 tanh(2 u)) of
    steps and exp(3 tanh(2 c)) of the entropy's weight.

    Args:
      rule: the rule.

    Raises:
      ConfigError: if the rule has neither a linear core around a base nor controls.
    """
    parts = []
    if rule.config.core == "linear" and rule.config.base != "none":
        parts.append(_table(("m", "b"), input_names(rule.config), rule.eta["residual"]))
    if rule.config.controls:
        parts.append(_table(("u", "c"), CONTROL_INPUTS, rule.eta["controls"]))
    if not parts:
        raise ConfigError(
            f'"{rule.name}" has the core "{rule.config.core}" and the base "{rule.config.base}", and only residuals of '
            "a linear core around a base, and controls, can be read: name a rule trained with rules.lpg.core=linear "
            "and a base, or with rules.lpg.controls=true."
        )
    return "\n\n".join(parts)


def _table(sums: tuple[str, str], inputs: Sequence[str], layer: Mapping[str, Any]) -> str:
    rows = {**dict(zip(inputs, layer["w"], strict=True)), "1": layer["b"]}
    lines = [f"| input | {' | '.join(sums)} |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {first:.2f} | {second:.2f} |" for name, (first, second) in rows.items())])


def main() -> None:
    """Print the tables."""
    if _RULE.value is None:
        raise ConfigError("--rule is missing: name a run directory or a rule file.")
    print(tables(load_lpg(_RULE.value)))


PROGRAM = Program(
    "Print the residual of a rule with a linear core, and its controls, as Markdown tables, one line per input.",
    "--rule runs/RUN",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
