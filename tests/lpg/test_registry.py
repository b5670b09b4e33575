import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, begin_learner, make_agent
from groove.envs.base import Box, Discrete
from groove.lpg.random import make_random
from groove.lpg.registry import RULES, hand_written, learned, make_rule


def make(name):
    settings = RULES[name].config_type() if name in RULES else None
    return make_rule(name, settings, 0.99)


def test_every_rule_has_the_name_of_its_entry_and_a_policy():
    assert {"a2c", "ppo", "dpo", "random"} == set(hand_written())
    assert {*hand_written(), *learned()} == set(RULES)
    for name in RULES:
        rule = make(name)
        assert rule.name == name
        assert rule.heads(5)["logits"] == 5
        assert (rule.init(jax.random.key(0)) == ()) == (name in hand_written())


@pytest.mark.parametrize(("wrong", "nearest"), [("a3c", "a2c"), ("pp0", "ppo"), ("rand", "random")])
def test_an_unknown_name_gets_the_nearest_name(wrong, nearest):
    with pytest.raises(ValueError, match=f'did you mean "{nearest}".*a2c, ppo, dpo, random'):
        make(wrong)


@pytest.mark.parametrize("space", [Discrete(4), Box((3,))], ids=["table", "mlp"])
def test_random_is_uniform_from_every_initial_policy(space):
    config = AgentConfig() if isinstance(space, Discrete) else AgentConfig(torso="mlp", widths=(8,), optimizer="adam")
    rule = make_random()
    agent = make_agent(space, rule.heads(3), config)
    learner = jax.jit(lambda key: begin_learner(agent, key, jnp.int32(9)))(jax.random.key(0))
    learner = dataclasses.replace(learner, params=jax.tree.map(lambda x: x + jnp.arange(x.shape[-1]), learner.params))
    obs = jnp.arange(4) if isinstance(space, Discrete) else jnp.ones((4, 3))
    assert bool(agent.read(learner.params, obs, ("logits",))[1]["logits"].any())
    learner, info = rule.update((), agent, jax.tree.map(lambda x: x[None], learner), None, None)
    learner = jax.tree.map(lambda x: x[0], learner)
    _, heads = agent.read(learner.params, obs, ("logits",))
    np.testing.assert_array_equal(heads["logits"], np.zeros((4, 3)))
    assert (int(learner.updates), info.metrics) == (1, {})
