"""Generations: pairs that differ in nothing but eta, lifetimes lived in full, the same on any number of devices."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.plr_config import PLRConfig
from groove.curriculum.registry import Settings, make_curriculum, parse_curriculum
from groove.envs.gridworld.dynamics import make_gridworld
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import evaluate_policy
from groove.lpg.lpg import make_lpg
from groove.meta.es import ESConfig, make_openes
from groove.meta.generation_step import make_generation_step
from groove.meta.groups import Group
from groove.meta.slots import Levels, begin_lives
from groove.meta.trainer import make_trainer
from groove.types import Stream
from groove.utils import parallel
from tests._helpers.tiny import LEVELS, LPG, SIZES, assert_all_moved, tiny_setup

POPULATION = 8
ENV = make_gridworld(SIZES, dataclasses.replace(LEVELS, min_lifetime=2, max_lifetime=6))


def trainer(devices, curriculum="ar", pairs_at_once=2, sigma=0.3):
    setup = tiny_setup(ENV, antagonist=curriculum == "ar")._replace(recorded=3 if curriculum == "ar" else 0)
    strategy = make_openes(ESConfig(POPULATION, sigma), jax.eval_shape(setup.rule.init, jax.random.key(0)))
    chosen = make_curriculum(parse_curriculum(curriculum), ENV, Settings(PLRConfig(buffer_size=8)), POPULATION // 2)
    step = make_generation_step([Group(curriculum, setup, chosen, POPULATION // 2)], strategy, pairs_at_once)
    return make_trainer(step, parallel.make_mesh(devices), chunk=2), setup, strategy


@pytest.mark.slow
def test_a_generation_moves_eta_and_scores_every_level_on_any_number_of_devices():
    (one, *_), (two, *_) = trainer(1), trainer(2, pairs_at_once=1)
    states, metrics = zip(*(t.run(t.init(jax.random.key(0)), 2) for t in (one, two)), strict=True)
    assert_all_moved(jax.device_get(one.init(jax.random.key(0)).eta), jax.device_get(states[0].eta))
    for a, b in zip(jax.tree.leaves(states[0].eta), jax.tree.leaves(states[1].eta), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(states[0].levels.level_id, states[1].levels.level_id)
    assert metrics[0]["finished"].tolist() == [POPULATION / 2] * 2
    records = [np.asarray(each["level_record"]) for each in metrics]
    assert np.isfinite(records[0][:, :, :2]).all(), "every lifetime ends in its generation"
    np.testing.assert_allclose(records[0][:, :, 2:], records[1][:, :, 2:], rtol=1e-5)
    assert one.compilations() == 1
    assert int(states[0].curriculum.buffer.scored.sum()) > 0


def test_fitness_is_the_return_of_an_agent_raised_by_that_candidate_alone():
    (program, setup, strategy) = trainer(1, "dr", pairs_at_once=4)
    state = program.init(jax.random.key(5))
    key = jax.random.fold_in(jax.random.fold_in(state.key, 1), 0)
    ask_key, _, _, life_key = jax.random.split(key, 4)
    candidates = strategy.ask(ask_key, state.optimizer)

    @jax.jit
    def final_return(eta, level, key):
        length = setup.env.lifetime(level)
        alone = jax.tree.map(lambda x: x[None], level)
        born = begin_lives(setup, Levels(alone, jnp.zeros(1, int), jnp.ones(1)), length[None], key[None])
        life, _ = lifetime.live(setup.env, setup.student, setup.rule, eta, born.student, alone, 4, length)
        policy = setup.student.policy(jax.tree.map(lambda x: x[0], life.learner.params))
        judge = lifetime.step_keys(life, Stream.EVALUATE)[0]
        return evaluate_policy(setup.env, setup.student, policy, level, judge, setup.episodes).mean()

    returns = []
    for i in range(POPULATION):
        pair = i % (POPULATION // 2)
        eta, level = (
            jax.tree.map(lambda x, i=i: x[i], candidates),
            jax.tree.map(lambda x, i=pair: x[i], state.levels.level),
        )
        returns.append(final_return(eta, level, jax.random.fold_in(life_key, pair)))
    _, metrics = program.run(state, 1)
    np.testing.assert_allclose(metrics["fitness"][0], np.mean(returns), rtol=1e-4, atol=1e-6)


def test_candidates_that_are_equal_tie_because_pairs_share_all_randomness():
    program, *_ = trainer(1, "dr", sigma=1e-20)  # which leaves every weight but those that are zero as it is
    _, metrics = program.run(program.init(jax.random.key(1)), 1)
    assert float(metrics["fitness_difference"][0]) == 0.0


@pytest.mark.slow
def test_scores_by_the_critic_live_beside_the_students():
    program, *_ = trainer(1, "maxmc")
    state, metrics = program.run(program.init(jax.random.key(2)), 2)
    assert np.isfinite(metrics["score_mean"]).all()
    assert float(state.curriculum.buffer.memory.best_return.max()) > -np.inf


@pytest.mark.slow
def test_tables_and_networks_move_one_rule_on_any_number_of_devices():
    levels = dataclasses.replace(LEVELS, min_lifetime=2, max_lifetime=6)
    envs = {"tables": ENV, "networks": make_gridworld(SIZES, levels, "features")}
    rule = make_lpg(LPG)  # one for both kinds of agents
    groups = []
    for (name, env), method, size in zip(envs.items(), ("dr", "ar"), (7, 9), strict=True):
        chosen = make_curriculum(parse_curriculum(method), env, Settings(PLRConfig(buffer_size=20)), size)
        groups.append(Group(name, tiny_setup(env, rule, antagonist=method == "ar"), chosen, size))
    strategy = make_openes(ESConfig(32, 0.3), jax.eval_shape(rule.init, jax.random.key(0)))
    ends = []
    for devices in (1, 2):
        step = make_generation_step(groups, strategy, pairs_at_once=1)
        program = make_trainer(step, parallel.make_mesh(devices), chunk=2)
        before = program.init(jax.random.key(0))
        untrained = jax.device_get(before.eta)
        state, metrics = program.run(before, 2)
        assert_all_moved(untrained, jax.device_get(state.eta))
        assert [levels.level_id.shape for levels in state.levels] == [(7,), (9,)]
        assert int(state.curriculum[1].buffer.scored.sum()) > 0
        assert metrics["finished"].tolist() == [16, 16]
        both = metrics["tables/student_episodes"] + metrics["networks/student_episodes"]
        assert jnp.array_equal(metrics["student_episodes"], both)
        assert jnp.array_equal(metrics["regret_known"], metrics["networks/regret_known"])
        assert "networks/score_mean" in metrics
        assert "tables/score_mean" not in metrics
        ends.append((state, metrics))
    (one, of_one), (two, of_two) = ends
    for a, b in zip(jax.tree.leaves(one.eta), jax.tree.leaves(two.eta), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-5)
    for name in ("student_episodes", "tables/student_return_sum", "networks/regret_sum", "fitness", "env_steps"):
        np.testing.assert_allclose(of_one[name], of_two[name], rtol=1e-4, atol=1e-5, err_msg=name)
