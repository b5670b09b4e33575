"""Agents: a table updated by row equals a dense table under optax, and networks descend the gradient of heads."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from groove.agents.agent import ActionModelConfig, AgentConfig, make_agent, policy_form
from groove.envs.base import Box, Discrete

HEADS = {"logits": 3, "y": 4}


@pytest.mark.parametrize("scale", [0.01, 10.0])
def test_table_step_equals_dense_sgd_with_clipping(scale):
    config = AgentConfig(learning_rate=2.0, prediction_learning_rate=0.5, max_grad_norm=0.7)
    agent = make_agent(Discrete(6), HEADS, config)
    params, opt_state = agent.init(jax.random.key(0))
    obs = jnp.asarray([[1, 4, 1], [1, 0, 4]])
    gradients = {n: scale * jax.random.normal(jax.random.key(i), (2, 3, w)) for i, (n, w) in enumerate(HEADS.items())}
    moved, _ = agent.step(params, opt_state, obs, gradients)
    for name, rate in (("logits", 2.0), ("y", 0.5)):
        dense = jnp.zeros((6, HEADS[name])).at[obs].add(gradients[name])
        optimizer = optax.chain(optax.clip_by_global_norm(0.7), optax.sgd(rate))
        update, _ = optimizer.update(dense, optimizer.init(dense))
        np.testing.assert_allclose(moved[name] - params[name], update, atol=1e-6)


@pytest.mark.parametrize(("torso", "shape"), [("mlp", (5,)), ("conv", (4, 4, 2))], ids=["mlp", "conv"])
def test_network_step_descends_the_heads_gradient(torso, shape):
    config = AgentConfig(torso=torso, widths=(8,), channels=(4,), optimizer="adam", learning_rate=1e-2)
    agent = make_agent(Box(shape), HEADS, config)
    params, opt_state = agent.init(jax.random.key(0))
    obs = jax.random.normal(jax.random.key(1), (7, 2, *shape))

    def loss(heads):
        return sum(jnp.mean((h - 1.0) ** 2) for h in heads.values())

    @jax.jit
    def descend(params, opt_state):
        params, heads = agent.read(params, obs, tuple(HEADS))
        assert {n: h.shape for n, h in heads.items()} == {"logits": (7, 2, 3), "y": (7, 2, 4)}
        value, gradient = jax.value_and_grad(loss)(heads)
        return value, *agent.step(params, opt_state, obs, gradient)

    values = []
    for _ in range(50):
        value, params, opt_state = descend(params, opt_state)
        values.append(float(value))
    assert values[-1] < 0.5 * values[0]


def test_policies_of_different_rules_have_one_structure():
    config = AgentConfig(torso="mlp", widths=(8,), optimizer="adam")
    trees = []
    for heads in (HEADS, {"logits": 3, "value": 1}):
        agent = make_agent(Box((5,)), heads, config)
        trees.append(jax.tree.structure(agent.policy(agent.init(jax.random.key(0))[0])))
    assert trees[0] == trees[1]


def test_agents_read_the_policies_of_equal_forms():
    table, network = AgentConfig(), AgentConfig(torso="mlp", widths=(8,), optimizer="adam")
    model = ActionModelConfig(widths=(8,), by_action=("q",))  # as large as the network, but its end is linear
    forms = [
        policy_form(make_agent(space, heads, config))
        for space, config in [(Discrete(5), table), (Box((5,)), network), (Box((5,)), model)]
        for heads in (HEADS, {**HEADS, "q": 2 * HEADS["logits"]})
    ]
    assert forms[::2] == forms[1::2]
    assert len(set(forms)) == 3


def test_a_table_needs_indices_and_networks_need_arrays():
    with pytest.raises(ValueError, match='use "table" for Discrete'):
        make_agent(Box((5,)), HEADS, AgentConfig())
    with pytest.raises(ValueError, match='use "table" for Discrete'):
        make_agent(Discrete(5), HEADS, AgentConfig(torso="mlp"))
    with pytest.raises(ValueError, match="sgd"):
        make_agent(Discrete(5), HEADS, AgentConfig(optimizer="adam"))
