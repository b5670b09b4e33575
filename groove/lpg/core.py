"""Recurrent cores that read a rollout backwards in time and forget at episode ends.

The inputs are f32[T, R, I] of R independent rows, and `keep` f32[T, R], which is 0 where step t ends an episode. The
output at step t is the hidden state f32[R, H] after the core has read steps T-1 .. t.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from groove.lpg.core_weights import GRUWeights, LSTMWeights
from groove.types import Array


class _Gates(NamedTuple):
    """The values of one step that the backward pass needs, f32[R, H] each."""

    h: Array  # the state before the step
    r: Array
    z: Array
    n: Array
    n_h: Array  # the hidden part of n, before the reset gate


def sigmoid(x: Array) -> Array:
    """Return the logistic function, computed by tanh, which vectorises."""
    return 0.5 * jnp.tanh(0.5 * x) + 0.5


def _gru_step(weights: GRUWeights, h: Array, x: Array, keep: Array) -> tuple[Array, _Gates]:
    hidden = h.shape[-1]
    h = h * keep[:, None]
    from_h = h @ weights.w_h
    from_x = x @ weights.w_i + weights.b
    n_h = from_h[:, 2 * hidden :] + weights.b_n
    gates = sigmoid(from_x[:, : 2 * hidden] + from_h[:, : 2 * hidden])
    r, z = gates[:, :hidden], gates[:, hidden:]
    n = jnp.tanh(from_x[:, 2 * hidden :] + r * n_h)
    return n + z * (h - n), _Gates(h, r, z, n, n_h)


@jax.custom_vjp
def gru(weights: GRUWeights, x: Array, keep: Array) -> Array:
    """Return the hidden states of a reset-after GRU, f32[T, R, H].

    With h = keep_t h_{t+1} and the reset gate r and update gate z of x_t and h::

        n   = tanh(x_t W_in + b_n + r (h W_hn + b_hn))
        h_t = (1 - z) n + z h

    The derivative is written by hand, which saves memory and time. Only first derivatives exist.

    Args:
      weights: the weights.
      x: f32[T, R, I].
      keep: f32[T, R].
    """
    return _gru_forward(weights, x, keep)[0]


def _gru_forward(weights: GRUWeights, x: Array, keep: Array) -> tuple[Array, tuple]:
    def body(h: Array, inputs: tuple[Array, Array]) -> tuple[Array, tuple[Array, _Gates]]:
        h, gates = _gru_step(weights, h, *inputs)
        return h, (h, gates)

    start = jnp.zeros((x.shape[1], weights.w_h.shape[0]), x.dtype)
    _, (hs, gates) = jax.lax.scan(body, start, (x, keep), reverse=True)
    return hs, (weights, x, keep, gates)


def _gru_backward(saved: tuple, cotangent: Array) -> tuple[GRUWeights, Array, Array]:
    weights, x, keep, gates = saved
    hidden, width = weights.w_h.shape[0], x.shape[-1]
    # with a column of ones in x, the gradient of a bias is a row of the gradient of the input weights
    x_one = jnp.concatenate([x, jnp.ones((*x.shape[:2], 1), x.dtype)], axis=-1)
    to_x = weights.w_i.T.at[2 * hidden :].set(0.0)  # the reset gate scales only the hidden part of n
    n_to_x = weights.w_i.T[2 * hidden :]

    def body(carry: tuple, inputs: tuple) -> tuple[tuple, Array]:
        dh, d_w_h, d_w_x, d_w_n = carry
        cotangent, (h, r, z, n, n_h), keep, x_one = inputs
        dh = dh + cotangent
        dn = dh * (1 - z) * (1 - n * n)
        dz = dh * (h - n) * z * (1 - z)
        dr = dn * n_h * r * (1 - r)
        d_hidden = jnp.concatenate([dr, dz, dn * r], axis=1)
        dx = d_hidden @ to_x + dn @ n_to_x
        dh = (dh * z + d_hidden @ weights.w_h.T) * keep[:, None]
        return (dh, d_w_h + h.T @ d_hidden, d_w_x + x_one.T @ d_hidden, d_w_n + x_one.T @ dn), dx

    start = (
        jnp.zeros_like(cotangent[0]),
        jnp.zeros_like(weights.w_h),
        jnp.zeros((width + 1, 3 * hidden), x.dtype),
        jnp.zeros((width + 1, hidden), x.dtype),
    )
    (_, d_w_h, d_w_x, d_w_n), dx = jax.lax.scan(body, start, (cotangent, gates, keep, x_one))
    d_w_i = jnp.concatenate([d_w_x[:, : 2 * hidden], d_w_n], axis=1)
    gradient = GRUWeights(w_i=d_w_i[:width], w_h=d_w_h, b=d_w_i[width], b_n=d_w_x[width, 2 * hidden :])
    return gradient, dx, jnp.zeros_like(keep)


gru.defvjp(_gru_forward, _gru_backward)


def lstm(weights: LSTMWeights, x: Array, keep: Array) -> Array:
    """Return the hidden states of an LSTM, f32[T, R, H].

    With (h, c) = keep_t (h, c)_{t+1} and the gates i, f, g and o of x_t and h::

        c_t = f c + i g
        h_t = o tanh(c_t)

    Args:
      weights: the weights.
      x: f32[T, R, I].
      keep: f32[T, R].
    """

    def body(carry: tuple[Array, Array], inputs: tuple[Array, Array]) -> tuple[tuple[Array, Array], Array]:
        x, keep = inputs
        h, c = (a * keep[:, None] for a in carry)
        h, c = lstm_step(weights, h, c, x)
        return (h, c), h

    start = jnp.zeros((x.shape[1], weights.w_h.shape[0]), x.dtype)
    return jax.lax.scan(body, (start, start), (x, keep), reverse=True)[1]


def lstm_step(weights: LSTMWeights, h: Array, c: Array, x: Array) -> tuple[Array, Array]:
    """Return the hidden state and the cell after one input, f32[..., H] each; see `lstm`."""
    i, f, g, o = jnp.split(x @ weights.w_i + h @ weights.w_h + weights.b, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
    return sigmoid(o) * jnp.tanh(c), c
