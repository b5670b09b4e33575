"""Slots: lockstep antagonists, honest stagger, outcomes of the finished and of no other."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from groove.lifetimes import lifetime
from groove.lifetimes.rollout import evaluate_policy
from groove.meta.slots import advance_antagonists, finished_slots, level_outcome, replace_finished, staggered_lengths
from groove.types import LevelMemory, LevelOutcome
from tests._helpers.tiny import tiny_setup, tiny_slots

BOTH = frozenset({"student_return", "antagonist_return"})


def test_the_antagonist_in_lockstep_is_a2c_trained_alone():
    setup = tiny_setup()
    slots = tiny_slots(setup, 3)
    lockstep = slots
    for _ in range(2):
        lockstep, _ = jax.jit(lambda s: advance_antagonists(setup, s, 3))(lockstep)
    one = jax.tree.map(lambda x: x[1:2], (slots.antagonists[0], slots.level))
    (rival,) = setup.rivals
    alone, _ = jax.jit(lambda life, level: lifetime.live(setup.env, rival.agent, rival.rule, (), life, level, 4, 6))(
        *one
    )
    for a, b in zip(jax.tree.leaves(alone.learner), jax.tree.leaves(lockstep.antagonists[0].learner), strict=True):
        np.testing.assert_allclose(a[0], b[1], rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(alone.workers.obs[0], lockstep.antagonists[0].workers.obs[1])


def test_first_lifetimes_end_group_by_group():
    lengths = staggered_lengths(jnp.full(8, 100), jnp.arange(8), groups=4, multiple=5)
    assert lengths.tolist() == [25, 50, 75, 100] * 2
    assert staggered_lengths(jnp.asarray([7]), jnp.asarray([0]), groups=4, multiple=5).tolist() == [5]


def test_outcomes_are_of_the_finished_and_equal_single_evaluations():
    setup = tiny_setup()
    slots = tiny_slots(setup, 5)
    finished = jnp.asarray([True, False, True, True, False])
    outcome = jax.jit(lambda s, f: level_outcome(setup, s, f, LevelMemory.blank(5), BOTH))(slots, finished)
    assert np.isnan(np.asarray(outcome.student_return)).tolist() == (~np.asarray(finished)).tolist()
    assert np.isnan(np.asarray(outcome.antagonist_return)).tolist() == (~np.asarray(finished)).tolist()
    (rival,), (lives,) = setup.rivals, slots.antagonists
    keys = lifetime.step_keys(lives, lifetime.EVALUATE)
    for i in (0, 2, 3):
        params, level = jax.tree.map(lambda x, i=i: x[i], (lives.learner.params, slots.level))
        alone = evaluate_policy(setup.env, rival.agent, rival.agent.policy(params), level, keys[i], 2)
        np.testing.assert_allclose(outcome.antagonist_return[i], alone.mean(), rtol=1e-6)


def test_the_outcome_knows_what_the_slots_saw_and_what_is_remembered():
    setup = tiny_setup()._replace(optimal_rival=True)
    slots = tiny_slots(setup, 4)
    slots = dataclasses.replace(slots, student=dataclasses.replace(slots.student, best_return=jnp.arange(4.0)))
    memory = LevelMemory(jnp.asarray([9.0, -1.0, -jnp.inf, 9.0]), jnp.asarray([jnp.nan, 77.0, jnp.nan, 77.0]))
    finished = jnp.asarray([True, True, True, False])
    needs = frozenset(field.name for field in dataclasses.fields(LevelOutcome)) - {"finished"}
    outcome = jax.jit(lambda s: level_outcome(setup, s, finished, memory, needs))(slots)
    optimal = [setup.env.optimal_return(jax.tree.map(lambda x, i=i: x[i], slots.level)) for i in (0, 2)]
    np.testing.assert_allclose(outcome.optimal_return, [optimal[0], 77.0, optimal[1], np.nan], rtol=1e-6)
    np.testing.assert_allclose(outcome.best_return, [9.0, 1.0, 2.0, np.nan])
    assert float(outcome.antagonist_return[1]) == 77.0  # the best of several antagonists
    for name in needs:
        assert np.isnan(np.asarray(getattr(outcome, name))).tolist() == [False, False, False, True], name


def test_what_is_not_needed_is_not_computed():
    setup = tiny_setup(antagonist=False)
    slots = tiny_slots(setup, 3)
    blank = LevelMemory.blank(3)
    outcome = level_outcome(setup, slots, jnp.ones(3, bool), blank, frozenset())
    assert np.isnan(np.asarray(outcome.student_return)).all()
    assert slots.antagonists == ()
    text = str(jax.make_jaxpr(lambda s: level_outcome(setup, s, jnp.ones(3, bool), blank, frozenset()))(slots))
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
