"""Learned rules for agents with a value head: LPG that sees values, and residuals around A2C and PPO."""

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent, AgentConfig
from groove.lpg.a2c import advantages
from groove.lpg.base import UpdateInfo
from groove.lpg.controls import ControlInputs, Controls, ControlState, explained_variance, remember
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.lpg_targets import apply_to_slots, clip_gradient, lpg_inputs, normalise
from groove.lpg.network import LPGNetwork, ValueInputs
from groove.lpg.ppo import clipped_surrogate, counted_minibatches, minibatch_indices, slower_tables
from groove.lpg.reward_scale import RewardScale, scale_rewards
from groove.types import LOGITS, PREDICTION, VALUE, Array, Heads, Key, Learner, Params, PyTree, Rollout


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Batch:
    """Transitions with everything that the agents' loss reads; leading axes [T, W] or [M]."""

    obs: Array
    action: Array  # int32
    log_prob: Array  # f32: log pi_old(a|s), under the policy that acted
    pi_hat: Array  # f32
    y_hat: Array | None  # f32 [..., Y]: log-probabilities, or under a base their shift; None without a prediction
    target: Array | None = None  # f32: of the value; None if the agent has no value head
    mask: Array | None = None  # bool: false in transitions that do not count; None if all count


def value_heads(config: LPGConfig, num_actions: int) -> dict[str, int]:
    """Return the heads that agents must have, in the order in which A2C's come first."""
    return {LOGITS: num_actions, VALUE: 1} | ({PREDICTION: config.prediction_width} if config.predicts else {})


def rule_state(config: LPGConfig) -> RewardScale | ControlState | tuple[()]:
    """Return the memory of the rule at the beginning of an agent's lifetime; () if the rule has none."""
    if config.controls:
        return ControlState()
    return RewardScale() if config.divides_rewards else ()


def adapt_agent(config: LPGConfig, agent: AgentConfig) -> AgentConfig:
    """Return the configuration of the agents that the rule trains, from the usual one."""
    if config.base != "ppo":
        return agent
    agent = slower_tables(agent, config.table_learning_rate)
    if agent.torso != "table" or config.table_step == 1:
        return agent
    rates = ("learning_rate", "critic_learning_rate", "prediction_learning_rate")
    return dataclasses.replace(agent, **{rate: config.table_step * getattr(agent, rate) for rate in rates})


def value_update(
    config: LPGConfig,
    network: LPGNetwork,
    eta: Any,
    agent: Agent,
    learner: Learner,
    rollout: Rollout,
    keys: Key,
) -> tuple[Learner, UpdateInfo]:
    """Make one update of N agents: targets from the rollout, then E epochs of M minibatches towards the targets.

    Values are inputs and constants of the meta-gradient: it reaches neither the value head nor the values.

    Args:
      config: of the rule.
      network: of the rule.
      eta: the parameters of the network.
      agent: has the heads of `value_heads`.
      learner: [N].
      rollout: [N, T, W].
      keys: [N], the randomness of minibatches.
    """
    if config.divides_rewards:
        learner, rollout = jax.vmap(partial(scale_rewards, discount=config.discount))(learner, rollout)
    params, heads, next_y, values, value_target = jax.vmap(partial(_observe, config, agent))(learner.params, rollout)
    inputs = dataclasses.replace(lpg_inputs(learner, rollout, heads, next_y), values=values)
    targets = apply_to_slots(network.apply, eta, inputs)
    if config.base == "none" and config.normalise:
        targets = targets._replace(pi_hat=jax.vmap(normalise)(targets.pi_hat))
    residual = targets.pi_hat if config.base == "none" else targets.pi_hat - values.advantage
    targets = clip_gradient(targets, config.max_target_gradient / rollout.reward.shape[0])
    log_prob = ops.log_prob(heads[LOGITS], rollout.action)
    batch = Batch(rollout.obs, rollout.action, log_prob, targets.pi_hat, targets.y_hat, value_target)
    learner = dataclasses.replace(learner, params=params)
    controls = None
    if config.controls:
        told = inputs.progress[:, 0], inputs.lifetime[:, 0], learner.rule_state
        facts = jax.vmap(control_inputs)(*told, values, value_target)
        controls = network.controls(eta, facts)
    learner, clip_fraction = jax.vmap(partial(learn, config.of_update(), agent))(learner, heads, batch, keys, controls)
    value_error = jnp.mean((heads[VALUE][..., 0] - value_target) ** 2, axis=(1, 2))
    sizes = {}
    if targets.y_hat is not None:
        y_hat = jnp.exp(prediction_targets(config, heads, targets.y_hat))
        sizes["pi_hat_l2"] = jnp.mean(residual**2, axis=(1, 2))
        sizes["y_hat_l2"] = jnp.mean(jnp.sum(y_hat**2, -1), axis=(1, 2))
    metrics = {**sizes, "value_error": value_error, "clip_fraction": clip_fraction}
    if controls is not None:
        learner = jax.vmap(partial(_remember, agent))(learner, controls, heads, rollout.obs)
        metrics |= {"step_factor": controls.step, "entropy_factor": controls.entropy}
        metrics |= {f"control_{name}": fact for name, fact in facts._asdict().items()}
    return learner, UpdateInfo(metrics=metrics, regularizers=sizes)


def _observe(
    config: LPGConfig, agent: Agent, params: Params, rollout: Rollout
) -> tuple[Params, Heads, Array | None, ValueInputs, Array]:
    """Read the heads of one agent, and derive what the network sees of its values.

    Returns:
      The parameters to go on with, the heads at the observations, y' f32[T, W, Y] if agents have a prediction, the
      inputs, and the value targets.
    """
    params, heads = _read(config, agent, params, rollout.obs)
    params, after = agent.read(params, rollout.next_obs, (VALUE, PREDICTION) if config.predicts else (VALUE,))
    inputs, target = value_inputs(config, rollout, heads, jax.lax.stop_gradient(after[VALUE]))
    return params, heads, after.get(PREDICTION), inputs, target


def value_inputs(config: LPGConfig, rollout: Rollout, heads: Heads, next_value: Array) -> tuple[ValueInputs, Array]:
    """Return what the network sees of an agent's values, and the targets of the value, f32[T, W].

    Args:
      config: of the rule.
      rollout: [T, W], with scaled rewards; rows that its mask hides do not count in statistics.
      heads: LOGITS and VALUE at the observations, f32[T, W, width].
      next_value: f32[T, W, 1], VALUE at the true successors.
    """
    value, next_value = heads[VALUE][..., 0], next_value[..., 0]
    advantage, target = advantages(rollout, value, next_value, config.discount, config.trace, normalise=False)
    inputs = ValueInputs(
        value=value,
        next_value=next_value,
        td_error=rollout.reward + config.discount * jnp.where(rollout.terminated, 0.0, next_value) - value,
        advantage=ops.normalise(advantage, mask=rollout.mask) if config.normalise else advantage,
        spread=jnp.broadcast_to(ops.masked_std(advantage, rollout.mask), advantage.shape),
        entropy=ops.normalised_entropy(heads[LOGITS]),
    )
    return inputs, target


def control_inputs(
    progress: Array, lifetime: Array, state: ControlState, values: ValueInputs, target: Array, mask: Array | None = None
) -> ControlInputs:
    """Return what the controls of one agent's update depend on.

    Args:
      progress: n / L.
      lifetime: L.
      state: before the update.
      values: f32[T, W].
      target: f32[T, W], of the value.
      mask: bool[T, W], of the transitions that count; None if all count.
    """
    return ControlInputs(
        progress=progress,
        lifetime=lifetime,
        entropy=ops.masked_mean(values.entropy, mask),
        explained=explained_variance(values.value, target, mask),
        change=jnp.asarray(state.change),
        step=jnp.asarray(state.step),
    )


def _remember(agent: Agent, learner: Learner, controls: Controls, before: Heads, obs: Array) -> Learner:
    """Return an agent after its update, with the state that the next controls depend on."""
    params, after = agent.read(learner.params, obs, (LOGITS,))
    state = remember(learner.rule_state, controls.step, before[LOGITS], after[LOGITS], mask=None)
    return dataclasses.replace(learner, params=params, rule_state=state)


def _read(config: LPGConfig, agent: Agent, params: Params, obs: Array) -> tuple[Params, Heads]:
    """Read all heads; the values and the parameters of the value head are constants of every gradient."""
    if not config.sees_values:
        return agent.read(params, obs, (LOGITS, PREDICTION))
    params, heads = agent.read(agent.hold(params, VALUE), obs, tuple(value_heads(config, 0)))
    return params, {**heads, VALUE: jax.lax.stop_gradient(heads[VALUE])}


def learn(
    config: LPGConfig,
    agent: Agent,
    learner: Learner,
    heads: Heads,
    batch: Batch,
    key: Key,
    controls: Controls | None = None,
) -> tuple[Learner, Array]:
    """Take the E * M steps of one update: (learner, share of clipped ratios).

    If E * M is 1, the step is on the whole rollout, whose ratio pi / pi_old is 1. Otherwise each step is on a
    minibatch, which holds only transitions that the batch's mask does not hide (`counted_minibatches`).

    Args:
      config: of the rule, with the E and M of this update.
      agent: reads heads and takes steps.
      learner: before the update.
      heads: of the agent on the rollout, before the update.
      batch: the transitions [T, W] with their targets.
      key: the randomness of minibatches.
      controls: of the update, f32 [] each; None if the rule sets none.
    """
    if config.epochs * config.minibatches == 1:
        params, opt_state, clipped = _step(
            config, agent, learner.params, learner.opt_state, heads, batch, None, controls
        )
        return learner.after_update(params, opt_state), clipped
    batch = jax.tree.map(lambda x: x.reshape((-1, *x.shape[2:])), batch)

    def body(carry: tuple[Params, PyTree], chosen: tuple[Array, Array | None]) -> tuple[tuple[Params, PyTree], Array]:
        params, opt_state = carry
        index, counted = chosen
        part: Batch = jax.tree.map(lambda x: x[index], batch)
        part = dataclasses.replace(part, mask=counted)
        params, heads = _read(config, agent, params, part.obs)
        params, opt_state, clipped = _step(config, agent, params, opt_state, heads, part, config.clip, controls)
        return (params, opt_state), clipped

    parts = minibatch_indices(key, batch.action.size, config.epochs, config.minibatches)
    chosen = (parts, None) if batch.mask is None else counted_minibatches(parts, batch.mask, config.minibatches)
    (params, opt_state), clipped = jax.lax.scan(body, (learner.params, learner.opt_state), chosen)
    return learner.after_update(params, opt_state), clipped.mean()


def _step(
    config: LPGConfig,
    agent: Agent,
    params: Params,
    opt_state: PyTree,
    heads: Heads,
    batch: Batch,
    clip: float | None,
    controls: Controls | None,
) -> tuple[Params, PyTree, Array]:
    """Take one step on the agent's loss: (parameters, state of the optimizer, share of ratios beyond the clip)."""
    step_factor, entropy_factor = (None, None) if controls is None else controls
    if batch.y_hat is not None:
        batch = dataclasses.replace(batch, y_hat=prediction_targets(config, heads, batch.y_hat))
    gradients, clipped = jax.grad(agent_loss, has_aux=True)(heads, batch, config, clip, entropy_factor)
    params, opt_state = agent.step(params, opt_state, batch.obs, gradients, step_factor)
    return params, opt_state, clipped


def agent_loss(
    heads: Heads, batch: Batch, config: LPGConfig, clip: float | None, entropy_factor: Array | None = None
) -> tuple[Array, Array]:
    """Return the mean loss of one agent's transitions, f32 [], and the share of ratios beyond the clip.

    The loss of a transition is::

        -min(r pi_hat, clip(r, 1 - epsilon, 1 + epsilon) pi_hat) - c H(pi) + (V - R)^2 / 2 + alpha_y KL(y || y_hat)

    with r = pi(a|s) / pi_old(a|s). In epochs, alpha_y is divided by E. Without a clip, the first term is
    -log pi(a|s) pi_hat, which has the same gradient where r = 1.

    Args:
      heads: LOGITS, and PREDICTION and VALUE if the batch has targets of them, f32[..., width].
      batch: leading axes as in `heads`; its `y_hat` are log-probabilities. The mean is over the transitions that its
        mask does not hide.
      config: of the rule; LPG without a base has no term of entropy.
      clip: epsilon; None for the plain policy gradient.
      entropy_factor: of c, f32 []; None for 1.
    """
    log_prob = ops.log_prob(heads[LOGITS], batch.action)
    clipped = jnp.zeros(())
    if clip is None:
        policy = -log_prob * batch.pi_hat
    else:
        log_ratio = log_prob - batch.log_prob
        policy = -clipped_surrogate(log_ratio, batch.pi_hat, clip)
        clipped = ops.masked_mean(jnp.abs(jnp.exp(log_ratio) - 1) > clip, batch.mask)
    value = 0.0 if batch.target is None else 0.5 * (heads[VALUE][..., 0] - batch.target) ** 2
    if config.base != "none":
        weight = config.entropy_coefficient * (1.0 if entropy_factor is None else entropy_factor)
        policy -= weight * ops.entropy(heads[LOGITS])
    loss = policy + value
    if batch.y_hat is not None:
        weight = config.prediction_coefficient / (1 if clip is None else config.epochs)
        loss += weight * ops.kl_divergence(heads[PREDICTION], batch.y_hat)
    return ops.masked_mean(loss, batch.mask), clipped


def prediction_targets(config: LPGConfig, heads: Heads, y_hat: Array) -> Array:
    """Return the log-probabilities that the prediction moves towards, f32[..., Y].

    Under a base they are a shift of the current prediction, also in later epochs, so that an untrained rule, whose
    shift is zero, adds nothing to the base.
    """
    if config.base == "none":
        return y_hat
    shifted = jax.nn.log_softmax(heads[PREDICTION]) + y_hat
    # so normalised, a shift of zero leaves no rounding noise in the agents' gradient, which Adam would amplify
    return shifted - jax.nn.logsumexp(shifted, axis=-1, keepdims=True)
