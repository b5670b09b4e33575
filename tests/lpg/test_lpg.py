"""The learned rule: inputs and outputs of its network, and the updates and gradients of agents."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.lpg.lpg import agent_loss, make_lpg
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.lpg_targets import clip_gradient, normalise
from groove.lpg.network import LPGInputs, LPGTargets, make_lpg_network
from tests._helpers.tiny import LPG, tiny_setup, tiny_slots


def _inputs(steps=3, rows=2, width=3):
    keys = jax.random.split(jax.random.key(0), 4)
    flag = jnp.zeros((steps, rows), bool)
    y = [jax.nn.softmax(jax.random.normal(k, (steps, rows, width))) for k in keys[:2]]
    reward, prob = jax.random.normal(keys[2], (steps, rows)), jax.random.uniform(keys[3], (steps, rows))
    return LPGInputs(reward, flag, flag, prob, *y, jnp.full(rows, 0.5), jnp.full(rows, 100.0))


@pytest.mark.parametrize("core", ["gru", "lstm", "mlp", "linear"])
def test_outputs_are_a_weight_and_a_distribution(core):
    network = make_lpg_network(dataclasses.replace(LPG, core=core))
    targets = network.apply(network.init(jax.random.key(0)), _inputs())
    assert targets.pi_hat.shape == (3, 2)
    np.testing.assert_allclose(jnp.exp(targets.y_hat).sum(-1), jnp.ones((3, 2)), rtol=1e-5)


def test_the_future_matters_within_an_episode_and_the_past_never():
    network = make_lpg_network(LPG)
    eta, inputs = network.init(jax.random.key(0)), _inputs()
    before = network.apply(eta, inputs).pi_hat
    after = network.apply(eta, dataclasses.replace(inputs, reward=inputs.reward.at[1].add(1.0))).pi_hat
    assert bool((before != after)[:2].all())
    np.testing.assert_array_equal(before[2], after[2])


def test_the_prediction_after_a_termination_does_not_matter():
    network = make_lpg_network(LPG)
    inputs = dataclasses.replace(_inputs(), terminated=jnp.ones((3, 2), bool))
    eta = network.init(jax.random.key(0))
    other = dataclasses.replace(inputs, next_prediction=inputs.next_prediction[..., ::-1])
    np.testing.assert_array_equal(network.apply(eta, inputs).pi_hat, network.apply(eta, other).pi_hat)


def test_only_a_conditioned_rule_reads_the_lifetime():
    for conditioned in (False, True):
        network = make_lpg_network(dataclasses.replace(LPG, lifetime_conditioning=conditioned))
        eta, inputs = network.init(jax.random.key(0)), _inputs()
        other = dataclasses.replace(inputs, progress=jnp.full(2, 0.9))
        same = bool((network.apply(eta, inputs).pi_hat == network.apply(eta, other).pi_hat).all())
        assert same is not conditioned


def test_the_embedding_gain_is_a_scale_of_its_first_layer():
    plain, keen = (make_lpg_network(dataclasses.replace(LPG, embedding_gain=gain)) for gain in (1.0, 30.0))
    eta, inputs = plain.init(jax.random.key(0)), _inputs()
    layer = eta["phi/~/linear_0"]
    scaled = eta | {"phi/~/linear_0": layer | {"w": 30.0 * layer["w"]}}
    np.testing.assert_allclose(keen.apply(eta, inputs).pi_hat, plain.apply(scaled, inputs).pi_hat, rtol=1e-5)
    assert not np.allclose(keen.apply(eta, inputs).pi_hat, plain.apply(eta, inputs).pi_hat)


def test_the_size_of_the_public_networks():
    for conditioned, inputs in ((False, 6), (True, 8)):
        network = make_lpg_network(LPGConfig(lifetime_conditioning=conditioned, normalise=False))
        count = sum(x.size for x in jax.tree.leaves(network.init(jax.random.key(0))))
        hidden, width = 256, 8
        core = inputs * 3 * hidden + hidden * 3 * hidden + 4 * hidden
        phi = width * 16 + 16 + 16 + 1
        assert count == core + phi + hidden + 1 + hidden * width + width


def test_agent_gradient_by_hand():
    heads = {"logits": jnp.zeros((1, 1, 1, 2)), "y": jnp.zeros((1, 1, 1, 2))}
    targets = LPGTargets(pi_hat=jnp.full((1, 1, 1), 3.0), y_hat=jnp.log(jnp.asarray([[[[0.8, 0.2]]]])))
    gradient = jax.grad(agent_loss)(heads, jnp.zeros((1, 1, 1), jnp.int32), targets, 0.5)
    # d/dlogits of -3 log pi(0) is -3 (onehot - pi); of KL(y || y_hat) it is y (log y - log y_hat - KL)
    np.testing.assert_allclose(gradient["logits"][0, 0, 0], [-1.5, 1.5], rtol=1e-6)
    ratio = np.log(0.5) - np.log([0.8, 0.2])
    expected = 0.5 * 0.5 * (ratio - ratio.mean())
    np.testing.assert_allclose(gradient["y"][0, 0, 0], expected, rtol=1e-5)


def test_each_agent_is_clipped_separately():
    targets = LPGTargets(jnp.zeros((2, 1, 1)), jnp.zeros((2, 1, 1, 2)))

    def loss(targets):
        targets = clip_gradient(targets, 1.0)
        return jnp.sum(jnp.asarray([[[0.1]], [[30.0]]]) * targets.pi_hat) + 40 * jnp.sum(targets.y_hat[1, 0, 0, 0])

    gradient = jax.grad(loss)(targets)
    np.testing.assert_allclose(gradient.pi_hat[:, 0, 0], [0.1, 0.6], rtol=1e-6)
    np.testing.assert_allclose(gradient.y_hat[1, 0, 0], [0.8, 0.0], rtol=1e-6)


def test_an_update_moves_visited_rows_and_nothing_else():
    setup = tiny_setup(rule=make_lpg(LPG))
    levels, lives = tiny_slots(setup, 2)
    from groove.lifetimes.lifetime import advance

    eta = setup.rule.init(jax.random.key(0))
    after, experience, _, _ = jax.jit(
        lambda life, level: advance(setup.env, setup.student, setup.rule, eta, life, level, 4)
    )(lives.student, levels.level)
    for i in range(2):
        visited = np.zeros(setup.env.observation.size, bool)
        visited[np.asarray(experience.obs[i]).reshape(-1)] = True
        for name in ("logits", "y"):
            moved = np.asarray(after.learner.params[name][i] != lives.student.learner.params[name][i]).any(-1)
            assert not moved[~visited].any()
            assert moved[visited].all()
    assert after.learner.updates.tolist() == [1, 1]


def test_normalised_weights_do_not_depend_on_the_unit_of_reward():
    pi_hat = jnp.asarray([[1.0, 2.0], [-4.0, 9.0]])
    np.testing.assert_allclose(normalise(pi_hat), (pi_hat - 2.0) / pi_hat.std(), rtol=1e-4)
    np.testing.assert_allclose(normalise(100.0 * pi_hat + 7.0), normalise(pi_hat), rtol=1e-4)
    np.testing.assert_array_equal(normalise(jnp.full((2, 3), 5.0)), 0.0)
    assert "b" not in make_lpg_network(LPGConfig(hidden=4)).init(jax.random.key(0))["pi_hat"]
