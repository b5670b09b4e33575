"""Outcomes: of finished slots only, equal to single evaluations, and only what the curriculum needs."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from groove.agents.agent import ActionModelConfig, make_agent
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import evaluate_policy
from groove.meta.outcomes import level_outcome
from groove.types import LevelMemory, LevelOutcome, Stream
from tests._helpers.tiny import tiny_setup, tiny_slots

BOTH = frozenset({"student_return", "student_best", "antagonist_return", "antagonist_best"})


def test_outcomes_are_of_the_finished_and_equal_single_evaluations():
    setup = tiny_setup()
    levels, lives = tiny_slots(setup, 5)
    finished = jnp.asarray([True, False, True, True, False])
    outcome = jax.jit(lambda s, f: level_outcome(setup, levels, s, f, LevelMemory.blank(5), BOTH))(lives, finished)
    assert np.isnan(np.asarray(outcome.student_return)).tolist() == (~np.asarray(finished)).tolist()
    assert np.isnan(np.asarray(outcome.antagonist_return)).tolist() == (~np.asarray(finished)).tolist()
    (rival,), (rivals,) = setup.antagonists, lives.antagonists
    keys = lifetime.step_keys(rivals, Stream.EVALUATE)
    for i in (0, 2, 3):
        params, level = jax.tree.map(lambda x, i=i: x[i], (rivals.learner.params, levels.level))
        alone = evaluate_policy(setup.env, rival.agent, rival.agent.policy(params), level, keys[i], 2)
        np.testing.assert_allclose(outcome.antagonist_return[i], alone.mean(), rtol=1e-6)
        np.testing.assert_allclose(outcome.antagonist_best[i], alone.max(), rtol=1e-6)
    best, mean = np.asarray(outcome.student_best)[[0, 2, 3]], np.asarray(outcome.student_return)[[0, 2, 3]]
    assert (best >= mean).all()
    assert (best > mean).any()


def test_students_and_antagonists_may_be_agents_of_different_forms():
    setup = tiny_setup()
    config = ActionModelConfig(widths=(4,), model_width=2, by_action=())
    heads = setup.rule.heads(setup.env.num_actions)
    setup = setup._replace(student=make_agent(setup.env.observation, heads, config))
    levels, lives = tiny_slots(setup, 3)
    outcome = jax.jit(lambda s: level_outcome(setup, levels, s, jnp.ones(3, bool), LevelMemory.blank(3), BOTH))(lives)

    def alone(agent, life):
        play = jax.jit(jax.vmap(lambda p, level, key: evaluate_policy(setup.env, agent, p, level, key, 2).mean()))
        return play(agent.policy(life.learner.params), levels.level, lifetime.step_keys(life, Stream.EVALUATE))

    np.testing.assert_allclose(outcome.student_return, alone(setup.student, lives.student), rtol=1e-6)
    rival = alone(setup.antagonists[0].agent, lives.antagonists[0])
    np.testing.assert_allclose(outcome.antagonist_return, rival, rtol=1e-6)


def test_the_outcome_knows_what_the_slots_saw_and_what_is_remembered():
    setup = tiny_setup()._replace(optimal_antagonist=True)
    levels, lives = tiny_slots(setup, 4)
    lives = dataclasses.replace(lives, student=dataclasses.replace(lives.student, best_return=jnp.arange(4.0)))
    memory = LevelMemory(jnp.asarray([9.0, -1.0, -jnp.inf, 9.0]), jnp.asarray([jnp.nan, 77.0, jnp.nan, 77.0]))
    finished = jnp.asarray([True, True, True, False])
    needs = frozenset(field.name for field in dataclasses.fields(LevelOutcome)) - {"finished"}
    outcome = jax.jit(lambda s: level_outcome(setup, levels, s, finished, memory, needs))(lives)
    optimal = [setup.env.optimal_return(jax.tree.map(lambda x, i=i: x[i], levels.level)) for i in (0, 2)]
    np.testing.assert_allclose(outcome.optimal_return, [optimal[0], 77.0, optimal[1], np.nan], rtol=1e-6)
    np.testing.assert_allclose(outcome.best_return, [9.0, 1.0, 2.0, np.nan])
    assert float(outcome.antagonist_return[1]) == 77.0  # the best of several antagonists
    for name in needs:
        assert np.isnan(np.asarray(getattr(outcome, name))).tolist() == [False, False, False, True], name


def test_what_is_not_needed_is_not_computed():
    setup = tiny_setup(antagonist=False)
    levels, lives = tiny_slots(setup, 3)
    blank = LevelMemory.blank(3)
    outcome = level_outcome(setup, levels, lives, jnp.ones(3, bool), blank, frozenset())
    assert np.isnan(np.asarray(outcome.student_return)).all()
    assert lives.antagonists == ()
    text = str(jax.make_jaxpr(lambda s: level_outcome(setup, levels, s, jnp.ones(3, bool), blank, frozenset()))(lives))
    assert "while" not in text
