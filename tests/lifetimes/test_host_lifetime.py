"""Lifetimes on the host: rollouts hold the steps played, agents learn, and evaluations count whole episodes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.envs.base import Discrete
from groove.envs.external.atari import make_atari
from groove.envs.external.host import HostStep
from groove.lifetimes.host_lifetime import HostWorkers, evaluate_on_host, live_on_host
from groove.lpg.a2c import A2CConfig, make_a2c
from groove.lpg.disco.config import DiscoConfig
from groove.lpg.disco.rule import make_disco
from groove.lpg.disco.weights import from_arrays
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig
from tests._helpers.disco import synthetic_weights
from tests._helpers.tiny import assert_all_moved

RULES = {
    "a2c": make_a2c(A2CConfig(), 0.99),
    "lpg": make_lpg(LPGConfig(hidden=4, prediction_width=3, embedding_width=4)),
}


class Corridor:
    """Environments in which worker i has episodes of `lengths[i]` steps, cut off after `limit`.

    Action 1 pays a reward of 1 and scores 10.
    """

    num_actions = 2

    def __init__(self, lengths, limit=99):
        self.lengths, self.limit = np.array(lengths), limit
        self.workers, self.observation = len(lengths), Discrete(max(lengths) + 1)
        self.seeds, self.taken = [], []

    def reset(self, seed=None):
        self.seeds.append(seed)
        self.place = np.zeros(self.workers, np.int32)
        return self.place

    def step(self, actions):
        self.taken.append(actions.tolist())
        after = self.place + 1
        terminated = after == self.lengths
        truncated = ~terminated & (after == self.limit)
        self.place = np.where(terminated | truncated, 0, after).astype(np.int32)
        won = (actions == 1).astype(np.float32)
        return HostStep(self.place, won, 10.0 * won, terminated, truncated, after)


class Script:
    """Environments whose episodes end at given steps, bool[T, W]; every step pays 1."""

    num_actions, observation = 2, Discrete(1)

    def __init__(self, terminated, truncated):
        self.script = np.array(terminated, bool), np.array(truncated, bool)
        self.workers = self.script[0].shape[1]

    def reset(self, seed=None):
        self.rows = zip(*self.script, strict=True)
        return np.zeros(self.workers, np.int32)

    def step(self, actions):
        obs, one = np.zeros(self.workers, np.int32), np.ones(self.workers, np.float32)
        return HostStep(obs, one, one, *next(self.rows), obs)


def _newborn(env, learning_rate=4.0):
    rule = RULES["a2c"]
    agent = make_agent(env.observation, rule.heads(env.num_actions), AgentConfig(learning_rate=learning_rate))
    return agent, rule, rule.init(jax.random.key(0))


def _decided(env):
    """Return the parameters of an agent that always takes action 1."""
    agent, _, _ = _newborn(env)
    params = agent.init(jax.random.key(0))[0]
    return agent, params | {"logits": jnp.broadcast_to(jnp.array([-1e9, 0.0]), params["logits"].shape)}


def test_a_rollout_holds_the_steps_played():
    env = Corridor([3, 9], limit=4)
    agent, params = _decided(env)
    workers = HostWorkers(env, jax.random.key(0))
    first, returns = workers.rollout(agent, params, jax.random.key(1), 3)
    second, more = workers.rollout(agent, params, jax.random.key(2), 3)
    both = jax.tree.map(lambda *parts: np.concatenate(parts), first, second)
    assert both.obs.T.tolist() == [[0, 1, 2, 0, 1, 2], [0, 1, 2, 3, 0, 1]]
    assert both.next_obs.T.tolist() == [[1, 2, 3, 1, 2, 3], [1, 2, 3, 4, 1, 2]]
    assert both.terminated.T.tolist() == [[False, False, True] * 2, [False] * 6]
    assert both.truncated.T.tolist() == [[False] * 6, [False, False, False, True, False, False]]
    assert both.action.tolist() == [[1, 1]] * 6
    assert both.reward.tolist() == [[1.0, 1.0]] * 6
    assert (returns, more) == ([30.0], [40.0, 30.0])
    assert first.action.dtype == np.int32


def test_each_worker_is_evaluated_for_one_whole_episode():
    env = Corridor([1, 3, 9], limit=4)
    agent, params = _decided(env)
    returns, truncated = evaluate_on_host(env, agent, params, jax.random.key(0))
    assert returns.tolist() == [10.0, 30.0, 40.0]
    assert truncated.tolist() == [False, False, True]


def test_steps_after_the_first_episode_do_not_count():
    env = Script(
        terminated=[[1, 0, 0], [0, 0, 0], [1, 0, 1], [0, 0, 0], [0, 1, 0]],
        truncated=[[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]],
    )
    agent, params = _decided(env)
    returns, truncated = evaluate_on_host(env, agent, params, jax.random.key(0))
    assert returns.tolist() == [1.0, 5.0, 1.0]
    assert truncated.tolist() == [False, False, True]


def _life(updates=30, evaluate_at=(0, 30), report=lambda done, metrics: None, key=0, learning_rate=4.0, workers=8):
    env, evaluation = Corridor([5] * workers), Corridor([5] * 64)
    life = live_on_host(
        env,
        *_newborn(env, learning_rate),
        key=jax.random.key(key),
        updates=updates,
        steps=5,
        evaluation=evaluation,
        evaluate_at=evaluate_at,
        report=report,
    )
    return life, env, evaluation


def test_an_agent_learns_and_its_lifetime_is_reported():
    told = []
    life, _, _ = _life(report=lambda done, metrics: told.append((done, metrics)))
    assert life.returns.shape == life.truncated.shape == (2, 64)
    before, after = life.curve
    assert 20.0 < before < 30.0
    assert after > 45.0
    assert not life.truncated.any()
    assert (int(life.learner.updates), int(life.learner.lifetime)) == (30, 30)
    assert life.train_updates.tolist() == np.repeat(np.arange(30), 8).tolist()
    assert life.train_returns[-8:].mean() > life.train_returns[:8].mean()
    assert [done for done, _ in told] == list(range(31))
    assert told[0][1] == {"evaluation_return": before}
    assert told[30][1].keys() == {"evaluation_return", "train_return", "value_error"}
    assert told[30][1]["train_return"] == life.train_returns[-8:].mean()


def test_all_randomness_comes_from_the_key_and_evaluations_are_independent():
    one, env, evaluation = _life(4, (0, 2, 4))
    same, same_env, same_evaluation = _life(4, (4,))
    other, other_env, _ = _life(4, (4,), key=1)
    assert same.evaluated_at == (4,)
    np.testing.assert_array_equal(one.returns[-1], same.returns[0])
    jax.tree.map(np.testing.assert_array_equal, one.learner, same.learner)
    assert (env.seeds, evaluation.seeds[-1]) == (same_env.seeds, same_evaluation.seeds[-1])
    assert len({*env.seeds, *evaluation.seeds, *other_env.seeds}) == 5
    assert (one.returns[-1] != other.returns[0]).any()


def test_every_step_draws_new_actions():
    _, env, evaluation = _life(3, (1, 2), learning_rate=0.0, workers=64)
    for taken, count in ((env.taken, 15), (evaluation.taken, 10)):
        assert len({tuple(actions) for actions in taken}) == len(taken) == count
    assert 0.4 < np.mean(evaluation.taken) < 0.6


def test_a_lifetime_without_evaluations():
    life, _, evaluation = _life(2, ())
    assert life.returns.shape == (0, 64)
    assert life.curve.shape == (0,)
    assert evaluation.seeds == []


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="between 0 and 2"):
        _life(2, (3,))
    env = Corridor([5])
    with pytest.raises(ValueError, match="second environment"):
        live_on_host(env, *_newborn(env), key=jax.random.key(0), updates=1, steps=1, evaluation=env)


def test_a_rule_with_a_replay_lives_on_the_host():
    rule = make_disco(DiscoConfig(uses=1, batch=2, capacity=5, widths=(4,), model_width=3))
    env, evaluation = Corridor([2, 3]), Corridor([2, 3])
    agent = make_agent(env.observation, rule.heads(2), rule.adapt_agent(AgentConfig()))
    eta = from_arrays(synthetic_weights(), "synthetic")
    told = {}
    life = live_on_host(
        env, agent, rule, eta, key=jax.random.key(0), updates=2, steps=3, evaluation=evaluation, report=told.__setitem__
    )
    replay = life.learner.rule_state.replay
    assert int(replay.added) == 4
    np.testing.assert_array_equal(replay.stored.obs[:4, 0], [0, 0, 1, 0])  # 3 steps in corridors of 2 and 3
    assert np.isfinite(told[2]["loss"])


@pytest.mark.parametrize("name", RULES)
def test_real_games_move_the_agent_but_not_the_rule_and_compile_once(name):
    rule, traces = RULES[name], {"update": 0, "policy": 0}

    def counted(function, what):
        def call(*arguments):
            traces[what] += 1
            return function(*arguments)

        return call

    env, evaluation = (make_atari("pong", workers=2, seed=0, max_frames=24) for _ in range(2))
    config = AgentConfig(torso="nature", channels=(4, 4, 4), widths=(8,), optimizer="adam", learning_rate=1e-2)
    agent = make_agent(env.observation, rule.heads(env.num_actions), config)
    agent = agent._replace(policy=counted(agent.policy, "policy"))
    rule = rule._replace(update=counted(rule.update, "update"))
    eta = rule.init(jax.random.key(0))
    as_it_was = jax.device_get(eta)
    lives = [
        live_on_host(
            env,
            agent,
            rule,
            eta,
            key=jax.random.key(1),
            updates=updates,
            steps=4,
            evaluation=evaluation,
            evaluate_at=(updates,),
        )
        for updates in (0, 3)
    ]
    assert_all_moved(lives[0].learner.params, lives[1].learner.params)
    jax.tree.map(np.testing.assert_array_equal, eta, as_it_was)
    assert lives[1].truncated.tolist() == [[True, True]]
    assert lives[1].train_updates.tolist() == [1, 1, 2, 2]
    assert traces == {"update": 1, "policy": 1}
