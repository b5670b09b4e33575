"""Rows that the mask hides, and the logits of illegal actions: whatever is there, an update is the same."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import groove
from tests._helpers.rules import padded, random_rollout, write_rule

A, Y, T, W = 3, 5, 6, 4
PPO = {"base": "ppo", "epochs": 2, "minibatches": 3}
RULES = {
    "ppo": PPO,
    "controls": {**PPO, "controls": True, "core": "linear"},
    "plain": {**PPO, "controls": True, "core": "none"},
}
ROLLOUT = random_rollout(T, W, A)
KEY = jax.random.key(5)
TOLD = {"lifetime": 10.0}


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    return {name: groove.load(write_rule(folder / f"{name}.safetensors", **c)) for name, c in RULES.items()}


def _params(seed=0):
    keys = jax.random.split(jax.random.key(seed), 3)
    widths = {"logits": A, "y": Y, "value": 1}
    return {name: jax.random.normal(key, (7, n)) for key, (name, n) in zip(keys, widths.items(), strict=True)}


def apply(params, obs):
    """Return all heads by name; two-head rules take their own."""
    return {name: obs @ w for name, w in params.items()}


def _close(a, b, **tolerance):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **{"rtol": 1e-5, "atol": 1e-5} | tolerance), a, b)


def _hidden_in_half(rollout):
    ended = rollout.terminated | rollout.truncated
    return dataclasses.replace(rollout, mask=np.concatenate([np.ones((1, W), bool), ~ended[:-1]]))


@pytest.mark.parametrize("name", ["ppo", "controls"])
def test_padding_changes_nothing(rules, name):
    rule, optimizer = rules[name], optax.sgd(0.1)
    learner = rule.init(_params(), optimizer)

    @jax.jit
    def update(learner, rollout):
        return rule.update(learner, apply, optimizer, rollout, KEY, epochs=2, minibatches=1, **TOLD)

    _close(update(learner, padded(ROLLOUT)), update(learner, ROLLOUT))


@pytest.mark.parametrize("name", ["ppo", "plain"])
def test_hidden_rows_in_the_middle_do_not_matter(rules, name):
    rule, optimizer, rollout = rules[name], optax.sgd(0.1), _hidden_in_half(ROLLOUT)
    told = TOLD if name == "plain" else {}
    learner = rule.init(_params(), optimizer)
    hidden = ~rollout.mask
    assert 0 < hidden.sum() < hidden.size / 2
    other = dataclasses.replace(
        rollout,
        obs=np.where(hidden[..., None], np.nan, rollout.obs),
        action=np.where(hidden, 99, rollout.action),
        reward=np.where(hidden, np.inf, rollout.reward),
        terminated=rollout.terminated ^ hidden,
        next_obs=np.where(hidden[..., None], np.nan, rollout.next_obs),
    )
    update = jax.jit(lambda learner, rollout: rule.update(learner, apply, optimizer, rollout, KEY, **told))
    _close(update(learner, other), update(learner, rollout))
    everything = dataclasses.replace(rollout, mask=np.ones_like(hidden))
    _close(update(learner, everything), update(learner, ROLLOUT))


@pytest.mark.parametrize("name", ["ppo", "controls", "plain"])
def test_networks_that_divide_by_the_size_of_their_input_may_have_hidden_rows(rules, name):
    rule, rollout, optimizer = rules[name], _hidden_in_half(ROLLOUT), optax.adam(0.1)
    told = {} if name == "ppo" else TOLD

    def divided(params, obs):
        return apply(params, obs / jnp.linalg.norm(obs, axis=-1, keepdims=True))

    zeros = {n: np.where(rollout.mask[..., None], getattr(rollout, n), 0.0) for n in ("obs", "next_obs")}
    learner, info = rule.update(
        rule.init(_params(), optimizer), divided, optimizer, dataclasses.replace(rollout, **zeros), KEY, **told
    )
    for x in jax.tree.leaves((learner.params, learner.opt_state, info)):
        assert np.isfinite(x).all()


@pytest.mark.parametrize("name", ["ppo", "controls", "plain"])
def test_the_logit_of_an_illegal_action_may_be_minus_infinity(rules, name):
    rule, optimizer, told = rules[name], optax.adam(0.1), {} if name == "ppo" else TOLD
    rollout = dataclasses.replace(ROLLOUT, action=np.minimum(ROLLOUT.action, 1))

    def after(illegal):
        def masked(params, obs):
            heads = apply(params, obs)
            return heads | {"logits": jnp.where(jnp.arange(A) < 2, heads["logits"], illegal)}

        return rule.update(rule.init(_params(), optimizer), masked, optimizer, rollout, KEY, **told)

    learner, info = after(-jnp.inf)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves((learner, info)))
    _close((learner, info), after(-1e9))


def test_targets_of_illegal_actions_may_have_logits_of_minus_infinity(rules):
    rule, heads = rules["plain"], apply(_params(), ROLLOUT.obs)
    rollout = dataclasses.replace(ROLLOUT, action=np.minimum(ROLLOUT.action, 1))
    told = {"progress": 0.5, **TOLD, "state": rule.observe(rule.init_state(), rollout)}

    def found(illegal):
        logits = jnp.where(jnp.arange(A) < 2, heads["logits"], illegal)
        targets = rule.targets(rollout, logits, None, None, heads["value"], heads["value"], **told)
        return targets, rule.remember(told["state"], targets, logits, 2 * logits)

    assert all(np.isfinite(x).all() for x in jax.tree.leaves(found(-jnp.inf)))
    _close(found(-jnp.inf), found(-1e9))
