"""Configurations of earlier versions in today's form."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from groove.lpg.ppo import PPOConfig
from groove.lpg.registry import learned
from groove.training.settings.config import Config
from groove.utils.errors import ConfigError, unknown_name
from groove.utils.typed_fields import flatten, from_dict

# dotted prefix or path of version 0.0 -> today's
_RENAMED: Mapping[str, str] = {
    "agent": "table_agent",
    "network": "network_agent",
    "ppo_agent.learning_rate": "rules.ppo.table_learning_rate",
    "lpg": "rules.lpg",
    "a2c": "rules.a2c",
    "ppo": "rules.ppo",
    "meta.prediction_entropy": "rules.lpg.prediction_entropy",
    "meta.pi_hat_l2": "rules.lpg.pi_hat_l2",
    "meta.y_hat_l2": "rules.lpg.y_hat_l2",
    "meta.trace": "critic.trace",
    **{
        f"meta.{name}": f"gradient.{name}"
        for name in (
            "updates",
            "learning_rate",
            "final_learning_rate",
            "decay_steps",
            "max_grad_norm",
            "policy_entropy",
            "normalise_advantages",
            "normalise_slots",
            "micro_batch",
        )
    },
}
# settings that no longer exist, with the only value that today's version reproduces
_DROPPED: Mapping[str, Any] = {
    f"ppo_agent.{field.name}": field.default
    for field in dataclasses.fields(Config().table_agent)
    if field.name != "learning_rate"
}
# Whole sections of PPO's settings without this field are from before it existed, when rewards were not scaled.
_SCALE = "rules.ppo.scale_rewards"
_PPO_BEFORE_SCALES = {f"rules.ppo.{field.name}" for field in dataclasses.fields(PPOConfig)} - {_SCALE}


def read_config(values: Mapping[str, Any]) -> Config:
    """Return the configuration that a dictionary of this or an earlier version describes.

    Raises:
      ConfigError: on a field that no version knows, a value of another type, a value that this version cannot
        reproduce, or a learned rule that is not registered.
    """
    config = from_dict(Config(), upgrade(values))
    if config.rule not in learned():
        raise unknown_name("learned rule", config.rule, learned())
    return config


def upgrade(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return {dotted path: value} under today's names."""
    today: dict[str, Any] = {}
    for path, value in flatten(values).items():
        if path in _DROPPED:
            if _plain(value) != _plain(_DROPPED[path]):
                raise ConfigError(f"{path} = {value} was set by an earlier version and has no counterpart today.")
            continue
        if path == "meta.decay_steps" and values["meta"].get("optimizer") == "es":
            continue  # earlier versions wrote this field under evolution strategies, which never read it
        today[new_name(path) or path] = value
    if today.keys() >= _PPO_BEFORE_SCALES and "ppo" in today.get("antagonists", ()):
        today.setdefault(_SCALE, False)
    return today


def new_name(path: str) -> str | None:
    """Return today's name of a field of an earlier version; None if the field was not renamed."""
    for old in (path, path.partition(".")[0]):
        if old in _RENAMED:
            return _RENAMED[old] + path[len(old) :]
    return None


def earlier_names(fields: Iterable[str]) -> dict[str, str]:
    """Return {earlier name: today's name} of the fields that were renamed."""
    return {
        old + field[len(today) :]: field
        for field in fields
        for old, today in _RENAMED.items()
        if field == today or field.startswith(f"{today}.")
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON would return it."""
    return list(value) if isinstance(value, tuple) else value
