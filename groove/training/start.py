"""The rule that meta-training starts from, when it is not a new one: fine-tuning."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from groove.dropin.find import NamedRule
from groove.lpg.base import UpdateRule
from groove.lpg.registry import learned, make_rule
from groove.training.settings.config import Config
from groove.training.settings.pinned_rules import find_pinned, pin_rule, without_digest
from groove.types import Key
from groove.utils.errors import ConfigError


def with_settings_of_start(config: Config) -> Config:
    """Return the configuration with the kind and the settings of the rule that it starts from, if it names one.

    Raises:
      ConfigError: if there is no such rule, or it has no parameters.
    """
    if not config.start:
        return config
    found = _find(config)
    return dataclasses.replace(config, rule=found.rule.name, rules={**config.rules, found.rule.name: found.config})


def pin_start(name: str) -> str:
    """Return the name that a run records, with an absolute path and the digest of the rule."""
    return pin_rule(name, _role(name)) if name else name


def make_learned_rule(config: Config) -> UpdateRule:
    """Build the learned rule of a run, whose parameters begin as those of the rule that the run starts from.

    Raises:
      ConfigError: if the settings of the run make parameters of other shapes.
    """
    rule = make_rule(config.rule, config.rules[config.rule], config.discount)
    if not config.start:
        return rule
    eta = _find(config).eta
    if _shapes(eta) != _shapes(jax.eval_shape(rule.init, jax.random.key(0))):
        raise ConfigError(
            f"{_role(config.start)} has parameters of other shapes than rules.{config.rule} asks for: leave the "
            f"settings of rules.{config.rule} as they are, or start from another rule."
        )

    def init(key: Key) -> Any:
        del key  # nothing is random
        return jax.tree.map(jnp.asarray, eta)

    return rule._replace(init=init)


def _find(config: Config) -> NamedRule:
    found = find_pinned(config.start, _role(config.start))
    if found.rule.name not in learned():
        raise ConfigError(f"{_role(config.start)} has no parameters to train: name a learned rule, such as groove.")
    return found


def _role(name: str) -> str:
    return f'the rule to start from ("{without_digest(name)}")'


def _shapes(eta: Any) -> Any:
    return jax.tree.map(jnp.shape, eta, is_leaf=lambda x: hasattr(x, "shape"))
