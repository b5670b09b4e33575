"""GROOVE: reinforcement-learning update rules discovered by meta-learning on an adversarial curriculum."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groove.dropin.heads import equinox_heads, flax_agent, haiku_heads, nnx_agent
    from groove.dropin.load import load
    from groove.dropin.optimizer import as_optax
    from groove.dropin.rollouts import make_rollout
    from groove.dropin.rule import Rule
    from groove.dropin.update import AgentState
    from groove.evaluation.comparisons.compare import compare
    from groove.evaluation.failures.diagnose import diagnose
    from groove.evaluation.failures.search.run import search_failures
    from groove.evaluation.leaderboard.check import check_submission
    from groove.evaluation.leaderboard.site.build import build_leaderboard
    from groove.evaluation.meta_test import meta_test
    from groove.training.run import MetaTrainingResult, meta_train
    from groove.types import Rollout
    from groove.utils.errors import GrooveError

_HOMES = {  # public name -> the module that defines it, imported on first use, so that groove.torch needs no JAX
    "AgentState": "groove.dropin.update",
    "GrooveError": "groove.utils.errors",
    "Rollout": "groove.types",
    "Rule": "groove.dropin.rule",
    "as_optax": "groove.dropin.optimizer",
    "equinox_heads": "groove.dropin.heads",
    "flax_agent": "groove.dropin.heads",
    "haiku_heads": "groove.dropin.heads",
    "load": "groove.dropin.load",
    "make_rollout": "groove.dropin.rollouts",
    "nnx_agent": "groove.dropin.heads",
    "MetaTrainingResult": "groove.training.run",
    "meta_train": "groove.training.run",
    "meta_test": "groove.evaluation.meta_test",
    "compare": "groove.evaluation.comparisons.compare",
    "build_leaderboard": "groove.evaluation.leaderboard.site.build",
    "check_submission": "groove.evaluation.leaderboard.check",
    "diagnose": "groove.evaluation.failures.diagnose",
    "search_failures": "groove.evaluation.failures.search.run",
}

__all__ = [
    "AgentState",
    "GrooveError",
    "MetaTrainingResult",
    "Rollout",
    "Rule",
    "as_optax",
    "build_leaderboard",
    "check_submission",
    "compare",
    "diagnose",
    "equinox_heads",
    "flax_agent",
    "haiku_heads",
    "load",
    "make_rollout",
    "meta_test",
    "meta_train",
    "nnx_agent",
    "search_failures",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'groove' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
