"""Slots: lockstep antagonists, honest stagger, outcomes of the finished and of no other."""

import jax
import jax.numpy as jnp
import numpy as np

from groove import lifetime
from groove.rollout import evaluate_policy
from groove.slots import advance_antagonists, finished_slots, level_outcome, replace_finished, staggered_lengths
from tests.tiny import tiny_setup, tiny_slots

BOTH = frozenset({"student_return", "antagonist_return"})


def test_the_antagonist_in_lockstep_is_a2c_trained_alone():
    setup = tiny_setup()
    slots = tiny_slots(setup, 3)
    lockstep = slots
    for _ in range(2):
        lockstep, _ = jax.jit(lambda s: advance_antagonists(setup, s, 3))(lockstep)
    one = jax.tree.map(lambda x: x[1:2], (slots.antagonist, slots.level))
    alone, _ = jax.jit(
        lambda life, level: lifetime.live(setup.env, setup.antagonist, setup.antagonist_rule, (), life, level, 4, 6)
    )(*one)
    for a, b in zip(jax.tree.leaves(alone.learner), jax.tree.leaves(lockstep.antagonist.learner), strict=True):
        np.testing.assert_allclose(a[0], b[1], rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(alone.workers.obs[0], lockstep.antagonist.workers.obs[1])


def test_first_lifetimes_end_group_by_group():
    lengths = staggered_lengths(jnp.full(8, 100), jnp.arange(8), groups=4, multiple=5)
    assert lengths.tolist() == [25, 50, 75, 100] * 2
    assert staggered_lengths(jnp.asarray([7]), jnp.asarray([0]), groups=4, multiple=5).tolist() == [5]


def test_outcomes_are_of_the_finished_and_equal_single_evaluations():
    setup = tiny_setup()
    slots = tiny_slots(setup, 5)
    finished = jnp.asarray([True, False, True, True, False])
    outcome = jax.jit(lambda s, f: level_outcome(setup, s, f, BOTH))(slots, finished)
    assert np.isnan(np.asarray(outcome.student_return)).tolist() == (~np.asarray(finished)).tolist()
    assert np.isnan(np.asarray(outcome.antagonist_return)).tolist() == (~np.asarray(finished)).tolist()
    keys = lifetime.step_keys(slots.antagonist, lifetime.EVALUATE)
    for i in (0, 2, 3):
        params, level = jax.tree.map(lambda x, i=i: x[i], (slots.antagonist.learner.params, slots.level))
        alone = evaluate_policy(setup.env, setup.antagonist, setup.antagonist.policy(params), level, keys[i], 2)
        np.testing.assert_allclose(outcome.antagonist_return[i], alone, rtol=1e-6)


def test_what_is_not_needed_is_not_computed():
    setup = tiny_setup(antagonist=False)
    slots = tiny_slots(setup, 3)
    outcome = level_outcome(setup, slots, jnp.ones(3, bool), frozenset())
    assert np.isnan(np.asarray(outcome.student_return)).all()
    assert slots.antagonist is None
    text = str(jax.make_jaxpr(lambda s: level_outcome(setup, s, jnp.ones(3, bool), frozenset()))(slots))
    assert "while" not in text


def test_only_finished_slots_are_replaced():
    setup = tiny_setup()
    old = tiny_slots(setup, 3)
    old, _ = advance_antagonists(setup, old, 1)
    fresh = tiny_slots(setup, 3)
    finished = jnp.asarray([False, True, False])
    mixed = replace_finished(old, fresh, finished)
    for i, source in enumerate((old, fresh, old)):
        for a, b in zip(jax.tree.leaves(mixed), jax.tree.leaves(source), strict=True):
            assert bool((a[i] == b[i]).all())
    assert not finished_slots(mixed).any()
