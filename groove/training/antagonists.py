"""The antagonists that a run may name: hand-written rules, the best policy of a level, earlier and fixed learned rules.

`self:SHARE` is the learned rule itself as it was after a share of the meta-steps. `rule:NAME` is a released rule, a
run's directory, a rule file or `disco103=PATH`, or a hand-written rule with settings in brackets. A run records it as
`rule:NAME#DIGEST`, with an absolute path.
"""

import math
from collections.abc import Sequence
from typing import Any

from groove.dropin.find import NamedRule, hand_written_identity
from groove.lpg.base import UpdateRule
from groove.lpg.registry import hand_written, make_rule
from groove.training.settings.config import Config
from groove.training.settings.pinned_rules import find_pinned, pin_rule, without_digest
from groove.utils.errors import ConfigError, unknown_name

SELF = "self"
OPTIMAL = "optimal"  # the antagonist that plays the best policy, by dynamic programming
NAMED = "rule:"
_SHARE = 0.5  # of self, without a share


def check_antagonist(name: str) -> None:
    """Refuse the name of an antagonist that does not exist.

    Raises:
      GrooveError: that says which ones do, or why the rule cannot be read.
    """
    if name.startswith(NAMED):
        find_antagonist(name)
    elif past_share(name) is not None:
        return
    elif name not in (*hand_written(), OPTIMAL):
        raise unknown_name("antagonist", name, (*hand_written(), OPTIMAL, "self:0.5", "rule:NAME"))


def pin_antagonist(name: str) -> str:
    """Return the name that a run records: with an absolute path and the digest of the rule, for `rule:NAME`."""
    if (share := past_share(name)) is not None:
        return f"{SELF}:{share:g}"
    if not name.startswith(NAMED):
        return name
    return f"{NAMED}{pin_rule(name.removeprefix(NAMED), _role(name))}"


def refuse_same_antagonists(names: Sequence[str], config: Config) -> None:
    """Refuse two names of one rule.

    Raises:
      ConfigError: that gives both names.
    """
    known: dict[str, str] = {}
    for name in names:
        identity = pin_antagonist(name)
        if name.startswith(NAMED):
            identity = find_antagonist(name).identity
        elif name in hand_written():
            identity = hand_written_identity(name, config.rules[name], config.discount)
        if (other := known.setdefault(identity, name)) != name:
            raise ConfigError(f"the antagonists {other} and {name} are the same rule: name it once.")


def short_name(name: str) -> str:
    """Return the name of an antagonist for a legend, without folders and digests."""
    return without_digest(name).rpartition("/")[2].removeprefix(NAMED)


def past_share(name: str) -> float | None:
    """Return the share of the meta-steps after which the antagonist is the learned rule itself; None for others.

    Raises:
      ConfigError: if the share is not between 0 and 1.
    """
    head, colon, text = name.partition(":")
    if head != SELF:
        return None
    try:
        share = float(text) if colon else _SHARE
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise ConfigError(f'the antagonist "{name}": write self:SHARE with a share between 0 and 1, as in self:0.5.')
    return share


def past_shares(names: Sequence[str]) -> list[float]:
    """Return the share of every antagonist that is the learned rule itself, in order."""
    return [share for name in names if (share := past_share(name)) is not None]


def antagonist_rule(name: str, config: Config) -> tuple[UpdateRule, Any]:
    """Return the rule of an antagonist other than the best policy and the learned rule itself, and its parameters.

    Raises:
      GrooveError: if a rule cannot be read, or is not the one that was pinned.
    """
    if name.startswith(NAMED):
        found = find_antagonist(name)
        return found.rule, found.eta
    return make_rule(name, config.rules[name], config.discount), ()


def find_antagonist(name: str) -> NamedRule:
    """Return the rule of an antagonist rule:NAME.

    Raises:
      GrooveError: if it cannot be read, or is not the one that was pinned.
    """
    return find_pinned(name.removeprefix(NAMED), _role(name))


def _role(name: str) -> str:
    return f'the antagonist "{without_digest(name)}"'
