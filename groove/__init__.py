"""GROOVE: reinforcement-learning update rules discovered by meta-learning on an adversarial curriculum."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groove.dropin.heads import flax_agent, haiku_heads
    from groove.dropin.rule import Rule, as_optax, load, make_rollout
    from groove.types import Rollout

__all__ = ["Rollout", "Rule", "as_optax", "flax_agent", "haiku_heads", "load", "make_rollout"]


def __getattr__(name: str) -> Any:
    """Imports on first use, so that groove.torch does without JAX."""
    if name not in __all__:
        raise AttributeError(f"module 'groove' has no attribute '{name}'")
    from groove.dropin import heads
    from groove.dropin import rule as api

    return getattr(heads if hasattr(heads, name) else api, name)
