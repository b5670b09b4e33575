"""Controls against plain NumPy, their bounds, and what they do to an agent."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.lpg.controls import ControlInputs, ControlState, explained_variance, remember
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.network import make_lpg_network
from groove.lpg.value_lpg import Batch, agent_loss

NETWORK = make_lpg_network(LPGConfig(base="ppo", core="linear", controls=True))
FACTS = ControlInputs(*jnp.array([[0.25, 1.0], [250.0, 25.0], [1.0, 0.5], [0.5, -1.0], [0.2, 0.0], [0.1, 0.0]]))


def _eta(**changes):
    return {**NETWORK.init(jax.random.key(0)), "controls": {"w": jnp.zeros((6, 2)), "b": jnp.zeros(2), **changes}}


def test_controls_are_one_before_meta_training():
    untrained = NETWORK.init(jax.random.key(0))
    for control in NETWORK.controls(untrained, FACTS):
        np.testing.assert_array_equal(control, [1.0, 1.0])


def test_controls_are_bounded_exponentials_of_a_linear_map():
    rng = np.random.default_rng(0)
    w, b = rng.normal(size=(6, 2)).astype(np.float32), rng.normal(size=2).astype(np.float32)
    features = np.array([[-0.5, 0.0, 1.0, 0.5, 0.2, 0.1], [1.0, -1.0, 0.0, -1.0, 0.0, 0.0]])
    step, entropy = np.exp(3 * np.tanh(2 * (features @ w + b))).T
    found = NETWORK.controls(_eta(w=w, b=b), FACTS)
    np.testing.assert_allclose(found.step, step, rtol=1e-5)
    np.testing.assert_allclose(found.entropy, entropy, rtol=1e-5)
    extreme = NETWORK.controls(_eta(b=jnp.array([1e6, -1e6])), FACTS)
    np.testing.assert_allclose([extreme.step[0], extreme.entropy[0]], np.exp([3.0, -3.0]), rtol=1e-5)


@pytest.mark.parametrize("hidden", [False, True])
def test_the_explained_variance_is_that_of_numpy(hidden):
    rng = np.random.default_rng(1)
    value, target = rng.normal(size=(2, 5, 3)).astype(np.float32)
    value += 0.8 * target
    mask = rng.random((5, 3)) < 0.7 if hidden else np.ones((5, 3), bool)
    expected = 1 - np.var((target - value)[mask]) / np.var(target[mask])
    np.testing.assert_allclose(explained_variance(value, target, mask if hidden else None), expected, rtol=1e-5)
    assert explained_variance(target, target) == 1
    assert explained_variance(-9 * target, target) == -1
    assert explained_variance(value, jnp.zeros((5, 3))) == 0


def test_the_memory_holds_how_far_the_policy_moved():
    before, after = np.random.default_rng(2).normal(size=(2, 4, 3, 5))
    p, q = (np.exp(x) / np.exp(x).sum(-1, keepdims=True) for x in (before, after))
    kl = (p * np.log(p / q)).sum(-1)
    mask = np.arange(12).reshape(4, 3) % 2 == 0
    step = jnp.exp(1.5)
    for rows, counted in ((None, kl), (mask, kl[mask])):
        state = remember(ControlState(peak=3.0), step, jnp.asarray(before), jnp.asarray(after), rows)
        np.testing.assert_allclose(state.change, min(np.log(counted.mean() / 0.01) / 4, 1), rtol=1e-4)
        np.testing.assert_allclose([state.peak, state.step], [3.0, 0.5], rtol=1e-6)
    small = remember(ControlState(), step, jnp.asarray(before), jnp.asarray(before + 0.1 * after), None)
    assert -1 < small.change < 0
    still = remember(ControlState(), step, jnp.asarray(before), jnp.asarray(before), None)
    assert still.change == -1


def test_the_factor_of_the_entropy_multiplies_its_weight():
    rng = np.random.default_rng(3)
    heads = {n: jnp.asarray(rng.normal(size=(8, w)), jnp.float32) for n, w in {"logits": 3, "value": 1, "y": 2}.items()}
    log_y = jax.nn.log_softmax(heads["y"])
    batch = Batch(jnp.zeros(8), jnp.arange(8) % 3, jnp.zeros(8), jnp.ones(8), log_y, jnp.zeros(8))
    config = LPGConfig(base="ppo", entropy_coefficient=0.03)
    tripled = agent_loss(heads, batch, config, 0.2, jnp.float32(3.0))[0]
    same = agent_loss(heads, batch, dataclasses.replace(config, entropy_coefficient=0.09), 0.2)[0]
    np.testing.assert_allclose(tripled, same, rtol=1e-6)
    assert tripled != agent_loss(heads, batch, config, 0.2)[0]
