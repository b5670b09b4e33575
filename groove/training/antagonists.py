"""The antagonists that a run may name: hand-written rules, the best policy of a level, and rules that stay fixed.

`rule:NAME` is a released rule, a run's directory or a rule file, or a hand-written rule with settings in brackets. A
run records it as `rule:NAME#DIGEST`, with an absolute path.
"""

from typing import Any

from groove.dropin.find import NamedRule
from groove.lpg.base import UpdateRule
from groove.lpg.registry import hand_written, make_rule
from groove.training.config import Config
from groove.training.pinned_rules import find_pinned, pin_rule, without_digest
from groove.utils.errors import unknown_name

OPTIMAL = "optimal"  # the antagonist that plays the best policy, by dynamic programming
_RULE = "rule:"


def check_antagonist(name: str) -> None:
    """Refuse the name of an antagonist that does not exist.

    Raises:
      GrooveError: that says which ones do, or why the rule cannot be read.
    """
    if name.startswith(_RULE):
        _find(name)
    elif name not in (*hand_written(), OPTIMAL):
        raise unknown_name("antagonist", name, (*hand_written(), OPTIMAL, "rule:NAME"))


def pin_antagonist(name: str) -> str:
    """Return the name that a run records: with an absolute path and the digest of the rule, for `rule:NAME`."""
    if not name.startswith(_RULE):
        return name
    return f"{_RULE}{pin_rule(name.removeprefix(_RULE), _role(name))}"


def short_name(name: str) -> str:
    """Return the name of an antagonist for a legend, without folders and digests."""
    return without_digest(name).rpartition("/")[2].removeprefix(_RULE)


def antagonist_rule(name: str, config: Config) -> tuple[UpdateRule, Any]:
    """Return the rule of an antagonist other than the best policy, and its parameters.

    Raises:
      GrooveError: if a rule cannot be read, or is not the one that was pinned.
    """
    if name.startswith(_RULE):
        found = _find(name)
        return found.rule, found.eta
    return make_rule(name, config.rules[name], config.discount), ()


def _find(name: str) -> NamedRule:
    return find_pinned(name.removeprefix(_RULE), _role(name))


def _role(name: str) -> str:
    return f'the antagonist "{without_digest(name)}"'
