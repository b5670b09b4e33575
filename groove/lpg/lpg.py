"""The Learned Policy Gradient as an update rule (Oh et al. 2020)."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent
from groove.lpg.base import Regularizer, UpdateInfo, UpdateRule
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.lpg_targets import apply_to_slots, clip_gradient, lpg_inputs, normalise
from groove.lpg.network import LPGNetwork, LPGTargets, make_lpg_network
from groove.lpg.value_lpg import adapt_agent, rule_state, value_heads, value_update
from groove.types import LOGITS, PREDICTION, Array, Heads, Key, Learner, Rollout
from groove.utils.errors import ConfigError


def make_lpg(config: LPGConfig) -> UpdateRule:
    """Build the learned rule: LPG, or by its settings one for agents with a value head (`groove.lpg.value_lpg`).

    LPG (Oh et al. 2020, eq. 2) trains agents with heads LOGITS [A] and PREDICTION [Y]. The parameters theta of an agent
    move along::

        Delta theta ~ E[ grad log pi(a|s) pi_hat - alpha_y grad KL(y(s) || y_hat) ]

    where (pi_hat, y_hat) come from the network. The targets are computed first, from the agent's current parameters,
    and held fixed in the agent's gradient only. The gradient with respect to eta flows through pi, y and y' into
    earlier updates; without that path, bootstrapping cannot be learned.
    """
    network = make_lpg_network(config)
    regularizers = (
        Regularizer("prediction_entropy", -config.prediction_entropy, prediction_entropy),
        Regularizer("pi_hat_l2", config.pi_hat_l2),
        Regularizer("y_hat_l2", config.y_hat_l2),
    )
    if not config.predicts and not (config.controls and config.base != "none"):
        raise ConfigError(
            "rules.lpg.core=none leaves the rule nothing to learn but controls: set rules.lpg.controls=true and "
            "rules.lpg.base=a2c or ppo, or another core."
        )
    if config.sees_values:
        return UpdateRule(
            name="lpg",
            heads=partial(value_heads, config),
            init=network.init,
            update=partial(value_update, config, network),
            regularizers=regularizers if config.predicts else (),
            adapt_agent=partial(adapt_agent, config),
            state=rule_state(config),
        )
    return UpdateRule(
        name="lpg",
        heads=lambda num_actions: {LOGITS: num_actions, PREDICTION: config.prediction_width},
        init=network.init,
        update=partial(lpg_update, config, network),
        regularizers=regularizers,
    )


def lpg_update(
    config: LPGConfig,
    network: LPGNetwork,
    eta: Any,
    agent: Agent,
    learner: Learner,
    rollout: Rollout,
    keys: Key,
) -> tuple[Learner, UpdateInfo]:
    """Make one update of N agents from one rollout each (Oh et al. 2020, eq. 2).

    Args:
      config: of the rule.
      network: of the rule.
      eta: the parameters of the network.
      agent: has the heads LOGITS and PREDICTION.
      learner: [N].
      rollout: [N, T, W].
      keys: ignored, because the rule is deterministic.
    """
    del keys
    params, heads = jax.vmap(lambda p, o: agent.read(p, o, (LOGITS, PREDICTION)))(learner.params, rollout.obs)
    params, after = jax.vmap(lambda p, o: agent.read(p, o, (PREDICTION,)))(params, rollout.next_obs)
    targets = apply_to_slots(network.apply, eta, lpg_inputs(learner, rollout, heads, after[PREDICTION]))
    if config.normalise:
        targets = targets._replace(pi_hat=jax.vmap(normalise)(targets.pi_hat))
    targets = clip_gradient(targets, config.max_target_gradient / rollout.reward.shape[0])
    gradients = jax.grad(agent_loss)(heads, rollout.action, targets, config.prediction_coefficient)
    params, opt_state = jax.vmap(agent.step)(params, learner.opt_state, rollout.obs, gradients)
    assert targets.y_hat is not None
    sizes = {
        "pi_hat_l2": jnp.mean(targets.pi_hat**2, axis=(1, 2)),
        "y_hat_l2": jnp.mean(jnp.sum(jnp.exp(targets.y_hat) ** 2, -1), axis=(1, 2)),
    }
    return learner.after_update(params, opt_state), UpdateInfo(metrics=sizes, regularizers=sizes)


def prediction_entropy(heads: Heads) -> Array:
    """Return the mean entropy of the prediction, in nats: {PREDICTION: f32[N, T, W, Y]} -> f32[N]."""
    return ops.entropy(heads[PREDICTION]).mean((1, 2))


def agent_loss(heads: Heads, action: Array, targets: LPGTargets, prediction_coefficient: float) -> Array:
    """Return the loss of N agents, summed over agents and averaged over transitions, f32 [].

    The loss of a transition is -log pi(a|s) pi_hat + alpha_y KL(y || y_hat) (Oh et al. 2020, eq. 2).

    Args:
      heads: LOGITS f32[N, T, W, A] and PREDICTION f32[N, T, W, Y], the agents' outputs.
      action: int32[N, T, W].
      targets: pi_hat f32[N, T, W] and y_hat f32[N, T, W, Y].
      prediction_coefficient: alpha_y.
    """
    assert targets.y_hat is not None
    policy = -ops.log_prob(heads[LOGITS], action) * targets.pi_hat
    prediction = ops.kl_divergence(heads[PREDICTION], targets.y_hat)
    return jnp.sum(jnp.mean(policy + prediction_coefficient * prediction, axis=(1, 2)))
