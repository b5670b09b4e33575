"""The network of the Learned Policy Gradient: from a rollout to targets for the policy and the prediction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import haiku as hk
import jax
import jax.numpy as jnp

from groove.lpg.core import GRUWeights, LSTMWeights, gru, lstm
from groove.types import Array, Key, Params
from groove.utils.typed_fields import above, at_least


@dataclass(frozen=True)
class LPGConfig:
    """Settings of the learned rule.

    The last three are weights in the meta-loss. They matter to meta-training only and are left out of `repr(config)`,
    by which stored results identify a rule.

    Attributes:
      hidden: H, width of the recurrent core.
      core: "gru" or "lstm".
      prediction_width: Y, width of the prediction head.
      embedding_width: hidden width of phi, the embedding of prediction vectors.
      embedding_gain: factor of y at the input of phi. Young agents predict nearly uniform distributions, for which
        phi(y) is nearly constant at a gain of 1, the value of LPG.
      prediction_coefficient: alpha_y, weight of the prediction loss of agents.
      lifetime_conditioning: whether the network also sees n/L and log L (TA-LPG).
      discount: gamma, an input of the network and the discount of the run.
      init_scale: scale of the initial weights of the two output layers.
      normalise: whether pi_hat is shifted and scaled to zero mean and unit variance over an agent's rollout, like the
        advantages of A2C, so that the size of an agent's step does not depend on the unit of reward. LPG does not
        normalise.
      max_target_gradient: norm to which the meta-gradient with respect to the targets of one update of one agent is
        clipped, so that an agent with unstable updates does not dominate the others. Agents are not affected.
      prediction_entropy: b1, weight of the bonus for H(y).
      pi_hat_l2: b2, weight of the cost of pi_hat squared. The paper's 0.005 shrinks normalised targets until agents
        learn too slowly.
      y_hat_l2: b3, weight of the cost of ||y_hat|| squared.
    """

    hidden: int = at_least(1, 256)
    core: Literal["gru", "lstm"] = "gru"
    prediction_width: int = at_least(1, 8)
    embedding_width: int = at_least(1, 16)
    embedding_gain: float = 1.0
    prediction_coefficient: float = 0.5
    lifetime_conditioning: bool = False
    discount: float = at_least(0, 0.99, most=1)
    init_scale: float = 1.0
    normalise: bool = True
    max_target_gradient: float = above(0, 0.05)
    prediction_entropy: float = field(default=0.001, repr=False)
    pi_hat_l2: float = field(default=0.0, repr=False)
    y_hat_l2: float = field(default=0.001, repr=False)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LPGInputs:
    """Inputs of the network for R rows of T steps: never observations, actions or the number of actions."""

    reward: Array  # f32 [T, R]
    terminated: Array  # bool [T, R]
    truncated: Array  # bool [T, R]
    prob: Array  # f32 [T, R]: pi(a_t | s_t)
    prediction: Array  # f32 [T, R, Y]: y(s_t), probabilities
    next_prediction: Array  # f32 [T, R, Y]: y(s'_t)
    progress: Array  # f32 [R]: n / L
    lifetime: Array  # f32 [R]: L


class LPGTargets(NamedTuple):
    """Targets of the agents' update."""

    pi_hat: Array  # f32 [T, R]: the weight of log pi(a_t | s_t)
    y_hat: Array  # f32 [T, R, Y]: log-probabilities


class LPGNetwork(NamedTuple):
    """The network as pure functions.

    Attributes:
      init: key -> eta.
      apply: (eta, LPGInputs) -> LPGTargets.
    """

    init: Callable[[Key], Params]
    apply: Callable[[Params, LPGInputs], LPGTargets]


def make_lpg_network(config: LPGConfig) -> LPGNetwork:
    """Build the network of Oh et al. (2020), section 3: phi, a core that reads backwards in time, two heads."""

    def forward(inputs: LPGInputs) -> LPGTargets:
        done = inputs.terminated | inputs.truncated
        hs = _core(config, _features(config, inputs), 1.0 - done)
        hs = jax.nn.relu(hs)
        scaled = hk.initializers.VarianceScaling(config.init_scale**2)
        # normalising removes a bias; its gradient would be rounding noise, which Adam would amplify
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
    """Return [r, d, gamma, pi(a|s), phi(y), phi(y')] and, if configured, [n/L, log L]: f32[T, R, I]."""
    embed = hk.nets.MLP([config.embedding_width, 1], name="phi")
    both = embed(config.embedding_gain * jnp.stack([inputs.prediction, inputs.next_prediction]))[..., 0]
    terminated = inputs.terminated.astype(jnp.float32)
    features = [
        inputs.reward,
        terminated,
        jnp.full_like(inputs.reward, config.discount),
        inputs.prob,
        both[0],
        both[1] * (1.0 - terminated),  # no step follows a termination
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
