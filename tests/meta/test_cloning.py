"""Cloning: its divergence by hand, a target without a gradient, when it is due, and what it leaves alone."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.gridworld.dynamics import make_gridworld
from groove.meta.cloning import Cloning, clone_students, divergence
from groove.meta.gradient import GradientConfig, meta_gradient, meta_loss
from groove.types import LOGITS
from tests._helpers.probes import make_probe
from tests._helpers.tiny import LEVELS, SIZES, tiny_setup, tiny_slots

CONFIG = GradientConfig(updates=2, micro_batch=4)


def test_the_divergence_of_unibc_by_hand():
    target = jnp.log(jnp.asarray([[[[0.5, 0.5]], [[0.9, 0.1]]]]))  # [N=1, T=2, W=1, A=2]
    student = jnp.log(jnp.asarray([[[[0.25, 0.75]], [[0.9, 0.1]]]])) + 3.0
    expected = (0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75) + 0) / 2
    np.testing.assert_allclose(divergence(target, student), [expected], rtol=1e-5)
    by_target, by_student = jax.grad(lambda *x: divergence(*x)[0], argnums=(0, 1))(target, student)
    assert not np.asarray(by_target).any()
    np.testing.assert_allclose(by_student[0, :, 0], [[-0.125, 0.125], [0, 0]], atol=1e-6)  # (student - target) / T


def test_cloning_is_due_every_kth_meta_step():
    cloning = Cloning(0.5, 3, antagonist=False)
    assert [float(cloning.weight_at(jnp.int32(step))) for step in range(6)] == [0, 0, 0.5, 0, 0, 0.5]


def assert_same(a, b):
    """Bit for bit, keys included."""
    assert all(jax.tree.leaves(jax.tree.map(lambda x, y: bool((x == y).all()), a, b)))


def with_policies(setup, lives):
    """Return lives whose antagonists have learned something, so that policies differ."""
    (life,) = lives.antagonists
    params = jax.tree.map(lambda x: x + jax.random.normal(jax.random.key(7), x.shape), life.learner.params)
    life = dataclasses.replace(life, learner=dataclasses.replace(life.learner, params=params))
    return dataclasses.replace(lives, antagonists=(life,))


def test_the_meta_loss_contains_the_divergence_and_the_target_has_no_gradient():
    setup = tiny_setup()
    (levels, lives), eta = tiny_slots(setup, 2), setup.rule.init(jax.random.key(0))
    lives = with_policies(setup, lives)

    @jax.jit
    def loss(weight):
        value, (_, metrics) = meta_loss(setup, CONFIG, eta, levels, lives, levels.weight, None, weight)
        return value, metrics["cloning_divergence"]

    without, far = loss(jnp.zeros(2))
    assert far > 0.01
    np.testing.assert_allclose(loss(jnp.full(2, 0.3))[0], without + 0.3 * far, rtol=1e-5)

    def of_target(params):
        (life,) = lives.antagonists
        life = dataclasses.replace(life, learner=dataclasses.replace(life.learner, params=params))
        own = dataclasses.replace(lives, antagonists=(life,))
        return meta_loss(setup, CONFIG, eta, levels, own, levels.weight, None, jnp.ones(2))[0]

    gradient = jax.jit(jax.grad(of_target))(lives.antagonists[0].learner.params)
    assert not any(np.asarray(g).any() for g in jax.tree.leaves(gradient))


def test_the_meta_gradient_of_cloning_equals_finite_differences():
    with jax.enable_x64(True):
        setup = tiny_setup(make_probe(3, 5, rewards=(0.3, 1.0)))
        levels, lives = tiny_slots(setup, 2)
        lives = with_policies(setup, lives)
        eta = jax.tree.map(lambda x: x.astype(jnp.float64), setup.rule.init(jax.random.key(0)))

        def loss(eta, weight=5.0):
            return meta_loss(setup, CONFIG, eta, levels, lives, levels.weight, None, jnp.full(2, weight))[0]

        both, alone = (jax.jit(jax.grad(lambda eta, w=w: loss(eta, w)))(eta) for w in (5.0, 0.0))
        direction = jax.tree.map(lambda x: jax.random.normal(jax.random.key(3), x.shape), eta)
        ends = [jax.jit(loss)(jax.tree.map(lambda w, d, s=s: w + s * d, eta, direction)) for s in (1e-5, -1e-5)]
        along, without = (sum(jax.tree.leaves(jax.tree.map(jnp.vdot, g, direction))) for g in (both, alone))
        np.testing.assert_allclose(along, (ends[0] - ends[1]) / 2e-5, rtol=1e-5)
        assert abs(float(along - without)) > 1e-6, "cloning reaches the rule"


@pytest.mark.slow
def test_students_live_the_same_lives_with_and_without_cloning():
    setup = tiny_setup()
    (levels, lives), eta = tiny_slots(setup, 4), setup.rule.init(jax.random.key(0))
    with_it, without = (
        jax.jit(lambda w=w: meta_gradient(setup, CONFIG, eta, levels, lives, levels.weight, None, w))()
        for w in (jnp.ones(4), None)
    )
    assert_same(with_it[1], without[1])
    assert "cloning_divergence" not in without[2]


@pytest.mark.parametrize("observation", ["index", "features"])
def test_bibc_moves_the_antagonist_towards_the_student_and_nothing_else(observation):
    setup = tiny_setup(make_gridworld(SIZES, LEVELS, observation))
    levels, lives = tiny_slots(setup, 2)
    lives = with_policies(setup, lives)
    agent, obs = setup.antagonists[0].agent, lives.antagonists[0].workers.obs

    def distance(lives):
        logits = [
            jax.vmap(lambda p, o, a=a: a.read(p, o, (LOGITS,))[1][LOGITS])(life.learner.params, obs)[:, None]
            for a, life in ((setup.student, lives.student), (agent, lives.antagonists[0]))
        ]
        return divergence(*logits).mean()

    clone = jax.jit(lambda lives, weight: clone_students(setup, lives, levels.level, weight))
    same = clone(lives, jnp.float32(0))
    assert_same(same, lives)
    cloned = lives
    for _ in range(10):
        cloned = clone(cloned, jnp.float32(0.05))  # the learning rate of tables is 40
    assert distance(cloned) < distance(lives)
    for part in ("student", "critic"):
        assert_same(getattr(cloned, part), getattr(lives, part))
    (after,), (before,) = cloned.antagonists, lives.antagonists
    assert_same(after.workers, before.workers)
    assert after.learner.updates.tolist() == before.learner.updates.tolist()
