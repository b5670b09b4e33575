"""The worked examples of docs/extend.md: one short file and one line each, shown on the page and trained with."""

import importlib.util
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, begin_learner, make_agent
from groove.curriculum import scores
from groove.dropin.find import find_rule
from groove.envs import registry as env_registry
from groove.lpg import registry as rule_registry
from groove.training.build import build
from groove.training.settings.presets import preset
from groove.training.settings.validate import validate
from groove.types import LOGITS, LevelOutcome, Rollout
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import replace_all

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "extend.md").read_text("utf-8")
SMALL = {
    "devices": 1,
    "slots.count": 4,
    "slots.workers": 2,
    "slots.steps": 3,
    "slots.episodes": 2,
    "levels.min_lifetime": 2,
    "levels.max_lifetime": 2,
    "rules.lpg.hidden": 4,
    "run.log_every": 3,
    "run.checkpoint_every": 3,
    "validation.every": 0,
}


class Example(NamedTuple):
    """A worked example: the registry, the name of its dictionary, and settings that use the new entry."""

    registry: object
    dictionary: str
    settings: dict


EXAMPLES = {
    "reinforce": Example(rule_registry, "RULES", {"curriculum": "ar", "antagonists": ("reinforce",)}),
    "gap": Example(scores, "SCORES", {"curriculum": "gap"}),
    "corridor": Example(env_registry, "ENVIRONMENTS", {"curriculum": "corridor"}),
}


def _load(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / "extend" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _entry_line(name):
    """Return the registry's line that the page shows."""
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f'    "{name}": '))
    return line


@pytest.fixture
def register(monkeypatch):
    def register(name):
        module, (registry, dictionary, _) = _load(name), EXAMPLES[name]
        entry = eval(f"{{{_entry_line(name)}}}", {**vars(registry), **vars(module)})
        assert list(entry) == [name]
        monkeypatch.setitem(getattr(registry, dictionary), name, entry[name])
        return module

    return register


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_shows_the_whole_file_and_its_line(name):
    text = (DOCS / "extend" / f"{name}.py").read_text("utf-8")
    assert len(text.splitlines()) < 60
    assert f"```python\n{text}```\n" in PAGE
    assert f"```python\n{_entry_line(name)}\n```\n" in PAGE


def test_every_example_is_tested():
    assert {path.stem for path in (DOCS / "extend").glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_line_makes_the_example_trainable(name, register):
    settings = {**SMALL, **EXAMPLES[name].settings}
    with pytest.raises(ConfigError, match=f'unknown .* "{name}"'):
        validate(replace_all(preset("smoke"), settings))
    register(name)
    config = replace_all(preset("smoke"), settings)
    validate(config)
    trainer = build(config).trainer
    state = trainer.init(jax.random.key(0))
    state, metrics = trainer.run(state, 3)
    assert int(state.step) == 3
    assert float(metrics["skipped"].sum()) == 0.0


def test_an_added_environment_is_replayed_by_every_score(register):
    register("corridor")
    register("gap")
    validate(replace_all(preset("smoke"), {**SMALL, "curriculum": "gap@corridor"}))


def test_reinforce_is_a_baseline_by_its_name_and_learns_a_bandit(register):
    register("reinforce")
    rule = find_rule("reinforce").rule
    agent = make_agent(env_registry.make_chain().observation, rule.heads(2), AgentConfig(learning_rate=5.0))
    learner = begin_learner(agent, jax.random.key(0), jax.numpy.int32(50))
    action = np.arange(8).reshape(2, 4) % 2
    ends = np.ones((2, 4), bool)
    states = np.zeros((2, 4), np.int32)
    rollout = Rollout(states, action, action.astype(np.float32), ends, ~ends, states)
    batch = jax.tree.map(lambda x: jax.numpy.asarray(x)[None], (learner, rollout))
    learner, info = rule.update(rule.init(None), agent, *batch, jax.random.split(jax.random.key(1), 1))
    assert info.metrics["entropy"][0] == pytest.approx(np.log(2))
    logits = learner.params[LOGITS][0, 0]
    assert logits[1] > 0.1 > -0.1 > logits[0]  # action 1 pays


def test_reinforce_sums_discounted_rewards_to_the_end_of_the_episode():
    reward = np.array([[1.0], [2.0], [4.0], [8.0]], np.float32)
    terminated = np.array([[False], [True], [False], [False]])
    rollout = Rollout(None, None, reward, terminated, np.zeros_like(terminated), None)
    np.testing.assert_allclose(_load("reinforce").returns(rollout, 0.5)[:, 0], [2.0, 2.0, 8.0, 8.0])


def test_the_gap_is_the_lost_share_of_the_optimal_return():
    outcome = LevelOutcome.unknown(np.ones(3, bool))
    returns = {"optimal_return": np.array([2.0, 2.0, 0.05]), "student_return": np.array([2.0, 0.5, 0.0])}
    outcome = type(outcome)(**{**vars(outcome), **returns})
    np.testing.assert_allclose(_load("gap").optimality_gap(outcome), [0.0, 0.75, 0.5], atol=1e-6)


@pytest.mark.parametrize(("action", "steps", "end"), [(1, 5, "terminated"), (0, 20, "truncated")])
def test_a_corridor_ends_at_the_right_end_or_after_four_times_its_length(action, steps, end):
    corridor = _load("corridor")
    env = corridor.make_corridor(2, 2)
    level = corridor.CorridorLevel(jax.numpy.int32(5), jax.numpy.int32(2))
    state, obs = env.reset(level, 0.0)
    assert int(obs) == 0
    for count in range(1, steps + 1):
        step = env.step(level, state, jax.numpy.int32(action), 0.0)
        state = step.state
        assert (bool(step.terminated) or bool(step.truncated)) == (count == steps)
    assert bool(getattr(step, end))
    assert float(step.reward) == float(end == "terminated") * float(env.optimal_return(level))
