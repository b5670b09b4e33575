"""One whole update of an agent towards the targets of a rule: a step, or epochs of minibatches."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from groove import ops
from groove.agents.agent import Agent
from groove.lpg.controls import Controls, remember
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.value_lpg import Batch, learn
from groove.types import LOGITS, VALUE, Array, Heads, Key, Learner, Params, PyTree
from groove.utils.errors import GrooveError
from groove.utils.limits import MOST_EPOCHS, MOST_INTEGER, check_integer
from groove.utils.text import shown


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AgentState:
    """An agent between two updates of a rule."""

    params: Params
    opt_state: PyTree
    rule_state: PyTree  # the memory of the rule, such as the running scale of rewards; () if it has none
    updates: Array  # int32 []: agent updates done


def take_steps(
    config: LPGConfig,
    agent: Agent,
    state: AgentState,
    heads: Heads,
    batch: Batch,
    key: Key | None,
    controls: Controls | None = None,
) -> tuple[AgentState, dict[str, Array]]:
    """Return the agent after E epochs of M minibatches, and numbers for logs; see `Rule.update`.

    Args:
      config: of `in_epochs`.
      agent: reads heads and takes steps.
      state: before the update, with the rule's memory of after the rollout.
      heads: of the agent on the rollout, before the update.
      batch: the transitions with their targets.
      key: the randomness of minibatches.
      controls: of the update, f32[] each; None if the rule sets none.
    """
    if key is None and config.minibatches > 1:
        raise GrooveError(
            f"minibatches = {config.minibatches} are drawn at random: give key, as in "
            "rule.update(learner, apply, optimizer, rollout, jax.random.key(0))."
        )
    if key is not None and not _is_key(key):
        raise GrooveError(f"key must be a random key of JAX, such as jax.random.key(0), not {shown(key)}.")
    before = Learner(state.params, state.opt_state, state.updates, lifetime=jnp.int32(0))
    key = jax.random.key(0) if key is None else key
    after, clip_fraction = learn(config, agent, before, heads, batch, key, controls)
    info = {"entropy": ops.masked_mean(ops.entropy(heads[LOGITS]), batch.mask), "clip_fraction": clip_fraction}
    if batch.target is not None:
        info["value_error"] = ops.masked_mean((heads[VALUE][..., 0] - batch.target) ** 2, batch.mask)
    memory = state.rule_state
    if controls is not None:
        _, moved = agent.read(after.params, batch.obs, (LOGITS,))
        memory = remember(memory, controls.step, heads[LOGITS], moved[LOGITS], batch.mask)
        info |= {"step_factor": controls.step, "entropy_factor": controls.entropy}
    return AgentState(after.params, after.opt_state, memory, after.updates), info


def check_learner(learner: Any) -> None:
    """Refuse what is no agent between two updates."""
    if not isinstance(learner, AgentState):
        raise GrooveError(
            f"learner must be of rule.init(params, optimizer), or of the update before, not {shown(learner)}."
        )


def in_epochs(config: LPGConfig, epochs: int | None, minibatches: int | None) -> LPGConfig:
    """Return the settings of a rule with the epochs and minibatches of one update, as `LPGConfig.of_update` does.

    Raises:
      GrooveError: if a number is no integer, or not positive.
    """
    for name, number in {"epochs": epochs, "minibatches": minibatches}.items():
        if number is not None:
            check_integer(name, number, MOST_EPOCHS if name == "epochs" else MOST_INTEGER)
    return config.of_update(None if epochs is None else int(epochs), None if minibatches is None else int(minibatches))


def _is_key(key: Any) -> bool:
    """Return whether a value is one random key, typed or of the raw kind uint32[2]."""
    if not isinstance(key, jax.Array | np.ndarray):
        return False
    is_typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.ndim == 0
    return bool(is_typed or (key.dtype == np.uint32 and key.ndim == 1))
