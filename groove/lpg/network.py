"""The network of the Learned Policy Gradient: what was experienced in, targets for policy and prediction out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import haiku as hk
import jax
import jax.numpy as jnp

from groove.lpg.core import GRUWeights, LSTMWeights, gru, lstm
from groove.types import Array, Key, Params


@dataclass(frozen=True)
class LPGConfig:
    """The learned rule.

    Attributes:
      hidden: H, width of the recurrent core.
      core: "gru" or "lstm".
      prediction_width: Y.
      embedding_width: hidden width of phi, the embedding of prediction vectors.
      embedding_gain: phi sees y times this. Softmaxes of agents that have learned little are all but uniform, so that
        phi(y) starts as a constant, and the more so the wider y is; LPG's is 1.
      prediction_coefficient: alpha_y, weight of the prediction's loss.
      lifetime_conditioning: two more inputs, n/L and log L (TA-LPG).
      discount: gamma, an input.
      init_scale: of the two output layers.
      normalise: shifts and scales pi_hat to zero mean and unit variance over an agent's rollout, as A2C does with its
        advantages, so that the size of an agent's step does not depend on the unit of reward. LPG has none of it.
      max_target_gradient: clips, agent by agent and update by update, the meta-gradient by the targets to this norm, so
        that one agent whose K updates are unstable does not drown the others. Agents do not feel it.
    """

    hidden: int = 256
    core: Literal["gru", "lstm"] = "gru"
    prediction_width: int = 8
    embedding_width: int = 16
    embedding_gain: float = 1.0
    prediction_coefficient: float = 0.5
    lifetime_conditioning: bool = False
    discount: float = 0.99
    init_scale: float = 1.0
    normalise: bool = True
    max_target_gradient: float = 0.05


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LPGInputs:
    """What the rule sees of R rows of T steps; never the observation, the action or the number of actions."""

    reward: Array  # f32 [T, R]
    terminated: Array  # bool [T, R]
    truncated: Array  # bool [T, R]
    prob: Array  # f32 [T, R]: pi(a_t | s_t)
    prediction: Array  # f32 [T, R, Y]: y(s_t), probabilities
    next_prediction: Array  # f32 [T, R, Y]: y(s'_t)
    progress: Array  # f32 [R]: n / L
    lifetime: Array  # f32 [R]: L


class LPGTargets(NamedTuple):
    """What the rule tells agents to move towards."""

    pi_hat: Array  # f32 [T, R]: the weight of log pi(a_t | s_t)
    y_hat: Array  # f32 [T, R, Y]: log-probabilities


class LPGNetwork(NamedTuple):
    """init: key -> eta; apply: (eta, LPGInputs) -> LPGTargets."""

    init: Callable[[Key], Params]
    apply: Callable[[Params, LPGInputs], LPGTargets]


def make_lpg_network(config: LPGConfig) -> LPGNetwork:
    """Builds the network of Oh et al. (2020), section 3: phi, a core that reads backwards in time, two heads."""

    def forward(inputs: LPGInputs) -> LPGTargets:
        done = inputs.terminated | inputs.truncated
        hs = _core(config, _features(config, inputs), 1.0 - done)
        hs = jax.nn.relu(hs)
        scaled = hk.initializers.VarianceScaling(config.init_scale**2)
        # normalising takes a bias out again, whose gradient would be rounding that Adam blows up
        pi_hat = hk.Linear(1, with_bias=not config.normalise, w_init=scaled, name="pi_hat")(hs)[..., 0]
        y_hat = hk.Linear(config.prediction_width, w_init=scaled, name="y_hat")(hs)
        return LPGTargets(pi_hat=pi_hat, y_hat=jax.nn.log_softmax(y_hat))

    transformed: hk.Transformed = hk.without_apply_rng(hk.transform(forward))

    def init(key: Key) -> Params:
        row = jnp.zeros((1, 1))
        y = jnp.zeros((1, 1, config.prediction_width))
        flag = jnp.zeros((1, 1), bool)
        return transformed.init(key, LPGInputs(row, flag, flag, row, y, y, row[0], row[0] + 1.0))

    return LPGNetwork(init=init, apply=transformed.apply)


def _features(config: LPGConfig, inputs: LPGInputs) -> Array:
    """[r, d, gamma, pi(a|s), phi(y), phi(y')] and, if asked for, [n/L, log L]: f32[T, R, I]."""
    embed = hk.nets.MLP([config.embedding_width, 1], name="phi")
    both = embed(config.embedding_gain * jnp.stack([inputs.prediction, inputs.next_prediction]))[..., 0]
    terminated = inputs.terminated.astype(jnp.float32)
    features = [
        inputs.reward,
        terminated,
        jnp.full_like(inputs.reward, config.discount),
        inputs.prob,
        both[0],
        both[1] * (1.0 - terminated),  # there is nothing to predict after the end
    ]
    if config.lifetime_conditioning:
        shape = inputs.reward.shape
        features += [
            jnp.broadcast_to(inputs.progress, shape),
            jnp.broadcast_to(jnp.log(inputs.lifetime), shape),
        ]
    return jnp.stack(features, axis=-1)


def _core(config: LPGConfig, x: Array, keep: Array) -> Array:
    gates = {"gru": 3, "lstm": 4}[config.core]

    def parameter(name: str, rows: int | None, columns: int) -> Array:
        if rows is None:
            return hk.get_parameter(name, [columns], init=jnp.zeros)
        return hk.get_parameter(name, [rows, columns], init=hk.initializers.VarianceScaling(mode="fan_in"))

    width = config.hidden
    w_i = parameter("core_w_i", x.shape[-1], gates * width)
    w_h = parameter("core_w_h", width, gates * width)
    b = parameter("core_b", None, gates * width)
    if config.core == "lstm":
        return lstm(LSTMWeights(w_i, w_h, b), x, keep)
    return gru(GRUWeights(w_i, w_h, b, parameter("core_b_n", None, width)), x, keep)
