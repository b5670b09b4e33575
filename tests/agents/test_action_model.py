"""Agents with a model of an action: the step by hand, initial weights, and which parameters move."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import ActionModelConfig, make_agent
from groove.envs.base import Box, Discrete, MultiHot

A = 3
HEADS = {"logits": A, "y": 5, "z": A * 4, "q": A * 2}
SMALL = ActionModelConfig(widths=(6, 7), model_width=4, by_action=("z", "q"), learning_rate=0.1)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_heads_after_an_action_by_hand():
    agent = make_agent(Box((2, 3)), HEADS, SMALL)
    params, _ = jax.jit(agent.init)(jax.random.key(0))
    obs = np.random.default_rng(0).normal(size=(5, 2, 3)).astype(np.float32)
    _, heads = jax.jit(lambda p, x: agent.read(p, x, tuple(HEADS)))(params, obs)
    p = jax.tree.map(lambda x: np.asarray(x, np.float64), params)

    def linear(name, x):
        return x @ p[name]["w"] + p[name]["b"]

    x = linear("torso_end", np.maximum(linear("torso_linear_0", obs.reshape(5, 6)), 0))  # the end is linear
    np.testing.assert_allclose(heads["logits"], linear("head_logits", x), atol=1e-5)
    cell = linear("model/cell", x)
    for action in range(A):
        inputs = np.concatenate([np.broadcast_to(np.eye(A)[action], (5, A)), np.tanh(cell)], -1)
        i, g, f, o = np.split(linear("model", inputs), 4, -1)
        state = _sigmoid(o) * np.tanh(_sigmoid(f + 1) * cell + _sigmoid(i) * np.tanh(g))
        for name in ("z", "q"):
            wanted = linear(f"head_{name}", np.maximum(linear(f"head_{name}_hidden", state), 0))
            np.testing.assert_allclose(heads[name].reshape(5, A, -1)[:, action], wanted, atol=1e-5)


def test_initial_weights_are_those_of_the_published_agents():
    config = ActionModelConfig(by_action=("z",))
    agent = make_agent(Box((50,)), {"logits": A, "y": 600, "z": A * 600}, config)
    params, _ = jax.jit(agent.init)(jax.random.key(1))
    cut = 0.87962566  # standard deviation of a normal distribution that is cut at two standard deviations
    sizes = {"head_y": 0.01, "head_z": 128**-0.5, "model": 131**-0.5, "torso_end": 512**-0.5}
    for name, size in sizes.items():
        np.testing.assert_allclose(np.std(params[name]["w"]), size * cut, rtol=0.03)
        assert not np.any(params[name]["b"])


@pytest.mark.parametrize("name", ["logits", "z"])
def test_a_step_moves_the_layers_below_a_head_and_nothing_else(name):
    agent = make_agent(Discrete(9), HEADS, SMALL)
    params, opt_state = jax.jit(agent.init)(jax.random.key(0))
    obs = jnp.asarray([1, 4, 4])
    after, _ = jax.jit(agent.step)(params, opt_state, obs, {name: jnp.ones((3, HEADS[name]))})
    moved = {
        layer
        for layer in params
        if jax.tree.reduce(
            lambda a, b: a | b, jax.tree.map(lambda x, y: bool((x != y).any()), params[layer], after[layer])
        )
    }
    model = {"model", "model/cell", f"head_{name}_hidden"} if name == "z" else set()
    assert moved == {"torso_linear_0", "torso_end", f"head_{name}"} | model
    assert agent.policy(params).keys() == {"torso_linear_0", "torso_end", "head_logits"}


def test_every_element_of_a_step_is_bounded():
    agent = make_agent(Box((2,)), HEADS, ActionModelConfig(widths=(4,), by_action=("z", "q"), max_update=0.5))
    params, opt_state = jax.jit(agent.init)(jax.random.key(0))
    after, _ = jax.jit(agent.step)(params, opt_state, jnp.ones((3, 2)), {"logits": jnp.ones((3, A))})
    largest = max(float(jnp.abs(x - y).max()) for x, y in zip(*map(jax.tree.leaves, (params, after)), strict=True))
    np.testing.assert_allclose(largest, 0.5 * 3e-4, rtol=1e-2)  # Adam's first step is 1 wherever there is a gradient


def test_an_index_is_a_vector_with_a_single_one():
    index, vector = (make_agent(space, HEADS, SMALL) for space in (Discrete(9), MultiHot(9, active=1)))
    (params, _), (same, _) = (agent.init(jax.random.key(0)) for agent in (index, vector))
    jax.tree.map(np.testing.assert_array_equal, params, same)
    obs = jnp.asarray([[0, 8], [3, 3]])
    one, other = index.read(params, obs, ("q",))[1], vector.read(params, obs[..., None], ("q",))[1]
    assert one["q"].shape == (2, 2, A * 2)
    np.testing.assert_array_equal(one["q"], other["q"])
