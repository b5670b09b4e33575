"""The antagonists that a run may name: hand-written rules, the best policy of a level, and rules that stay fixed.

`rule:NAME` is a released rule, a run's directory, a rule file or `disco103=PATH`, or a hand-written rule with settings
in brackets. A run records it as `rule:NAME#DIGEST`, with an absolute path, so that it is never resumed with another
rule.
"""

import re
from typing import Any

from groove.dropin.disco_file import weights_path
from groove.dropin.find import NamedRule, named_rule
from groove.dropin.rule_file import released_rules
from groove.lpg.base import UpdateRule
from groove.lpg.disco import NAME as DISCO
from groove.lpg.registry import hand_written, make_rule
from groove.training.config import Config
from groove.utils.errors import ConfigError, GrooveError, unknown_name
from groove.utils.paths import user_path

OPTIMAL = "optimal"  # the antagonist that plays the best policy, by dynamic programming
_RULE = "rule:"
_DIGEST = re.compile(r"#[0-9a-f]{16}$")


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
    where = _DIGEST.sub("", name.removeprefix(_RULE))
    if (weights := weights_path(where)) is not None:
        place, bracket, settings = weights.partition("[")
        where = f"{DISCO}={user_path(place).absolute()}{bracket}{settings}"
    elif where not in released_rules() and user_path(where).exists():  # otherwise a hand-written rule with settings
        where = str(user_path(where).absolute())
    return f"{_RULE}{where}#{_find(name).identity}"


def short_name(name: str) -> str:
    """Return the name of an antagonist for a legend, without folders and digests."""
    return _DIGEST.sub("", name).rpartition("/")[2].removeprefix(_RULE)


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
    where, digest = _DIGEST.sub("", name.removeprefix(_RULE)), _DIGEST.search(name)
    if not where:
        raise ConfigError(f'the antagonist "{name}" names no rule: write for instance rule:groove.')
    try:
        found = named_rule(where)
    except GrooveError as error:
        raise ConfigError(f'the antagonist "{name}": {error}') from error
    if digest and digest[0] != f"#{found.identity}":
        raise ConfigError(
            f'the antagonist "{where}" is not the rule that it was: it has digest {found.identity}, not '
            f"{digest[0][1:]}. Restore the file, or name the rule without a digest in a new run."
        )
    return found
