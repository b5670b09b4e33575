"""Recurrent cores equal a plain NumPy recursion and, in their derivative, automatic differentiation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.lpg.core import gru, lstm
from groove.lpg.core_weights import GRUWeights, LSTMWeights

T, R, INPUTS, H = 7, 4, 3, 5


def _weights(kind, gates):
    keys = iter(jax.random.split(jax.random.key(0), 4))
    shapes = [(INPUTS, gates * H), (H, gates * H), (gates * H,)] + ([(H,)] if kind is GRUWeights else [])
    return kind(*(0.7 * jax.random.normal(next(keys), shape) for shape in shapes))


@pytest.fixture
def inputs():
    x = jax.random.normal(jax.random.key(1), (T, R, INPUTS))
    keep = (jax.random.uniform(jax.random.key(2), (T, R)) > 0.3).astype(jnp.float32)
    return x, keep


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _plain_gru(weights, x, keep):
    w_i, w_h, b, b_n = (np.asarray(w, np.float64) for w in weights)
    out = np.zeros((T, R, H))
    for row in range(R):
        h = np.zeros(H)
        for t in reversed(range(T)):
            h = h * keep[t, row]
            a, c = x[t, row] @ w_i + b, h @ w_h
            r, z = _sigmoid(a[:H] + c[:H]), _sigmoid(a[H : 2 * H] + c[H : 2 * H])
            n = np.tanh(a[2 * H :] + r * (c[2 * H :] + b_n))
            h = (1 - z) * n + z * h
            out[t, row] = h
    return out


def _plain_lstm(weights, x, keep):
    w_i, w_h, b = (np.asarray(w, np.float64) for w in weights)
    out = np.zeros((T, R, H))
    for row in range(R):
        h, c = np.zeros(H), np.zeros(H)
        for t in reversed(range(T)):
            h, c = h * keep[t, row], c * keep[t, row]
            i, f, g, o = np.split(x[t, row] @ w_i + h @ w_h + b, 4)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
            out[t, row] = h
    return out


@pytest.mark.parametrize(
    ("core", "plain", "weights"),
    [(gru, _plain_gru, _weights(GRUWeights, 3)), (lstm, _plain_lstm, _weights(LSTMWeights, 4))],
    ids=["gru", "lstm"],
)
def test_core_equals_plain_recursion(core, plain, weights, inputs):
    np.testing.assert_allclose(core(weights, *inputs), plain(weights, *map(np.asarray, inputs)), atol=1e-5)


def _autodiff_gru(weights, x, keep):
    def body(h, step):
        x, keep = step
        h = h * keep[:, None]
        a, c = x @ weights.w_i + weights.b, h @ weights.w_h
        r, z = (jax.nn.sigmoid(g) for g in jnp.split(a[:, : 2 * H] + c[:, : 2 * H], 2, axis=1))
        n = jnp.tanh(a[:, 2 * H :] + r * (c[:, 2 * H :] + weights.b_n))
        h = (1 - z) * n + z * h
        return h, h

    return jax.lax.scan(body, jnp.zeros((R, H)), (x, keep), reverse=True)[1]


def test_gru_derivative_equals_automatic_differentiation(inputs):
    weights, (x, keep) = _weights(GRUWeights, 3), inputs
    direction = jax.random.normal(jax.random.key(3), (T, R, H))

    def loss(core):
        return lambda weights, x: jnp.sum(direction * core(weights, x, keep))

    ours = jax.grad(loss(gru), argnums=(0, 1))(weights, x)
    theirs = jax.grad(loss(_autodiff_gru), argnums=(0, 1))(weights, x)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


def test_core_forgets_at_episode_ends():
    weights = _weights(GRUWeights, 3)
    x = jax.random.normal(jax.random.key(1), (T, R, INPUTS))
    keep = jnp.ones((T, R)).at[3].set(0.0)
    changed = x.at[4:].add(1.0)
    before, after = gru(weights, x, keep), gru(weights, changed, keep)
    np.testing.assert_array_equal(before[:4], after[:4])
    assert not np.allclose(before[4:], after[4:])
