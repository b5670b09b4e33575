"""The residual of a rule with a linear core as a Markdown table, one line per input.

python figures/analysis/linear_rule.py --rule runs/RUN
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

import groove
from groove.cli._main import FlagSet, Program, run_program
from groove.lpg.network import input_names
from groove.utils.errors import ConfigError

_FLAGS = FlagSet()
_RULE = _FLAGS.string("rule", None, "A rule with a base and a linear core: a run directory or a rule file.")


def table(rule: groove.Rule) -> str:
    """Return a Markdown table of the numbers from which m and b of pi_hat = A + tanh(m) A + tanh(b) are summed.

    Args:
      rule: the rule.

    Raises:
      ConfigError: if the rule has no base or another core.
    """
    if rule.config.core != "linear" or rule.config.base == "none":
        raise ConfigError(
            f'"{rule.name}" has the core "{rule.config.core}" and the base "{rule.config.base}", and only residuals of '
            "a linear core around a base can be read: name a rule trained with rules.lpg.core=linear and a base."
        )
    residual = rule.eta["residual"]
    rows = {**dict(zip(input_names(rule.config), residual["w"], strict=True)), "1": residual["b"]}
    lines = ["| input | m | b |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {m:.2f} | {b:.2f} |" for name, (m, b) in rows.items())])


def main() -> None:
    """Print the table."""
    if _RULE.value is None:
        raise ConfigError("--rule is missing: name a run directory or a rule file.")
    print(table(groove.load(_RULE.value)))


PROGRAM = Program(
    "Print the residual of a rule with a linear core as a Markdown table, one line per input.",
    "--rule runs/RUN",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
