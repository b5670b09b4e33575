"""One whole update of an agent towards the targets of a rule: a step, or epochs of minibatches."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent
from groove.lpg.controls import Controls, remember
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.value_lpg import Batch, learn
from groove.types import LOGITS, VALUE, Array, Heads, Key, Learner, Params, PyTree
from groove.utils.errors import GrooveError


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


def in_epochs(config: LPGConfig, epochs: int | None, minibatches: int | None) -> LPGConfig:
    """Return the settings of a rule with the epochs and minibatches of one update, as `LPGConfig.of_update` does.

    Raises:
      GrooveError: if a number is not positive.
    """
    for name, number in {"epochs": epochs, "minibatches": minibatches}.items():
        if number is not None and number < 1:
            raise GrooveError(f"{name} = {number} must be at least 1: leave it out for the number of the rule.")
    return config.of_update(epochs, minibatches)
