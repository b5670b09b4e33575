"""The meta-gradient: exact, per step, for every parameter, with every micro-batch, and for rules without y."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from groove import ops
from groove.envs.gridworld.dynamics import make_gridworld
from groove.lpg.base import Regularizer, UpdateInfo, UpdateRule
from groove.lpg.lpg import make_lpg
from groove.meta.gradient import GradientConfig, age_weight, meta_gradient, meta_loss, policy_gradient_objective
from groove.types import Learner
from tests._helpers.probes import make_probe
from tests._helpers.tiny import LEVELS, LPG, SIZES, assert_all_moved, tiny_setup, tiny_slots

CONFIG = GradientConfig(updates=3, micro_batch=4)
RETURN_ONLY = dataclasses.replace(CONFIG, policy_entropy=0.0)
LPG_RETURN_ONLY = make_lpg(dataclasses.replace(LPG, prediction_entropy=0.0, pi_hat_l2=0.0, y_hat_l2=0.0))


def test_gradient_equals_finite_differences_in_double_precision():
    with jax.enable_x64(True):
        setup = tiny_setup(make_probe(3, 5, rewards=(0.3, 1.0)))
        levels, lives = tiny_slots(setup, 2)
        eta = jax.tree.map(lambda x: x.astype(jnp.float64), setup.rule.init(jax.random.key(0)))

        @jax.jit
        def loss(eta):
            return meta_loss(setup, CONFIG, eta, levels, lives, jnp.asarray([1.0, 0.5]))[0]

        gradient = jax.jit(jax.grad(loss))(eta)
        assert {g.dtype for g in jax.tree.leaves(gradient)} == {jnp.dtype("float64")}
        for seed in range(4):
            keys = jax.random.split(jax.random.key(seed), len(jax.tree.leaves(eta)))
            direction = jax.tree.unflatten(
                jax.tree.structure(eta),
                [jax.random.normal(k, x.shape) for k, x in zip(keys, jax.tree.leaves(eta), strict=True)],
            )

            def along(scale, direction=direction):
                return loss(jax.tree.map(lambda w, d: w + scale * d, eta, direction))

            numeric = (along(1e-5) - along(-1e-5)) / 2e-5
            analytic = sum(jax.tree.leaves(jax.tree.map(jnp.vdot, gradient, direction)))
            np.testing.assert_allclose(analytic, numeric, rtol=1e-5)


@pytest.mark.parametrize(
    "observation", ["index", *(pytest.param(name, marks=pytest.mark.slow) for name in ("features", "planes"))]
)
def test_every_parameter_of_the_rule_has_a_gradient_from_the_return_alone(observation):
    # planes that never change leave parameters of networks without any gradient, where Adam's root has no derivative
    setup = tiny_setup(make_gridworld(SIZES, LEVELS, observation), LPG_RETURN_ONLY)
    (levels, lives), eta = tiny_slots(setup, 8), setup.rule.init(jax.random.key(0))
    gradient, after, _ = jax.jit(lambda *args: meta_gradient(setup, RETURN_ONLY, *args, levels.weight))(
        eta, levels, lives
    )
    assert {"pi_hat", "y_hat"} < set(gradient)
    assert all(bool(jnp.isfinite(g).all()) for g in jax.tree.leaves(gradient))
    assert_all_moved(jax.tree.map(jnp.zeros_like, gradient), gradient)
    assert_all_moved(lives.critic, after.critic)
    assert_all_moved(lives.student.learner.params, after.student.learner.params)
    assert after.student.learner.updates.tolist() == [3] * 8


def test_micro_batches_do_not_change_the_gradient():
    setup = tiny_setup()
    (levels, lives), eta = tiny_slots(setup, 4), setup.rule.init(jax.random.key(0))

    def gradient(size):
        config = dataclasses.replace(CONFIG, micro_batch=size)
        return jax.jit(lambda *args: meta_gradient(setup, config, *args, levels.weight))(eta, levels, lives)

    whole, parts = gradient(4), gradient(1)
    for a, b in zip(jax.tree.leaves(whole[0]), jax.tree.leaves(parts[0]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(whole[1].student.workers.obs, parts[1].student.workers.obs)


def test_slots_without_weight_teach_nothing_and_normalised_ones_alike():
    setup = tiny_setup()
    (levels, lives), eta = tiny_slots(setup, 4), setup.rule.init(jax.random.key(0))

    config = dataclasses.replace(CONFIG, normalise_slots=True)
    gradient = jax.jit(lambda weight: meta_gradient(setup, config, eta, levels, lives, weight)[0])
    one = [gradient(jnp.zeros(4).at[i].set(1.0)) for i in range(4)]
    norms = [float(optax.tree.norm(g)) for g in one]
    np.testing.assert_allclose(norms, 0.25, rtol=1e-5)  # of unit norm, in a mean over four
    together = gradient(jnp.asarray([1.0, 0.0, 1.0, 0.0]))
    for a, b, c in zip(*(jax.tree.leaves(g) for g in (one[0], one[2], together)), strict=True):
        np.testing.assert_allclose(a + b, c, rtol=1e-4, atol=1e-7)


def test_less_entropy_than_the_antagonist_s_costs():
    setup = tiny_setup()
    (levels, lives), eta = tiny_slots(setup, 1), setup.rule.init(jax.random.key(0))
    config = dataclasses.replace(CONFIG, entropy_floor=0.7)

    @jax.jit
    def loss(floor):
        value, (_, metrics) = meta_loss(setup, config, eta, levels, lives, levels.weight, floor)
        return value, metrics["policy_entropy"]

    usual, entropy = loss(jnp.zeros(1))
    assert 0 < entropy < np.log(setup.env.num_actions)
    np.testing.assert_allclose(loss(entropy[None] + 0.5)[0], usual + 0.7 * 0.5, rtol=1e-5)
    np.testing.assert_allclose(loss(entropy[None] - 0.1)[0], usual, rtol=1e-6)


def test_the_return_of_old_agents_counts_more_and_regularizers_count_at_every_age():
    setup = tiny_setup()
    (levels, lives), eta = tiny_slots(setup, 1), setup.rule.init(jax.random.key(0))
    learner = dataclasses.replace(lives.student.learner, lifetime=jnp.full(1, 6))  # half over after K = 3 updates
    lives = dataclasses.replace(lives, student=dataclasses.replace(lives.student, learner=learner))

    def loss(exponent, weight):
        config = dataclasses.replace(CONFIG, age_exponent=exponent)
        return jax.jit(lambda: meta_loss(setup, config, eta, levels, lives, weight))()

    usual, (_, metrics) = loss(0.0, levels.weight)
    regularizers = sum(term.weight * metrics[term.name] for term in setup.rule.regularizers)
    assert abs(float(regularizers)) > 1e-5
    expected = regularizers + 2 * 0.5**3 * (usual - regularizers)  # the mean of 3 x^2 from 0 to a half
    np.testing.assert_allclose(loss(2.0, levels.weight)[0], expected, rtol=1e-5)
    for length in (6, 60):
        updates = jnp.arange(3, length + 1, 3)
        ages = dataclasses.replace(learner, updates=updates, lifetime=jnp.full(len(updates), length))
        np.testing.assert_allclose(age_weight(ages, 4.0, updates=3).mean(), 1.0, rtol=1e-5)


def test_each_step_is_weighted_by_its_own_advantage():
    heads = {"logits": jnp.log(jnp.asarray([[[[0.5, 0.5]], [[0.25, 0.75]]]]))}  # [N=1, T=2, W=1, A=2]
    action, advantage = jnp.asarray([[[0], [1]]]), jnp.asarray([[[2.0], [-4.0]]])
    expected = (2 * np.log(0.5) - 4 * np.log(0.75)) / 2
    np.testing.assert_allclose(policy_gradient_objective(heads, action, advantage), [expected], rtol=1e-6)
    with pytest.raises(AssertionError):
        policy_gradient_objective(heads, action, advantage[..., None])


def test_a_learned_rule_with_other_heads_and_no_prediction_has_a_meta_gradient():
    # a rule that scales rewards and regularises its scale: heads "logits" and "memory", no "y"
    def update(eta, agent, learner, rollout, keys):
        params, heads = jax.vmap(lambda p, o: agent.read(p, o, ("logits", "memory")))(learner.params, rollout.obs)

        def loss(heads):
            policy = -ops.log_prob(heads["logits"], rollout.action) * eta["scale"] * rollout.reward
            return jnp.sum(jnp.mean(policy + (heads["memory"][..., 0] - eta["aim"]) ** 2, axis=(1, 2)))

        gradients = jax.grad(loss)(heads)
        params, opt_state = jax.vmap(agent.step)(params, learner.opt_state, rollout.obs, gradients)
        size = jnp.full(len(rollout.reward), eta["scale"] ** 2)
        learner = Learner(params, opt_state, learner.updates + 1, learner.lifetime)
        return learner, UpdateInfo({"scale": size}, {"scale_l2": size})

    rule = UpdateRule(
        name="scaled",
        heads=lambda num_actions: {"logits": num_actions, "memory": 1},
        init=lambda key: {"scale": jnp.float32(0.5), "aim": jnp.float32(0.1)},
        update=update,
        regularizers=(
            Regularizer("scale_l2", 0.7),
            Regularizer("memory_size", 0.3, lambda heads: jnp.mean(heads["memory"] ** 2, (1, 2, 3))),
        ),
    )
    setup = tiny_setup(rule=rule)
    (levels, lives), eta = tiny_slots(setup, 4), rule.init(jax.random.key(0))
    gradient, after, metrics = jax.jit(lambda e: meta_gradient(setup, RETURN_ONLY, e, levels, lives, levels.weight))(
        eta
    )
    assert_all_moved(jax.tree.map(jnp.zeros_like, gradient), gradient)
    assert_all_moved(lives.student.learner.params, after.student.learner.params)
    np.testing.assert_allclose(metrics["scale_l2"], 0.25, rtol=1e-6)
    assert {"scale", "memory_size"} < set(metrics)
