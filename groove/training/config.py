"""The configuration of a run: frozen dataclasses, named presets, typed overrides, validation, JSON round trip."""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from groove.agents.agent import AgentConfig
from groove.curriculum.plr_config import PLRConfig
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.lpg.a2c import A2CConfig
from groove.lpg.network import LPGConfig
from groove.lpg.ppo import PPOConfig
from groove.meta.es import ESConfig
from groove.meta.gradient import MetaConfig
from groove.utils.errors import ConfigError, nearest


@dataclass(frozen=True)
class SlotsConfig:
    """How many lifetimes are trained at once, and in what portions.

    Attributes:
      count: N, slots.
      workers: W, environment workers of a slot.
      steps: T, environment steps of a worker in one rollout.
      stagger: groups in which the first lifetimes end, so that old and young agents are always mixed.
      episodes: evaluation episodes of a finished lifetime.
      chunk: finished slots evaluated side by side on one device.
    """

    count: int = 512
    workers: int = 64
    steps: int = 20
    stagger: int = 8
    episodes: int = 64
    chunk: int = 8


@dataclass(frozen=True)
class ValidationConfig:
    """Meta-validation on unseen random levels.

    Attributes:
      levels: how many, the same throughout the run.
      lifetime: agent updates of every agent in it.
      episodes: evaluation episodes of each agent at the end of its lifetime.
      every: meta-steps between validations; 0 for the end only.
      batch: levels trained on side by side.
    """

    levels: int = 256
    lifetime: int = 250
    episodes: int = 16
    every: int = 0
    batch: int = 64


@dataclass(frozen=True)
class RunConfig:
    """How long a run is and what it writes.

    Attributes:
      steps: meta-steps.
      minutes: wall-clock limit on training, 0 for none; the run ends at whichever comes first.
      log_every: meta-steps between log rows, run as one program.
      checkpoint_every: meta-steps between checkpoints.
      wandb: also log to Weights & Biases.
    """

    steps: int = 5000
    minutes: float = 0.0
    log_every: int = 10
    checkpoint_every: int = 100
    wandb: bool = False


NETWORK = AgentConfig(torso="mlp", widths=(32,), optimizer="adam", learning_rate=1e-3)  # LPG's on random grids


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes.

    Attributes:
      preset: the named preset it started from.
      seed: of all randomness.
      devices: local devices the slots are shared out over; 0 for as many as divide them.
      curriculum: where levels come from and what they are replayed by, as `parse_curriculum` reads it.
      antagonists: what algorithmic regret is measured against: a2c, ppo, random, optimal; the best of several.
      levels: the distribution random levels are drawn from.
      sizes: static sizes of levels, enlarged where a source needs it.
      agent: what the learned rule and the antagonists train where observations are an index.
      network: the same where observations are an array.
      lpg: the learned rule; its `discount` is the run's.
      a2c, ppo: hand-written rules.
      ppo_agent: what PPO trains where observations are an index; it takes more and therefore smaller steps than A2C.
      meta: how the learned rule is moved, by the meta-gradient or, with `meta.optimizer=es`, as `es` says.
      plr: the level buffer.
    """

    preset: str = "paper"
    seed: int = 0
    devices: int = 0
    curriculum: str = "ar"
    antagonists: tuple[str, ...] = ("a2c",)
    levels: LevelDistribution = field(default_factory=LevelDistribution)
    sizes: GridSizes = field(default_factory=GridSizes)
    agent: AgentConfig = field(default_factory=AgentConfig)
    network: AgentConfig = field(default_factory=lambda: NETWORK)
    lpg: LPGConfig = field(default_factory=LPGConfig)
    a2c: A2CConfig = field(default_factory=A2CConfig)
    ppo: PPOConfig = field(default_factory=PPOConfig)
    ppo_agent: AgentConfig = field(default_factory=lambda: AgentConfig(learning_rate=3.0))
    meta: MetaConfig = field(default_factory=MetaConfig)
    es: ESConfig = field(default_factory=ESConfig)
    plr: PLRConfig = field(default_factory=PLRConfig)
    slots: SlotsConfig = field(default_factory=SlotsConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    run: RunConfig = field(default_factory=RunConfig)


_LAPTOP: Mapping[str, Any] = {
    "lpg.hidden": 64,
    "slots.count": 64,
    "slots.workers": 16,
    "slots.episodes": 32,
    "slots.chunk": 4,
    "plr.buffer_size": 1000,
    "es.population": 64,
    "es.pairs_at_once": 4,
    "meta.micro_batch": 8,
    "meta.learning_rate": 5e-4,
    "meta.final_learning_rate": 1e-4,
    "run.steps": 500,
    "run.minutes": 8.0,
    "validation.every": 250,
}
PRESETS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "paper": (
        "the sizes of the paper: 512 slots, GRU 256; for one modern accelerator",
        {"meta.micro_batch": 32, "validation.every": 500, "run.checkpoint_every": 100},
    ),
    "laptop": ("64 slots of 16 workers, GRU 64: a rule near A2C's level in minutes on two cores", _LAPTOP),
    "release": (
        "what released rules were trained with: the laptop's sizes and longer lives, for agents that are networks",
        {
            **_LAPTOP,
            "levels.min_lifetime": 100,
            "levels.max_lifetime": 1000,
            "lpg.embedding_gain": 30.0,  # at 1 rules hardly come to use predictions
            "meta.policy_entropy": 0.05,
            "meta.learning_rate": 1e-3,
            "meta.final_learning_rate": 1e-4,
            "run.steps": 1000,
            "run.minutes": 0.0,
        },
    ),
    "smoke": (
        "seconds: does everything run?",
        {
            "lpg.hidden": 8,
            "levels.min_steps": 5,
            "levels.max_steps": 10,
            "levels.min_lifetime": 10,
            "levels.max_lifetime": 10,
            "slots.count": 8,
            "slots.workers": 4,
            "slots.steps": 5,
            "slots.stagger": 2,
            "slots.episodes": 4,
            "slots.chunk": 4,
            "plr.buffer_size": 32,
            "meta.updates": 2,
            "meta.micro_batch": 2,
            "run.steps": 20,
            "run.log_every": 5,
            "run.checkpoint_every": 10,
            "validation.levels": 8,
            "validation.lifetime": 10,
            "validation.episodes": 4,
            "validation.every": 10,
            "validation.batch": 8,
            "es.population": 8,
            "es.pairs_at_once": 2,
        },
    ),
}


def preset(name: str) -> Config:
    """The named preset.

    Raises:
      ConfigError: naming the nearest preset.
    """
    if name not in PRESETS:
        raise ConfigError(f'unknown config "{name}"{nearest(name, PRESETS)}; there are {", ".join(sorted(PRESETS))}.')
    return replace_all(Config(preset=name), PRESETS[name][1])


def override(config: Config, assignment: str) -> Config:
    """Applies one "field.subfield=value" of the command line, the value read as the field's type.

    Raises:
      ConfigError: on an unknown field, with the nearest one, or a value of another type.
    """
    path, equals, text = assignment.partition("=")
    if not equals:
        raise ConfigError(f'"{assignment}" is not an assignment; write for instance meta.learning_rate=3e-4.')
    return replace(config, path.strip(), _parse(path.strip(), text.strip(), _field_type(config, path.strip())))


def replace(config: Any, path: str, value: Any) -> Any:
    """The config with one field, named by its dotted path, replaced."""
    head, _, rest = path.partition(".")
    _require_field(config, head, path)
    return dataclasses.replace(config, **{head: replace(getattr(config, head), rest, value) if rest else value})


def replace_all(config: Config, values: Mapping[str, Any]) -> Config:
    """The config with several fields, named by their dotted paths, replaced."""
    for path, value in values.items():
        config = replace(config, path, value)
    return config


def to_dict(config: Config) -> dict[str, Any]:
    """The config as JSON can hold it."""
    return typing.cast(dict[str, Any], json.loads(json.dumps(dataclasses.asdict(config))))


def from_dict(values: Mapping[str, Any]) -> Config:
    """The config that `to_dict` wrote; fields it does not mention have their defaults.

    Raises:
      ConfigError: on a field this version does not know, or a value of another type.
    """
    config = Config()
    for path, value in flatten(values).items():
        kind = _field_type(config, path)
        config = replace(config, path, _parse(path, value if isinstance(value, str) else json.dumps(value), kind))
    return config


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def _field_type(config: Any, path: str) -> Any:
    for name in (parts := path.split(".")):
        _require_field(config, name, path)
        kind = typing.get_type_hints(type(config))[name]
        config = getattr(config, name)
    if dataclasses.is_dataclass(config):
        fields = ", ".join(f.name for f in dataclasses.fields(config))
        raise ConfigError(f"{path} is a group of fields; set one of them ({fields}), as in {parts[-1]}.FIELD=VALUE.")
    return kind


def _require_field(config: Any, name: str, path: str) -> None:
    names = [f.name for f in dataclasses.fields(config)] if dataclasses.is_dataclass(config) else []
    if name not in names:
        everywhere = flatten(dataclasses.asdict(Config()))
        raise ConfigError(f'unknown field "{path}"{nearest(path, everywhere)}.')


def _parse(path: str, text: str, kind: Any) -> Any:
    """Reads text as `kind`: bool, int, float, str, a Literal, or a tuple of numbers."""
    wrong = ConfigError(f'{path} takes {_describe(kind)}, not "{text}".')
    if typing.get_origin(kind) is typing.Literal:
        if text not in typing.get_args(kind):
            raise wrong
        return text
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise wrong
        return text.lower() == "true"
    try:
        if typing.get_origin(kind) is tuple:
            items = [item.strip('" ') for item in text.strip("()[] ").split(",") if item.strip()]
            return tuple(typing.get_args(kind)[0](item) for item in items)
        return kind(text)
    except (ValueError, TypeError):
        raise wrong from None


def _describe(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return "one of " + ", ".join(typing.get_args(kind))
    if isinstance(kind, types.GenericAlias):
        return f"a comma-separated list of {typing.get_args(kind)[0].__name__}"
    return {bool: "true or false", int: "an integer", float: "a number", str: "text"}[kind]
