"""The network of the Learned Policy Gradient: from a rollout to targets for the policy and the prediction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import haiku as hk
import jax
import jax.numpy as jnp

from groove.lpg.controls import ControlInputs, Controls, controls_of
from groove.lpg.core import gru, lstm
from groove.lpg.core_weights import GRUWeights, LSTMWeights
from groove.lpg.lpg_config import LPGConfig
from groove.types import Array, Key, Params


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ValueInputs:
    """The further inputs of a rule for agents with a value head, f32[T, R] each."""

    value: Array  # V(s_t), in the scaled unit of reward; all values are constants of the meta-gradient
    next_value: Array  # V(s'_t)
    td_error: Array  # r_t + gamma V(s'_t) - V(s_t)
    advantage: Array  # the generalised advantage, normalised over the agent's rollout if the rule normalises
    spread: Array  # the standard deviation of the advantages over the agent's rollout, before normalisation
    entropy: Array  # of pi(.|s_t), divided by log A: 1 for the uniform policy


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LPGInputs:
    """Inputs of the network for R rows of T steps: never observations, actions or the number of actions."""

    reward: Array  # f32 [T, R]
    terminated: Array  # bool [T, R]
    truncated: Array  # bool [T, R]
    prob: Array  # f32 [T, R]: pi(a_t | s_t)
    prediction: Array | None  # f32 [T, R, Y]: y(s_t), probabilities; None if agents have no prediction head
    next_prediction: Array | None  # f32 [T, R, Y]: y(s'_t)
    progress: Array  # f32 [R]: n / L
    lifetime: Array  # f32 [R]: L
    values: ValueInputs | None = None  # of rules that see values


class LPGTargets(NamedTuple):
    """Targets of the agents' update."""

    pi_hat: Array  # f32 [T, R]: the weight of log pi(a_t | s_t)
    y_hat: Array | None  # f32 [T, R, Y]: log-probabilities, or under a base the shift of the agent's own ones


class LPGNetwork(NamedTuple):
    """The network as pure functions.

    Attributes:
      init: key -> eta.
      apply: (eta, LPGInputs) -> LPGTargets.
      controls: (eta, ControlInputs) -> Controls, of rules that set them.
    """

    init: Callable[[Key], Params]
    apply: Callable[[Params, LPGInputs], LPGTargets]
    controls: Callable[[Params, ControlInputs], Controls]


def make_lpg_network(config: LPGConfig) -> LPGNetwork:
    """Build the network of Oh et al. (2020), section 3: phi, a core that reads backwards in time, two heads.

    Under a base with advantages A, the network computes residuals m, b and z, which are zero before meta-training::

        pi_hat_t = A_t + tanh(m_t) A_t + tanh(b_t),    y_hat_t = softmax(log y(s_t) + z_t)

    The residual of pi_hat is bounded, because larger targets look better after a few updates of every agent: without a
    bound, meta-training inflates them until the base is lost.

    and returns z_t in the place of log y_hat_t.
    """

    def forward(inputs: LPGInputs) -> LPGTargets:
        done = inputs.terminated | inputs.truncated
        hs = _features(config, inputs)
        if config.core != "linear":
            hs = jax.nn.relu(_core(config, hs, 1.0 - done))
        if config.base == "none":
            return _targets(config, hs)
        assert inputs.values is not None
        gain, bias = jnp.moveaxis(hk.Linear(2, w_init=jnp.zeros, name="residual")(hs), -1, 0)
        shift = hk.Linear(config.prediction_width, w_init=jnp.zeros, name="y_hat")(hs)
        advantage = inputs.values.advantage
        pi_hat = advantage + jnp.tanh(gain) * advantage + jnp.tanh(bias)
        return LPGTargets(pi_hat=pi_hat, y_hat=shift)

    transformed: hk.Transformed = hk.without_apply_rng(hk.transform(forward))
    controls: hk.Transformed = hk.without_apply_rng(hk.transform(controls_of))

    def init(key: Key) -> Params:
        if config.core == "none":
            return controls.init(key, ControlInputs(*[jnp.ones(1)] * 6))
        row = jnp.zeros((1, 1))
        y = jnp.zeros((1, 1, config.prediction_width))
        flag = jnp.zeros((1, 1), bool)
        values = ValueInputs(*[row] * 6) if config.sees_values else None
        eta = transformed.init(key, LPGInputs(row, flag, flag, row, y, y, row[0], row[0] + 1.0, values))
        return {**eta, **controls.init(key, ControlInputs(*[row[0] + 1.0] * 6))} if config.controls else eta

    def base_targets(eta: Params, inputs: LPGInputs) -> LPGTargets:
        del eta
        assert inputs.values is not None
        return LPGTargets(pi_hat=inputs.values.advantage, y_hat=None)

    apply = base_targets if config.core == "none" else transformed.apply
    return LPGNetwork(init=init, apply=apply, controls=controls.apply)


def _targets(config: LPGConfig, hs: Array) -> LPGTargets:
    """Return the targets of LPG from the hidden states f32[T, R, H]."""
    scaled = hk.initializers.VarianceScaling(config.init_scale**2)
    # normalising removes a bias; its gradient would be rounding noise, which Adam would amplify
    pi_hat = hk.Linear(1, with_bias=not config.normalise, w_init=scaled, name="pi_hat")(hs)[..., 0]
    y_hat = hk.Linear(config.prediction_width, w_init=scaled, name="y_hat")(hs)
    return LPGTargets(pi_hat=pi_hat, y_hat=jax.nn.log_softmax(y_hat))


def input_names(config: LPGConfig) -> tuple[str, ...]:
    """Return the names of the inputs of the core, in the order of `_features`."""
    names = ["reward", "terminated", "discount", "probability", "phi(y)", "phi(next y)"]
    if config.sees_values:
        names += ["value", "next value", "TD error", "advantage", "spread of advantages", "entropy"]
    if config.lifetime_conditioning:
        names += ["progress", "log lifetime"]
    return tuple(names)


def symlog(x: Array) -> Array:
    """Return sign(x) log(1 + abs(x)), which compresses large numbers."""
    return jnp.sign(x) * jnp.log1p(jnp.abs(x))


def _features(config: LPGConfig, inputs: LPGInputs) -> Array:
    """Return the inputs of the core, f32[T, R, I].

    LPG has [r, d, gamma, pi(a|s), phi(y), phi(y')]. A rule that sees values has r in sign-log, and the `ValueInputs`.
    A rule that is conditioned on the lifetime has [n/L, log L] at the end.
    """
    assert inputs.prediction is not None
    assert inputs.next_prediction is not None
    embed = hk.nets.MLP([config.embedding_width, 1], name="phi")
    both = embed(config.embedding_gain * jnp.stack([inputs.prediction, inputs.next_prediction]))[..., 0]
    terminated = inputs.terminated.astype(jnp.float32)
    values = inputs.values
    features = [
        inputs.reward if values is None else symlog(inputs.reward),
        terminated,
        jnp.full_like(inputs.reward, config.discount),
        inputs.prob,
        both[0],
        both[1] * (1.0 - terminated),  # no step follows a termination
    ]
    if values is not None:
        features += [
            symlog(values.value),
            symlog(values.next_value) * (1.0 - terminated),
            symlog(values.td_error),
            symlog(values.advantage),
            symlog(values.spread),
            values.entropy,
        ]
    if config.lifetime_conditioning:
        shape = inputs.reward.shape
        features += [
            jnp.broadcast_to(inputs.progress, shape),
            jnp.broadcast_to(jnp.log(inputs.lifetime), shape),
        ]
    return jnp.stack(features, axis=-1)


def _core(config: LPGConfig, x: Array, keep: Array) -> Array:
    gates = {"gru": 3, "lstm": 4, "mlp": 1}[config.core]

    def parameter(name: str, rows: int | None, columns: int) -> Array:
        if rows is None:
            return hk.get_parameter(name, [columns], init=jnp.zeros)
        return hk.get_parameter(name, [rows, columns], init=hk.initializers.VarianceScaling(mode="fan_in"))

    width = config.hidden
    w_i = parameter("core_w_i", x.shape[-1], gates * width)
    if config.core == "mlp":
        return x @ w_i + parameter("core_b", None, width)
    w_h = parameter("core_w_h", width, gates * width)
    b = parameter("core_b", None, gates * width)
    if config.core == "lstm":
        return lstm(LSTMWeights(w_i, w_h, b), x, keep)
    return gru(GRUWeights(w_i, w_h, b, parameter("core_b_n", None, width)), x, keep)
