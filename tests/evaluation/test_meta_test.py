"""Meta-tests end to end on tiny tasks: what is stored is not run again, and agents do not depend on their company."""

import dataclasses
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.cli.meta_test import meta_test
from groove.dropin.find import NamedRule, find_rules
from groove.envs.chain import make_chain
from groove.evaluation.meta_test import MetaTester, plan
from groove.evaluation.results import Results
from groove.evaluation.suites import BUDGETS, SUITES, Budget, Task, find_tasks
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import evaluate_policy
from groove.lpg.lpg import make_lpg
from groove.lpg.network import LPGConfig
from groove.types import Stream
from groove.utils import parallel

BUDGET = Budget(4, workers=3, levels=2, episodes=2, points=2, steps=5)
TASK = Task("tiny", "chain", make_chain, AgentConfig(), {"smoke": BUDGET}, batch=4)
CONFIG = LPGConfig(hidden=4, prediction_width=3)


def lpg(seed: int) -> NamedRule:
    rule = make_lpg(CONFIG)
    eta = jax.tree.map(np.array, jax.device_get(rule.init(jax.random.key(seed))))  # writable
    return NamedRule(f"lpg{seed}", rule, eta, "lpg", f"identity {seed}", {})


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
    assert (cells["random"].returns[..., 0] == cells["random"].returns[..., 1]).all()
    assert (cells["lpg0"].returns != cells["lpg1"].returns).any()


def test_rules_of_one_kind_share_a_program(tested):
    results, _, tester = tested
    seconds = {cell.rule: cell.lines[0]["provenance"]["compile_seconds"] for cell in results.cells()}
    assert seconds["lpg0"] > 0
    assert seconds["lpg1"] == 0
    assert len(tester._programs) == 3


def test_what_is_stored_is_not_run_again_and_force_does(tested):
    results, rules, _ = tested
    assert [job.seeds for job in plan([TASK], rules, "smoke", 3, results)] == [()] * 4
    assert [job.seeds for job in plan([TASK], rules, "smoke", 4, results)] == [(3,)] * 4
    assert [job.seeds for job in plan([TASK], rules, "smoke", 2, results, force=True)] == [(0, 1)] * 4
    other = dataclasses.replace(TASK, budgets={"smoke": dataclasses.replace(BUDGET, episodes=3)})
    assert [job.seeds for job in plan([other], rules[:1], "smoke", 1, results)] == [(0,)]


def test_an_agent_fares_the_same_alone(tested, tmp_path):
    results, rules, _ = tested
    alone = Results(tmp_path)
    (job,) = plan([TASK], [rules[2]], "smoke", 3, alone)
    tester = MetaTester(alone, parallel.make_mesh(1))
    tester.run(job._replace(seeds=(1,)), lambda done: None)
    whole = next(cell for cell in results.cells() if cell.rule == "lpg0")
    np.testing.assert_allclose(alone.cells()[0].returns[:, 0], whole.returns[:, 1], rtol=1e-5)


def test_a_curve_is_a_lifetime_judged_on_the_way(tested):
    """A2C's last point is that of one lifetime lived in one go by the functions that training uses."""
    results, rules, tester = tested
    stored = next(cell for cell in results.cells() if cell.rule == "a2c")
    env, _ = tester._curves(plan([TASK], rules, "smoke", 3, results)[0])
    agent = make_agent(env.observation, rules[0].rule.heads(env.num_actions), AgentConfig())
    from groove.evaluation import meta_test as module

    key = jax.random.fold_in(jax.random.key(0), module._stable(TASK.path))
    levels = module._levels(env.sample_level, jax.random.fold_in(key, module._LEVELS), 2)
    keys = module.agent_keys(jax.random.fold_in(key, module._AGENTS), [(1, 2)])
    level = jax.tree.map(lambda x: x[1:2], levels)
    life = jax.vmap(lambda lv, k: lifetime.begin(env, agent, lv, jnp.int32(4), k, 3))(level, keys)
    life, _ = lifetime.live(env, agent, rules[0].rule, (), life, level, 5, 4)
    policy = jax.tree.map(lambda x: x[0], agent.policy(life.learner.params))
    judge = lifetime.step_keys(life, Stream.EVALUATE)[0]
    value = evaluate_policy(env, agent, policy, jax.tree.map(lambda x: x[1], levels), judge, 2).mean()
    np.testing.assert_allclose(stored.final[1, 2], value, rtol=1e-5)


def test_a_rule_that_is_changed_by_use_is_caught(tested, tmp_path):
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


@pytest.mark.parametrize("path", [task.path for suite in SUITES.values() for task in suite.tasks.values()])
def test_every_task_has_every_budget_and_fits_its_agent(path):
    (task,) = find_tasks([path])
    assert tuple(task.budgets) == BUDGETS
    for budget in task.budgets.values():
        assert budget.at[-1] == budget.updates
        assert len(set(budget.at)) == len(budget.at) == min(budget.points, budget.updates)
    try:
        SUITES[task.suite].require()
    except ValueError as missing:  # what not everybody has, jaxtari or its sprites: the task has to say so itself
        assert task.make is not None
        with pytest.raises(ValueError, match=re.escape(str(missing))):
            task.make()
        return
    if task.make is not None:
        env = task.make()
        make_agent(env.observation, {"logits": env.num_actions}, task.agent)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ({"suites": ["minatr"]}, 'unknown suite "minatr" (did you mean "minatar"?)'),
        ({"suites": ["minatar/Breakot"]}, '(did you mean "Breakout"?)'),
        ({"suites": []}, "no suite was given"),
        ({"rules": []}, "no rules were given"),
        ({"budget": "labtop"}, '(did you mean "laptop"?)'),
        ({"seeds": 0}, "--seeds = 0 must be positive"),
    ],
)
def test_bad_input_costs_one_line_and_leaves_nothing(flags, complaint, tmp_path, capsys):
    arguments = {"rules": ["a2c"], "suites": ["chain"], "budget": "smoke", "results": str(tmp_path / "results")}
    assert meta_test(**(arguments | flags)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert complaint in lines[0]
    assert not (tmp_path / "results").exists()


def test_a_missing_extra_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert meta_test(rules=["a2c"], suites=["arcade"], results=str(tmp_path)) == 2
    assert 'pip install "groove-rl[arcade]"' in capsys.readouterr().err


def test_the_program_leaves_a_table_and_pictures_and_runs_nothing_twice(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("groove.parallel.keep_compilations", lambda folder: None)
    monkeypatch.setattr("groove.parallel.request_devices", lambda count: None)  # there are eight already
    arguments = {"rules": ["a2c", "random"], "suites": ["chain/tabular"], "budget": "smoke", "seeds": 2}
    assert meta_test(**arguments, results=str(tmp_path)) == 0
    folder = tmp_path / "chain_tabular-smoke"
    for name in ("table.md", "comparison.json", "curves.png"):
        assert (folder / name).stat().st_size > 100
    assert json.loads((folder / "comparison.json").read_text())["rules"] == ["a2c", "random"]
    before = (tmp_path / "chain.jsonl").read_bytes()
    assert before.count(b"\n") == 2
    monkeypatch.setattr(MetaTester, "run", lambda *_: pytest.fail("ran what is stored"))
    assert meta_test(**arguments, results=str(tmp_path)) == 0
    assert (tmp_path / "chain.jsonl").read_bytes() == before
    assert "chain/tabular" in capsys.readouterr().out
