"""Named presets: the sizes of a run."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from groove.training.settings.config import Config
from groove.utils.errors import check_name
from groove.utils.typed_fields import replace_all


class Preset(NamedTuple):
    """A preset.

    Attributes:
      about: one line that says what the preset is for.
      values: dotted path of a field -> value, where it differs from the field's default.
    """

    about: str
    values: Mapping[str, Any]


_LAPTOP: Mapping[str, Any] = {
    "rules.lpg.hidden": 64,
    "slots.count": 64,
    "slots.workers": 16,
    "slots.episodes": 32,
    "slots.chunk": 4,
    "plr.buffer_size": 1000,
    "es.population": 64,
    "es.pairs_at_once": 4,
    "gradient.micro_batch": 8,
    "gradient.learning_rate": 5e-4,
    "gradient.final_learning_rate": 1e-4,
    "run.steps": 500,
    "run.minutes": 8.0,
    "validation.every": 250,
}
PRESETS: Mapping[str, Preset] = {
    "paper": Preset(
        "the sizes of the paper: 512 slots, GRU 256; for one modern accelerator",
        {"gradient.micro_batch": 32, "validation.every": 500, "run.checkpoint_every": 100},
    ),
    "laptop": Preset("64 slots of 16 workers, GRU 64: a rule near A2C's level in minutes on two cores", _LAPTOP),
    "release": Preset(
        "the settings of paper-groove: the laptop's sizes, and longer lifetimes for agents that are networks",
        {
            **_LAPTOP,
            "levels.min_lifetime": 100,
            "levels.max_lifetime": 1000,
            "rules.lpg.embedding_gain": 30.0,  # at a gain of 1, rules hardly learn to use predictions
            "gradient.policy_entropy": 0.05,
            "gradient.learning_rate": 1e-3,
            "gradient.final_learning_rate": 1e-4,
            "run.steps": 1000,
            "run.minutes": 0.0,
        },
    ),
    "controls": Preset(
        "a rule of 14 numbers that sets the steps and the entropy of PPO, by evolution strategies; hours on two cores; "
        "for --curriculum ar@varied=0.35,worlds=0.4,dr=0.25",
        {
            **_LAPTOP,
            "levels.min_lifetime": 100,  # shorter lifetimes favour policies that settle early
            "levels.max_lifetime": 800,
            "antagonists": ("ppo",),
            "rules.lpg.base": "ppo",
            "rules.lpg.core": "none",
            "rules.lpg.controls": True,
            "slots.rate_spread": 2.0,  # users' rates are never exactly right
            # tables do as well with a third of their steps, but fail with three times as many, which suit networks
            "rules.lpg.table_step": 0.3,
            "meta.optimizer": "es",
            "es.shaping": "relative",
            "es.sigma": 0.1,  # a wide spread favours large steps: their loss is limited, that of small ones is not
            "es.sigma_decay": 0.99,
            "es.final_sigma": 0.05,
            "es.learning_rate": 0.04,
            "es.decay": 0.97,
            "es.final_learning_rate": 3e-3,
            "es.pairs_at_once": 1,  # lifetimes differ by a factor of eight
            "run.steps": 80,
            "run.minutes": 0.0,
            "run.log_every": 1,
            "run.checkpoint_every": 10,
            "validation.every": 0,
        },
    ),
    "smoke": Preset(
        "seconds: a check that everything runs",
        {
            "rules.lpg.hidden": 8,
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
            "gradient.updates": 2,
            "gradient.micro_batch": 2,
            "run.steps": 20,
            "run.log_every": 5,
            "run.checkpoint_every": 10,
            "run.report_seconds": 0.0,
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
    """Return the configuration of a preset.

    Raises:
      ConfigError: on an unknown name; the message names the nearest preset.
    """
    check_name("config", name, PRESETS)
    return replace_all(Config(preset=name), PRESETS[name].values)
