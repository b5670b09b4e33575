"""Does it learn? Minutes of training, outside CI: pytest -m slow tests/test_learning.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.lifetimes.lifetime import begin, live
from groove.lpg.registry import RULES, make_rule
from groove.training.build import build
from groove.training.settings.presets import preset
from groove.training.validation import Validation
from groove.utils.typed_fields import assign
from tests._helpers.probes import make_probe

pytestmark = pytest.mark.slow

PROBES = {
    "which action pays": (1, (0.0, 1.0, 0.5)),
    "what is to come": (4, (1.0,)),
    "which action pays in the end": (4, (0.0, 1.0)),
}
DISCOUNT = 0.9


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("name", ["a2c", "ppo"])
def test_hand_written_rules_learn_the_probes(name, probe):
    length, rewards = PROBES[probe]
    env = make_probe(length, limit=99, rewards=rewards)
    rule = make_rule(name, RULES[name].config_type(), DISCOUNT)
    agent = make_agent(
        env.observation, rule.heads(env.num_actions), AgentConfig(learning_rate=2.0, critic_learning_rate=0.5)
    )

    @jax.jit
    def grown_up(keys):
        levels = jax.vmap(env.sample_level)(keys)
        lives = jax.vmap(lambda lv, key: begin(env, agent, rule, lv, jnp.int32(200), key, workers=8))(levels, keys)
        return live(env, agent, rule, (), lives, levels, steps=8, updates=200)[0].learner.params

    params = grown_up(jax.random.split(jax.random.key(0), 2))
    best = jax.nn.softmax(params["logits"])[:, length - 1, np.argmax(rewards)]
    np.testing.assert_allclose(best, 1.0, atol=0.05)
    expected = DISCOUNT ** np.arange(length)[::-1]
    np.testing.assert_allclose(params["value"][:, :length, 0], np.broadcast_to(expected, (2, length)), atol=0.05)


@pytest.fixture(scope="module")
def trained():
    config = preset("laptop")
    for assignment in ("devices=2", "curriculum=dr", "run.steps=100", "validation.levels=64"):
        config = assign(config, assignment)
    parts = build(config)
    state = parts.trainer.init(jax.random.key(0))
    (domain,) = parts.domains
    untrained = domain.rule_returns(state.eta)
    for _ in range(10):
        state, _ = parts.trainer.run(state, 10)
    return Validation(student=domain.rule_returns(state.eta), untrained=untrained, baseline=domain.baseline_returns(()))


def test_a_hundred_meta_steps_make_a_rule(trained):
    assert trained.normalised("student").low > trained.normalised("untrained").high
    assert trained.normalised("student").value > 0.7


def test_a2c_learns_most_levels(trained):
    assert np.mean(trained.baseline > trained.untrained) > 0.6
