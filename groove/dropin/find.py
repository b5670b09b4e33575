"""Update rules by the names that users give: hand-written and released rules, runs, rule files, and disco103=PATH."""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import jax

from groove.dropin.disco_file import read_arrays, refuse_without_weights, weights_path
from groove.dropin.rule_file import RuleFileError, find_rule_file, fingerprint, load_rule, released_rules
from groove.envs.gridworld.level_file import without_place
from groove.lpg.base import UpdateRule
from groove.lpg.disco import NAME as DISCO
from groove.lpg.disco.config import DiscoConfig
from groove.lpg.disco.rule import make_disco
from groove.lpg.disco.weights import from_arrays
from groove.lpg.registry import RULES, hand_written, learned, make_rule
from groove.utils.errors import ConfigError, nearest, refuse_twice
from groove.utils.io import one_line
from groove.utils.jax_flags import standard_flags
from groove.utils.paths import PathLike, name_of, user_path
from groove.utils.typed_fields import assign, from_dict, range_complaints, split_assignment

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

DISCOUNT = 0.99  # of hand-written rules


@dataclass(frozen=True)
class NamedRule:
    """A rule that is ready to train agents.

    Attributes:
      name: the name for tables and plots.
      rule: the update rule.
      eta: the rule's parameters, NumPy arrays; () for hand-written rules.
      kind: cache key: rules with equal `kind` share a compiled program.
      identity: a digest of the configuration and the parameters, independent of names.
      about: the origin of the rule, JSON-able.
      config: the settings of the rule.
    """

    name: str
    rule: UpdateRule
    eta: Any
    kind: str
    identity: str
    about: Mapping[str, Any]
    config: Any

    @property
    def is_learned(self) -> bool:
        """Whether the rule has learned parameters, of this project or of Disco103."""
        return self.about.get("rule") not in hand_written()


def find_rules(names: list[str]) -> list[NamedRule]:
    """Find several rules, by NAME or LABEL=NAME; rules with one label are pooled, like the seeds of one method.

    Raises:
      GrooveError: if there are no names, a rule is not found or named twice, or two rules have one name but no label.
    """
    if not names:
        raise ConfigError("no rules were given; write for instance --rules runs/RUN,a2c,random.")
    rules = [find_rule(name) for name in names]
    for i, (name, rule) in enumerate(zip(names, rules, strict=True)):
        namesakes = [earlier for earlier in rules[:i] if earlier.name == rule.name]
        if any(earlier.identity == rule.identity for earlier in namesakes):
            raise ConfigError(f'"{name}" is there twice; name it once.')
        if namesakes and not _split_label(name)[0]:
            raise ConfigError(
                f'two rules are called "{rule.name}"; give them labels, as in first=runs/A,second=runs/B, or one label '
                "to pool them."
            )
    return rules


def find_rule(name: str) -> NamedRule:
    """Find a rule by NAME or LABEL=NAME; the label replaces the rule's name.

    An "=" in an existing path is no label: the label is the shortest that leaves the name of an existing rule.

    Args:
      name: see `named_rule`.

    Raises:
      GrooveError: if there is no such rule, or its file cannot be read.
    """
    label, where = _split_label(name)
    return named_rule(where, label)


def named_rule(where: PathLike, label: str = "") -> NamedRule:
    """Return the rule of a name, without the syntax of labels.

    Args:
      where: a hand-written rule ("a2c"), a released rule, the directory of a run (its last rule), a rule file, or
        "disco103=PATH"; "~" is the home folder. Settings in brackets replace the rule's own, as in
        "ppo[epochs=8;clip=0.1]".
      label: the name for tables and plots; by default the name of the rule, the directory or the file.

    Raises:
      GrooveError: if there is no such rule, its file cannot be read, or a setting is unknown, empty, given twice or of
        another type.
    """
    where, settings = split_settings(name_of(where, "the rule"))
    if where in hand_written():
        return _hand_written(where, label, settings)
    if (weights := weights_path(where)) is not None:
        return _disco(weights, label, settings)
    refuse_without_weights(where)
    try:
        path = find_rule_file(where)
    except RuleFileError as error:
        close = nearest(str(where), hand_written())
        raise ConfigError(f"{error} Hand-written rules are {', '.join(hand_written())}{close}.") from None
    folder = user_path(where)
    return _learned(path, label or (folder.resolve().name if folder.is_dir() else path.stem), settings)


def hand_written_identity(name: str, config: Any, discount: float) -> str:
    """Return the digest that a hand-written rule with these settings has as a `NamedRule`."""
    usual = RULES[name].config_type()
    changed = [
        f"{field.name}={getattr(config, field.name)}"
        for field in dataclasses.fields(config)
        if getattr(config, field.name) != getattr(usual, field.name)
    ]
    return _digest(_kind(name, config, discount) + _hidden(config, tuple(changed)))


def rule_config(about: Mapping[str, Any], where: str) -> tuple[str, Any]:
    """Return the name and the settings of the learned rule in a rule file.

    Args:
      about: the configuration in the rule file.
      where: the file, for the message.

    Raises:
      ConfigError: if the file holds something else.
    """
    name = about.get("rule")
    if name not in learned() or not isinstance(about.get(name), Mapping):
        raise ConfigError(f"{where} does not hold a learned rule: make one with launch/meta_train.py.")
    return name, from_dict(RULES[name].config_type(), about[name])


def split_settings(where: str) -> tuple[str, tuple[str, ...]]:
    """Split NAME[FIELD=VALUE;FIELD=VALUE] into the name and the assignments; an existing path has none."""
    name, bracket, inside = where.partition("[")
    if not bracket or not inside.endswith("]") or user_path(where).exists():
        return where, ()
    settings = tuple(inside[:-1].split(";"))
    if not all(part.strip() for part in settings):
        raise ConfigError(f'"{where}" holds an empty setting: write NAME[FIELD=VALUE;FIELD=VALUE], or the name alone.')
    return name, settings


def _assigned(config: T, settings: tuple[str, ...], name: str) -> T:
    """Return the settings of a rule with assignments applied.

    Raises:
      ConfigError: on an unknown field, a value of another type or outside its range, or a setting that is not read.
    """
    changed, fields = config, [split_assignment(assignment)[0] for assignment in settings]
    refuse_twice(f"{name}[...]", fields)
    for field, assignment in zip(fields, settings, strict=True):
        if field not in (known := [each.name for each in dataclasses.fields(config)]):
            has = ", ".join(known) or "none"
            raise ConfigError(
                f'the rule "{name}" has no setting "{field}"{nearest(field, known)}: its settings are {has}.'
            )
        changed = assign(changed, assignment)
    complaints = list(range_complaints(changed, f"{name}."))
    unread = RULES[name].unread(changed) if name in RULES else {}
    complaints += [f"{name}.{field} is read by rules with {unread[field]} only." for field in fields if field in unread]
    if complaints:
        raise ConfigError("\n".join(complaints))
    return changed


def _kind(name: str, config: Any, discount: float) -> str:
    """Return the part of a hand-written rule's kind that its shown settings decide."""
    return f"{name} {_settings_text(config)} discount={discount}"


def _settings_text(config: Any) -> str:
    return repr(config) if dataclasses.fields(config) else ""


def _hidden(config: Any, assignments: tuple[str, ...]) -> str:
    """Return the assignments to fields that `repr(config)` does not show, as a part of the rule's kind."""
    fields = {field.name for field in dataclasses.fields(config) if not field.repr}
    return "".join(f" {each}" for each in sorted(assignments) if each.partition("=")[0].strip() in fields)


def _split_label(name: str) -> tuple[str, str]:
    """Split LABEL=NAME into its parts; the label is empty if there is none."""
    if _exists(name) or "=" not in name:
        return "", name
    for position in (i for i, letter in enumerate(name) if letter == "=" and i > 0):
        label, where = name[:position], name[position + 1 :]
        if _exists(where):
            return label, where
    label, _, where = name.rpartition("=")
    if not label:
        raise ConfigError(f'"{name}" has no label before "="; write LABEL={where}.')
    return label, where


def _exists(where: str) -> bool:
    name = split_settings(where)[0]
    known = name in hand_written() or name in released_rules() or weights_path(name) is not None
    return known or user_path(name).exists()


def _hand_written(name: str, label: str, assignments: tuple[str, ...]) -> NamedRule:
    config = _assigned(RULES[name].config_type(), assignments, name)
    settings = _settings_text(config)
    label = label or f"{name}[{';'.join(assignments)}]" if assignments else label
    kind = f"{_kind(name, config, DISCOUNT)}{_hidden(config, assignments)}"
    rule = make_rule(name, config, DISCOUNT)
    return NamedRule(label or name, rule, (), kind, _digest(kind), {"rule": name, "settings": settings}, config)


def _disco(weights: str, label: str, assignments: tuple[str, ...]) -> NamedRule:
    arrays = read_arrays(weights)
    eta, digest = from_arrays(arrays, weights), fingerprint(arrays)
    config = _assigned(DiscoConfig(), assignments, DISCO)
    kind = f"{DISCO} {config!r}"
    name = f"{DISCO}[{';'.join(assignments)}]" if assignments else DISCO
    about = {"rule": DISCO, "settings": repr(config), "weights": digest}
    return NamedRule(label or name, make_disco(config), eta, kind, _digest(kind, digest), about, config)


def _learned(path: Path, label: str, assignments: tuple[str, ...]) -> NamedRule:
    eta, about = load_rule(path)
    name, config = rule_config(about, str(path))
    config = _assigned(config, assignments, name)
    kind = f"{name} {config!r}{_hidden(config, assignments)}"
    origin = {key: value for key, value in about.items() if key in ("rule", "meta_steps", "released")}
    trained = about.get("trained_with", {})
    if not isinstance(trained, Mapping):
        raise ConfigError(f"{path} has an origin that cannot be read (trained_with): get it again.")
    origin |= {key: trained[key] for key in ("seed", "preset") if key in trained}
    if "curriculum" in trained:
        origin["curriculum"] = without_place(str(trained["curriculum"]))
    rule = make_rule(name, config, config.discount)
    digest = _digest(kind, fingerprint(eta))
    return NamedRule(label, rule, _fitted(path, rule, eta), kind, digest, origin, config)


def _fitted(path: Path, rule: UpdateRule, eta: Any) -> Any:
    """Return the arrays of a rule file in the form that the rule has them; nothing is computed or allocated.

    Raises:
      ConfigError: that names the first difference.
    """
    try:
        with standard_flags():
            form = jax.eval_shape(lambda: rule.init(jax.random.key(0)))
    except (TypeError, ValueError, OverflowError) as error:  # sizes that no array can have
        raise ConfigError(f"{path} has settings that no rule can have ({one_line(error)}): get it again.") from error
    arrays, places = _by_name(eta), _by_name(form)
    held, wanted = ({name: f"{x.dtype}{list(x.shape)}" for name, x in each.items()} for each in (arrays, places))
    for array in sorted(wanted.keys() | held.keys()):
        if wanted.get(array) != held.get(array):
            raise ConfigError(
                f"{path} does not fit its own settings, because {array} is {held.get(array, 'absent')} and should be "
                f"{wanted.get(array, 'absent')}: get it again."
            )
    return jax.tree.unflatten(jax.tree.structure(form), [arrays[name] for name in places])


def _by_name(tree: Any) -> dict[str, Any]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def _digest(kind: str, weights: str = "") -> str:
    return hashlib.sha256(f"{kind} {weights}".encode()).hexdigest()[:16]
