"""The released rules: their unit of reward, and that each can be loaded with its card."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import groove
from groove.dropin.rule_file import released_rules

T, W, UPDATES = 20, 16, 50
WITH_BASE = [name for name in released_rules() if groove.load(name).config.base != "none"]
ARMS = [  # reward of the worse arm, of the better arm
    *[(scale * low, scale * high) for scale in (0.001, 0.1, 1.0, 10.0, 1000.0) for low, high in ((1, 2), (-2, -1))],
    (0, 100),
    (-1, 100),
    (1000, 1001),
]


@pytest.mark.parametrize("name", WITH_BASE)
def test_agents_find_the_better_of_two_arms_in_any_unit_of_reward(name):
    rule, optimizer = groove.load(name), optax.adam(1e-2)

    def apply(params, obs):
        return {head: jnp.broadcast_to(x, (len(obs), *x.shape)) for head, x in params.items()}

    def better_arm(low, high):
        def step(learner, x):
            key, update = x
            shape = (T, W)
            action = jax.random.categorical(key, jnp.broadcast_to(learner.params["logits"], (*shape, 2)))
            obs, ended = jnp.zeros((*shape, 1)), jnp.ones(shape, bool)
            rollout = groove.Rollout(obs, action, jnp.where(action == 1, high, low), ended, ~ended, obs)
            told = {"progress": update / UPDATES, "lifetime": float(UPDATES)}
            return rule.update(learner, apply, optimizer, rollout, key, **told)[0], None

        params = {head: jnp.zeros(width) for head, width in rule.heads(2).items()}
        keys = jax.random.split(jax.random.key(0), UPDATES)
        learner, _ = jax.lax.scan(step, rule.init(params, optimizer), (keys, jnp.arange(UPDATES)))
        return jax.nn.softmax(learner.params["logits"])[1]

    low, high = jnp.asarray(ARMS, jnp.float32).T
    chosen = np.asarray(jax.jit(jax.vmap(better_arm))(low, high))
    assert (chosen > 0.97).all(), dict(zip(ARMS, chosen.tolist(), strict=True))


def test_a_rule_with_a_base_is_released():
    assert "groove" in WITH_BASE


@pytest.mark.parametrize("name", list(released_rules()))
def test_every_released_rule_has_a_card_with_its_results(name):
    card = groove.load(name).card
    assert f'groove.load("{name}")' in card
    assert "## Meta-tests" in card
