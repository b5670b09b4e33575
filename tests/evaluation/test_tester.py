"""The meta-tester on a tiny task: complete lines, shared programs, and agents that do not depend on their company."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.dropin.find import NamedRule, find_rules
from groove.envs.chain import make_chain
from groove.evaluation.jobs import plan
from groove.evaluation.results import Results
from groove.evaluation.suites.base import Budget, Task
from groove.evaluation.tester import MetaTester, agent_keys, task_key, task_levels
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import evaluate_policy
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig
from groove.types import Stream
from groove.utils import parallel

BUDGET = Budget(4, workers=3, levels=2, episodes=2, points=2, steps=5)
TASK = Task("tiny", "chain", make_chain, AgentConfig(), {"smoke": BUDGET}, batch=4)
CONFIG = LPGConfig(hidden=4, prediction_width=3)


def lpg(seed: int) -> NamedRule:
    rule = make_lpg(CONFIG)
    eta = jax.tree.map(np.array, jax.device_get(rule.init(jax.random.key(seed))))  # writable
    return NamedRule(f"lpg{seed}", rule, eta, "lpg", f"identity {seed}", {}, CONFIG)


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    results = Results(tmp_path_factory.mktemp("results"))
    rules = [*find_rules(["a2c", "random"]), lpg(0), lpg(1)]
    tester = MetaTester(results, parallel.make_mesh(2))
    for job in plan([TASK], rules, "smoke", 3, results):
        tester.run(job, lambda done: None)
    return results, rules, tester


def test_every_cell_has_every_seed_and_says_how_it_was_made(tested):
    results, rules, _ = tested
    cells = {cell.rule: cell for cell in results.cells()}
    assert list(cells) == [rule.name for rule in rules]
    for cell in cells.values():
        assert cell.returns.shape == (2, 3, 2)
        assert cell.env_steps.tolist() == [2 * 15, 4 * 15]
    (line,) = cells["lpg1"].lines
    assert line["rule_identity"] == "identity 1"
    assert line["settings"]["budget"]["updates"] == 4
    assert line["provenance"]["versions"]["jax"] == jax.__version__
    assert (cells["lpg0"].returns != cells["lpg1"].returns).any()


def test_a_rule_that_has_settled_has_a_flat_curve(tested):
    cells = {cell.rule: cell for cell in tested[0].cells()}
    assert (cells["random"].returns[..., 0] == cells["random"].returns[..., 1]).all()
    assert (cells["a2c"].returns[..., 0] != cells["a2c"].returns[..., 1]).any()


def test_rules_of_one_kind_share_a_program(tested):
    results, _, tester = tested
    seconds = {cell.rule: cell.lines[0]["provenance"]["compile_seconds"] for cell in results.cells()}
    assert seconds["lpg0"] > 0
    assert seconds["lpg1"] == 0
    assert len(tester._programs) == 3


def test_an_agent_fares_the_same_alone(tested, tmp_path):
    results, rules, _ = tested
    alone = Results(tmp_path)
    (job,) = plan([TASK], [rules[2]], "smoke", 3, alone)
    tester = MetaTester(alone, parallel.make_mesh(1))
    tester.run(job._replace(seeds=(1,)), lambda done: None)
    whole = next(cell for cell in results.cells() if cell.rule == "lpg0")
    np.testing.assert_allclose(alone.cells()[0].returns[:, 0], whole.returns[:, 1], rtol=1e-5)


def test_the_last_point_of_a_curve_is_the_end_of_one_uninterrupted_lifetime(tested):
    """Live A2C's lifetime in one go, by the functions that training uses, and evaluate the agent."""
    results, rules, tester = tested
    stored = next(cell for cell in results.cells() if cell.rule == "a2c")
    env, _ = tester._curves(plan([TASK], rules, "smoke", 3, results)[0])
    agent = make_agent(env.observation, rules[0].rule.heads(env.num_actions), AgentConfig())
    levels = task_levels(TASK, env, 2)
    keys = agent_keys(jax.random.fold_in(task_key(TASK), Stream.TASK_AGENTS), [(1, 2)])
    level = jax.tree.map(lambda x: x[1:2], levels)
    life = jax.vmap(lambda lv, k: lifetime.begin(env, agent, rules[0].rule, lv, jnp.int32(4), k, 3, 5))(level, keys)
    life, _ = lifetime.live(env, agent, rules[0].rule, (), life, level, 5, 4)
    policy = jax.tree.map(lambda x: x[0], agent.policy(life.learner.params))
    judge = lifetime.step_keys(life, Stream.EVALUATE)[0]
    value = evaluate_policy(env, agent, policy, jax.tree.map(lambda x: x[1], levels), judge, 2).mean()
    np.testing.assert_allclose(stored.final[1, 2], value, rtol=1e-5)


def test_a_rule_whose_parameters_change_in_use_is_caught(tested, tmp_path):
    results, *_ = tested
    tester = MetaTester(Results(tmp_path), parallel.make_mesh(2))
    rule = lpg(0)

    class Spoils:
        compile_seconds = 0.0

        def __call__(self, eta, levels, keys, points, report):
            jax.tree.leaves(eta)[0][...] = 1.0
            return np.zeros((len(keys), len(points)))

    (job,) = plan([TASK], [rule], "smoke", 1, results)
    tester._programs[(TASK.program, rule.kind, "smoke")] = TASK.make(), Spoils()
    with pytest.raises(AssertionError):
        tester.run(job._replace(seeds=(0,), rule=rule), lambda done: None)


@pytest.mark.parametrize(("settled", "points"), [(None, (2, 4)), (1, (1,)), (2, (2,)), (3, (2, 4))])
def test_a_rule_is_evaluated_once_if_it_settles_by_the_first_point(settled, points, tmp_path):
    rule = lpg(0)
    rule = NamedRule("settles", rule.rule._replace(settles_after=settled), rule.eta, "kind", "identity", {}, CONFIG)
    (job,) = plan([TASK], [rule], "smoke", 3, Results(tmp_path))
    assert job.points == points
    assert job.env_steps == 2 * 3 * points[-1] * 3 * 5  # levels, seeds, updates, workers, steps of a rollout
