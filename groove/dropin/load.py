"""Learned rules by name, as drop-in rules."""

import os
from pathlib import Path

import jax

from groove.dropin.disco_rule import DiscoRule
from groove.dropin.find import NamedRule, named_rule, split_settings
from groove.dropin.rule import Rule
from groove.dropin.rule_file import find_rule_file
from groove.lpg.disco.config import DiscoConfig
from groove.lpg.lpg_config import LPGConfig
from groove.utils.errors import GrooveError
from groove.utils.io import one_line
from groove.utils.paths import PathLike


def load(name: PathLike) -> Rule | DiscoRule:
    """Load a learned rule; no code from files is run.

    Args:
      name: the name of a released rule, the directory of a run, a rule file, or "disco103=PATH"; "~" is the home
        folder. Settings in brackets replace the rule's own, as in "paper-lpg[prediction_coefficient=0.1]".

    Raises:
      GrooveError: if there is no such rule, its file is damaged, or the rule is of another kind.
    """
    found = _find(name)
    if isinstance(found.config, DiscoConfig):
        return DiscoRule(found.name, found.eta, found.about)
    return _lpg(name, found)


def load_lpg(name: PathLike) -> Rule:
    """Load a learned rule of the kind "lpg".

    Args:
      name: see `load`.

    Raises:
      GrooveError: see `load`.
    """
    return _lpg(name, _find(name))


def _find(name: PathLike) -> NamedRule:
    found = named_rule(name)
    if not found.is_learned:
        raise GrooveError(f'"{name}" is written by hand and has no weights to load; name a learned rule.')
    for array in jax.tree.leaves(found.eta):
        array.setflags(write=False)
    return found


def _lpg(name: PathLike, found: NamedRule) -> Rule:
    if not isinstance(found.config, LPGConfig):
        raise GrooveError(
            f'"{name}" is a rule of the kind "{found.rule.name}", and groove.load reads the kind "lpg" only: '
            "test the rule with launch/meta_test.py."
        )
    for array in jax.tree.leaves(found.eta):
        array.setflags(write=False)
    file = find_rule_file(split_settings(os.fspath(name))[0])
    return Rule(found.name, found.config, found.eta, found.about, _read_card(file.with_suffix(".md")))


def _read_card(path: Path) -> str:
    """Return the model card; empty if there is none. Bytes that are no UTF-8 do not keep a sound rule from use."""
    try:
        return path.read_text("utf-8", errors="replace") if path.is_file() else ""
    except OSError as error:
        raise GrooveError(f"{path} cannot be read ({one_line(error)}): make it readable, or move it away.") from error
