"""Update rules by the names users give them: hand-written and released ones, runs, rule files."""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groove.dropin.rule_file import RuleFileError, find_rule_file, fingerprint, load_rule
from groove.envs.gridworld.level_file import without_place
from groove.lpg.base import UpdateRule
from groove.lpg.registry import RULES, hand_written, learned, make_rule
from groove.utils.errors import ConfigError, nearest
from groove.utils.typed_fields import from_dict

DISCOUNT = 0.99


@dataclass(frozen=True)
class NamedRule:
    """A rule ready to train agents.

    Attributes:
      name: as it is shown.
      rule: what updates agents.
      eta: its parameters, NumPy arrays; () for hand-written ones.
      kind: what makes one program of two rules if it is equal: the rule's configuration.
      identity: a digest of the configuration and the parameters; names do not matter.
      about: where it comes from, JSON-able.
      config: the settings of a learned rule; None for hand-written ones.
    """

    name: str
    rule: UpdateRule
    eta: Any
    kind: str
    identity: str
    about: Mapping[str, Any]
    config: Any = None


def find_rules(names: list[str]) -> list[NamedRule]:
    """Finds several rules, by NAME or LABEL=NAME; a label given to several pools them, as the seeds of one method.

    Raises:
      ValueError: if there are none, one is not found or there twice, or two have one name by accident.
    """
    if not names:
        raise ConfigError("no rules were given; write for instance --rules runs/RUN,a2c,random.")
    rules = [find_rule(name) for name in names]
    for i, (name, rule) in enumerate(zip(names, rules, strict=True)):
        alike = [before for before in rules[:i] if before.name == rule.name]
        if any(before.identity == rule.identity for before in alike):
            raise ConfigError(f'"{name}" is there twice; name it once.')
        if alike and "=" not in name:
            raise ConfigError(
                f'two rules are called "{rule.name}"; give them labels, as in first=runs/A,second=runs/B, or one label '
                "to pool them."
            )
    return rules


def find_rule(name: str) -> NamedRule:
    """Finds a rule.

    Args:
      name: "a2c", "ppo", "random", a released rule, a run's directory (its last rule) or a rule file; LABEL=RULE shows
        it as LABEL.

    Raises:
      ValueError: if there is no such rule, or its file cannot be read.
    """
    label, given, where = name.rpartition("=")
    if given and not label:
        raise ConfigError(f'"{name}" has no label before "="; write LABEL={where}.')
    if where in hand_written():
        return _hand_written(where, label)
    try:
        path = find_rule_file(where)
    except RuleFileError as error:
        raise ConfigError(
            f"{error} Written by hand are {', '.join(hand_written())}{nearest(where, hand_written())}."
        ) from None
    folder = Path(where)
    return _learned(path, label or (folder.resolve().name if folder.is_dir() else path.stem))


def rule_config(about: Mapping[str, Any], where: str) -> tuple[str, Any]:
    """Return the name and the settings of the learned rule that a rule file says it holds.

    Raises:
      ConfigError: if the file holds something else.
    """
    name = about.get("rule")
    if name not in learned() or not isinstance(about.get(name), Mapping):
        raise ConfigError(f"{where} does not hold a learned rule: make one with launch/meta_train.py.")
    return name, from_dict(RULES[name].config_type(), about[name])


def _hand_written(name: str, label: str) -> NamedRule:
    config = RULES[name].config_type()
    settings = repr(config) if dataclasses.fields(config) else ""
    kind = f"{name} {settings} discount={DISCOUNT}"
    rule = make_rule(name, config, DISCOUNT)
    return NamedRule(label or name, rule, (), kind, _digest(kind), {"rule": name, "settings": settings})


def _learned(path: Path, label: str) -> NamedRule:
    eta, about = load_rule(path)
    name, config = rule_config(about, str(path))
    kind = f"{name} {config!r}"
    origin = {name: value for name, value in about.items() if name in ("rule", "meta_steps", "released")}
    trained = about.get("trained_with", {})
    origin |= {name: trained[name] for name in ("seed", "preset") if name in trained}
    if "curriculum" in trained:
        origin["curriculum"] = without_place(trained["curriculum"])
    rule = make_rule(name, config, config.discount)
    return NamedRule(label, rule, eta, kind, _digest(kind, fingerprint(eta)), origin, config)


def _digest(kind: str, weights: str = "") -> str:
    return hashlib.sha256(f"{kind} {weights}".encode()).hexdigest()[:16]
