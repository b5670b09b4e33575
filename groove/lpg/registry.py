"""Update rules by name. A rule is one file and one entry of `RULES`.

`launch/meta_train.py --set rules.NAME.FIELD=VALUE` changes a setting of an entry. Learned rules can be meta-trained;
hand-written rules are antagonists and baselines.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from groove.lpg.a2c import A2CConfig, make_a2c
from groove.lpg.base import UpdateRule
from groove.lpg.disco import NAME as DISCO
from groove.lpg.disco.config import DiscoConfig
from groove.lpg.disco.rule import make_disco
from groove.lpg.dpo import DPOConfig, make_dpo
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.ppo import PPOConfig, make_ppo
from groove.lpg.random import RandomConfig, make_random
from groove.utils.errors import unknown_name


class RuleEntry(NamedTuple):
    """An update rule that can be made by name.

    Attributes:
      config_type: frozen dataclass of the rule's settings, with a default for each.
      make: (settings, discount gamma) -> rule. A learned rule's settings have an attribute `discount`, which is gamma.
      learned: whether the rule has parameters eta that meta-training moves.
      unread: settings -> {name: by which rules it is read, in words} of the settings that a rule with these settings
        does not read. A run refuses them if they are changed.
      differentiable: whether the truncated meta-gradient can train a learned rule; evolution strategies train all.
    """

    config_type: Callable[[], Any]
    make: Callable[[Any, float], UpdateRule]
    learned: bool = False
    unread: Callable[[Any], Mapping[str, str]] = lambda settings: {}
    differentiable: bool = True


RULES: Mapping[str, RuleEntry] = {
    "lpg": RuleEntry(LPGConfig, lambda config, discount: make_lpg(config), learned=True, unread=LPGConfig.unread),
    DISCO: RuleEntry(DiscoConfig, lambda config, discount: make_disco(config), learned=True, differentiable=False),
    "a2c": RuleEntry(A2CConfig, make_a2c),
    "ppo": RuleEntry(PPOConfig, make_ppo),
    "dpo": RuleEntry(DPOConfig, make_dpo),
    "random": RuleEntry(RandomConfig, lambda config, discount: make_random()),
}


def hand_written() -> tuple[str, ...]:
    """Return the names of the rules that have no parameters of their own."""
    return tuple(name for name, entry in RULES.items() if not entry.learned)


def learned() -> tuple[str, ...]:
    """Return the names of the rules that can be meta-trained."""
    return tuple(name for name, entry in RULES.items() if entry.learned)


def make_rule(name: str, settings: Any, discount: float) -> UpdateRule:
    """Make the rule of this name.

    Args:
      name: a name in `RULES`.
      settings: of the entry's `config_type`.
      discount: gamma.

    Raises:
      ConfigError: on an unknown name; the message names the nearest valid name.
    """
    if name not in RULES:
        raise unknown_name("update rule", name, RULES)
    return RULES[name].make(settings, discount)
