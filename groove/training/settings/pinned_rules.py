"""Rules that a run reads from elsewhere, recorded as NAME#DIGEST, so that a run is never resumed with another rule."""

import re

from groove.dropin.disco_file import weights_path
from groove.dropin.find import NamedRule, named_rule
from groove.dropin.rule_file import released_rules
from groove.lpg.disco import NAME as DISCO
from groove.utils.errors import ConfigError, GrooveError
from groove.utils.paths import user_path

_DIGEST = re.compile(r"#[0-9a-f]{16}$")


def find_pinned(name: str, role: str) -> NamedRule:
    """Return the rule that a run reads.

    Args:
      name: a released rule, a run's directory, a rule file, disco103=PATH, or a hand-written rule with settings in
        brackets; with or without its digest.
      role: what the rule is for, for messages, as in 'the antagonist "rule:groove"'.

    Raises:
      ConfigError: if there is no such rule, or it is not the one that was pinned.
    """
    where, digest = without_digest(name), _DIGEST.search(name)
    if not where:
        raise ConfigError(f"{role} names no rule: write for instance groove.")
    try:
        found = named_rule(where)
    except GrooveError as error:
        if digest and not user_path(where).exists():
            raise ConfigError(
                f"{role} does not exist: put the file back, or, if it moved, name its new place when the run is "
                "resumed, as in --from PATH, or beside the other antagonists, as in --antagonist a2c,rule:PATH."
            ) from error
        raise ConfigError(f"{role}: {error}") from error
    if digest and digest[0] != f"#{found.identity}":
        raise ConfigError(
            f"{role} is not the rule that it was: it has digest {found.identity}, not {digest[0][1:]}. Restore the "
            "file, or name the rule without a digest in a new run."
        )
    return found


def pin_rule(name: str, role: str) -> str:
    """Return the name that a run records: with an absolute path and the digest of the rule; see `find_pinned`."""
    where = without_digest(name)
    if (weights := weights_path(where)) is not None:
        place, bracket, settings = weights.partition("[")
        where = f"{DISCO}={user_path(place).absolute()}{bracket}{settings}"
    elif where not in released_rules() and user_path(where).exists():  # otherwise a hand-written rule with settings
        where = str(user_path(where).absolute())
    return f"{where}#{find_pinned(name, role).identity}"


def without_digest(name: str) -> str:
    """Return the name of a rule without its digest."""
    return _DIGEST.sub("", name)
