"""Rules with a value head in any loop: whole updates, masks, the unit of reward, and what is missing."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import groove
from groove.agents.agent import _EPS_ROOT, AgentConfig, begin_learner, make_agent
from groove.dropin.targets import ControlledTargets
from groove.envs.base import Box
from groove.lpg.lpg import make_lpg
from groove.utils.errors import GrooveError
from tests._helpers.rules import random_rollout, write_rule

A, Y, T, W = 3, 5, 6, 4
RULES = {
    "lpg": {},
    "values": {"value_head": True, "scale_rewards": False},
    "a2c": {"base": "a2c", "lifetime_conditioning": True},
    "ppo": {"base": "ppo", "epochs": 2, "minibatches": 3},
    "controls": {"base": "ppo", "epochs": 2, "minibatches": 3, "controls": True, "core": "linear"},
    "plain": {"base": "ppo", "epochs": 2, "minibatches": 3, "controls": True, "core": "none"},
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


@pytest.mark.parametrize("name", RULES)
def test_an_update_is_that_of_meta_training(rules, name):
    """Compare two updates in a row with those of the UpdateRule, on a network with the same parameters and Adam."""
    rule = rules[name]
    config = AgentConfig(torso="mlp", widths=(6,), optimizer="adam", learning_rate=0.1)
    theirs = make_lpg(rule.config)
    agent = make_agent(Box((7,)), theirs.heads(A), config)
    expected = begin_learner(agent, jax.random.key(3), jnp.int32(10), theirs.state)
    optimizer = optax.chain(
        optax.clip_by_global_norm(config.max_grad_norm), optax.adam(config.learning_rate, eps_root=_EPS_ROOT)
    )

    def own(params, obs):
        heads = agent.read(params, obs, tuple(rule.heads(A)))[1]
        return tuple(heads[name] for name in rule.heads(A))

    rollouts = [ROLLOUT, dataclasses.replace(random_rollout(T, W, A, seed=1), reward=30 * ROLLOUT.reward)]

    @jax.jit
    def both(learner, expected, rollout):
        learner, info = rule.update(learner, own, optimizer, rollout, KEY, **TOLD)
        batch = jax.tree.map(lambda x: jnp.asarray(x)[None], (expected, rollout))
        expected, metrics = theirs.update(rule.eta, agent, *batch, KEY[None])
        return learner, info, jax.tree.map(lambda x: x[0], (expected, metrics.metrics))

    learner = rule.init(expected.params, optimizer)
    for rollout in rollouts:
        learner, info, (expected, metrics) = both(learner, expected, rollout)
        for part in ("params", "opt_state", "rule_state", "updates"):
            a, b = (jax.tree.leaves(getattr(x, part)) for x in (learner, expected))
            _close(a, b)
        for metric in set(info) & set(metrics):
            _close(info[metric], metrics[metric])
    assert learner.updates == 2
    assert (info["clip_fraction"] > 0) == (rule.config.base == "ppo")


@pytest.mark.parametrize("name", ["a2c", "values"])
def test_one_step_is_a_step_on_the_loss_and_as_optax_keeps_the_state(rules, name):
    rule, inner, params = rules[name], optax.sgd(0.1), _params()
    told = {"progress": 0.0, **TOLD}
    optimizer = groove.as_optax(rule, apply, inner)

    @jax.jit
    def three_ways(params, rollout):
        learner, _ = rule.update(rule.init(params, inner), apply, inner, rollout, **told)
        state = rule.observe(rule.init_state(), rollout)
        gradient = jax.grad(lambda p: rule.loss(p, apply, rollout, state=state, **told))(params)
        updates, opt_state = optimizer.update(None, optimizer.init(params), params, rollout=rollout, **told)
        moved = jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient)
        return (learner.params, learner.rule_state), (moved, state), (optax.apply_updates(params, updates), opt_state)

    first, second, (moved, opt_state) = three_ways(params, ROLLOUT)
    _close(first, second)
    _close(first[0], moved)
    if name == "a2c":
        _close(opt_state.rule_state, first[1])
        assert opt_state.rule_state.peak > 0
    else:
        assert jax.tree.structure(opt_state) == jax.tree.structure(inner.init(params))


@pytest.mark.parametrize("name", ["controls", "plain"])
def test_a_rule_that_sets_controls_steps_in_update_and_as_optax_alike(rules, name):
    rule, inner, params = rules[name], optax.adam(0.1), _params()
    optimizer = groove.as_optax(rule, apply, inner)

    @jax.jit
    def both(learner, params, opt_state, rollout, progress):
        told = {"progress": progress, **TOLD}
        learner, info = rule.update(learner, apply, inner, rollout, KEY, epochs=1, minibatches=1, **told)
        updates, opt_state = optimizer.update(None, opt_state, params, rollout=rollout, **told)
        return learner, info, optax.apply_updates(params, updates), opt_state

    learner, opt_state = rule.init(params, inner), optimizer.init(params)
    for n, rollout in enumerate((ROLLOUT, random_rollout(T, W, A, seed=1))):
        learner, info, params, opt_state = both(learner, params, opt_state, rollout, n / 10)
        _close(learner.params, params)
        _close(learner.rule_state, opt_state.rule_state)
    assert abs(info["step_factor"] - 1) > 0.01
    assert abs(info["entropy_factor"] - 1) > 0.01

    heads, after = (apply(params, obs) for obs in (ROLLOUT.obs, ROLLOUT.next_obs))
    told = {"progress": 0.5, **TOLD, "state": rule.observe(learner.rule_state, ROLLOUT)}
    y, next_y = (heads["y"], after["y"]) if name == "controls" else (None, None)
    arguments = (heads["logits"], y, next_y, heads["value"][..., 0], after["value"])
    targets = jax.jit(rule.targets)(ROLLOUT, *arguments, **told)
    assert (targets.y_hat is None) == (name == "plain")
    state = rule.remember(told["state"], targets, heads["logits"], heads["logits"] + 1.0)
    assert state.change == -1  # the same policy
    np.testing.assert_allclose(state.step, jnp.log(targets.step) / 3, rtol=1e-6)
    with pytest.raises(GrooveError, match=r"which a loss cannot: use rule\.update or groove\.as_optax"):
        rule.loss(params, apply, ROLLOUT, **told)
    with pytest.raises(GrooveError, match="conditioned on the lifetime"):
        rule.targets(ROLLOUT, *arguments, state=told["state"])


PAIRS = [(s, 2 * s) for s in (1e-3, 0.1, 1.0, 30.0, 1e3)]
PAIRS += [(-2 * s, -s) for s in (1e-3, 1.0, 1e3)] + [(0.0, 100.0), (-1.0, 100.0), (1000.0, 1001.0)]


def test_the_unit_of_reward_does_not_matter_to_learning(tmp_path):
    """Check a bandit whose second arm pays more: its probability after 200 updates, whatever the unit.

    The rules are an untrained one, whose residuals are zero, and one of random residuals.
    """
    files = [write_rule(tmp_path / f"{spread}.safetensors", spread, base="a2c") for spread in (0.0, 0.05)]
    rules = [groove.load(file) for file in files]
    optimizer = optax.adam(1e-2)

    def bandit(params, obs):
        return tuple(jnp.broadcast_to(x, (len(obs), len(x))) for x in params)

    def train(eta, low, high):
        rule = dataclasses.replace(rules[0], eta=eta)

        def step(learner, key):
            action = jax.random.categorical(key, jnp.broadcast_to(learner.params[0], (8, 16, 2)))
            ended, obs = jnp.ones((8, 16), bool), jnp.zeros((8, 16, 1))
            rollout = groove.Rollout(obs, action, jnp.where(action == 1, high, low), ended, ~ended, obs)
            return rule.update(learner, bandit, optimizer, rollout)

        params = (jnp.zeros(2), 0.1 * jax.random.normal(KEY, (Y,)), jnp.zeros(1))
        learner, _ = jax.lax.scan(step, rule.init(params, optimizer), jax.random.split(KEY, 200))
        return jax.nn.softmax(learner.params[0])[1]

    low, high = (jnp.asarray(x, jnp.float32) for x in zip(*PAIRS, strict=True))
    etas = jax.tree.map(lambda *x: jnp.stack(x), *(rule.eta for rule in rules))
    over_pairs = jax.vmap(train, (None, 0, 0))
    better = jax.jit(jax.vmap(over_pairs, (0, None, None)))(etas, low, high)
    assert better.shape == (2, len(PAIRS))
    assert (better > 0.9).all()


def test_targets_for_agents_with_a_memory(rules):
    rule, params = rules["a2c"], _params()
    heads, after = (apply(params, obs) for obs in (ROLLOUT.obs, ROLLOUT.next_obs))
    told = {"progress": 0.5, **TOLD, "state": rule.observe(rule.init_state(), ROLLOUT)}
    arguments = (ROLLOUT, heads["logits"], heads["y"], after["y"])
    targets = jax.jit(rule.targets)(*arguments, heads["value"][..., 0], after["value"], **told)
    assert (targets.pi_hat.shape, targets.y_hat.shape, targets.value.shape) == ((T, W), (T, W, Y), (T, W))
    np.testing.assert_allclose(jnp.exp(targets.y_hat).sum(-1), 1.0, rtol=1e-5)
    with pytest.raises(GrooveError, match='reads the head "value": give value and next_value'):
        rule.targets(*arguments, **told)
    pi_hat, y_hat = jax.jit(rules["lpg"].targets)(*arguments)
    assert (pi_hat.shape, y_hat.shape) == ((T, W), (T, W, Y))


@pytest.mark.parametrize(
    ("which", "shape", "complaint"),
    [
        ("logits", (W, T, A), r"logits must be f32\[T, W, A\], T, W = \(6, 4\), not \(4, 6, 3\)"),
        ("logits", (T * W, A), r"logits must be f32\[T, W, A\], T, W = \(6, 4\), not \(24, 3\)"),
        ("y", (W, T, Y), r"y must be f32\[T, W, 5\], T, W = \(6, 4\), not \(4, 6, 5\)"),
        ("y", (T, W, Y + 1), r"y must be f32\[T, W, 5\], T, W = \(6, 4\), not \(6, 4, 6\)"),
        ("next_y", (T * W, Y), r"next_y must be f32\[T, W, 5\], T, W = \(6, 4\), not \(24, 5\)"),
        ("value", (W, T), r"value must be f32\[T, W\], T, W = \(6, 4\), not \(4, 6\)"),
        ("next_value", (T * W, 1), r"next_value must be f32\[T, W\], T, W = \(6, 4\), not \(24, 1\)"),
        ("reward", (W, T), r"rollout.terminated must be bool\[T, W\], T, W = \(4, 6\), not \(6, 4\)"),
        ("action", (W, T), r"rollout.action must be \[T, W\], T, W = \(6, 4\), not \(4, 6\)"),
    ],
)
def test_targets_are_of_outputs_with_the_shapes_of_the_rollout(rules, which, shape, complaint):
    rule, zeros = rules["a2c"], jnp.zeros
    heads = {"logits": zeros((T, W, A)), "y": zeros((T, W, Y)), "next_y": zeros((T, W, Y))}
    heads |= {"value": zeros((T, W)), "next_value": zeros((T, W, 1))}
    told = {"progress": 0.5, **TOLD, "state": rule.init_state()}
    jax.eval_shape(lambda heads: rule.targets(ROLLOUT, **heads, **told), heads)
    rollout = ROLLOUT
    if which in heads:
        heads[which] = zeros(shape)
    else:
        rollout = dataclasses.replace(ROLLOUT, **{which: getattr(ROLLOUT, which).reshape(shape)})
    with pytest.raises(GrooveError, match=complaint):
        jax.eval_shape(lambda heads: rule.targets(rollout, **heads, **told), heads)


def test_the_memory_is_of_arrays_that_fit_together(rules):
    rule, logits = rules["controls"], jnp.zeros((T, W, A))
    with pytest.raises(GrooveError, match=r"rollout.terminated must be bool\[T, W\], T, W = \(1, 4\)"):
        rule.observe(rule.init_state(), dataclasses.replace(ROLLOUT, reward=ROLLOUT.reward[:1]))
    targets = ControlledTargets(logits[..., 0], None, logits[..., 0], jnp.float32(1), jnp.float32(1))
    with pytest.raises(GrooveError, match=r"new_logits must have the shape of logits, \(6, 4, 3\), not \(6, 1, 3\)"):
        rule.remember(rule.init_state(), targets, logits, logits[:, :1])
    with pytest.raises(GrooveError, match=r"mask must be bool\[T, W\], T, W = \(6, 4\), not \(4,\)"):
        rule.remember(rule.init_state(), targets, logits, logits, jnp.ones(W, bool))


def test_a_rule_says_which_heads_and_which_state_it_needs(rules):
    three, two, params = rules["ppo"], rules["lpg"], _params()
    assert list(three.heads(A).items()) == [("logits", A), ("y", Y), ("value", 1)]
    assert list(two.heads(A).items()) == [("logits", A), ("y", Y)]

    def outputs(*names):
        return lambda params, obs: tuple(apply(params, obs)[name] for name in names)

    def flat_value(params, obs):
        return apply(params, obs) | {"value": apply(params, obs)["value"][:, 0]}

    state = three.observe(three.init_state(), ROLLOUT)
    forms = (apply, outputs("logits", "y", "value"), flat_value)
    losses = jax.jit(lambda params: [three.loss(params, form, ROLLOUT, state=state) for form in forms])(params)
    assert losses[0] == losses[1] == losses[2]
    with pytest.raises(
        GrooveError, match=r'head "value" is missing, whose width is 1: apply returns 2 output.*nnx_agen'
    ):
        three.loss(params, outputs("logits", "y"), ROLLOUT, state=state)
    with pytest.raises(GrooveError, match=r'head "y" is missing, whose width is 5: apply returns only .logits.'):
        two.loss(params, lambda p, obs: {"logits": obs @ p["logits"]}, ROLLOUT)
    with pytest.raises(GrooveError, match=r"returns 3 outputs, and the rule needs 2, \(logits \[B, A\], y \[B, 5\]\)"):
        two.loss(params, outputs("logits", "y", "value"), ROLLOUT)
    with pytest.raises(GrooveError, match=r"values of shape \[B\] or \[B, 1\] for B observations, not \(24, 5\)"):
        three.loss(params, outputs("logits", "y", "y"), ROLLOUT, state=state)
    for cure in (r"use rule\.update or groove\.as_optax", r"state=\(state := rule\.observe\(state, rollout\)\)"):
        with pytest.raises(GrooveError, match=cure):
            three.loss(params, apply, ROLLOUT)


def test_wrong_numbers_say_what_to_do(rules):
    def trace(name, *key, **numbers):
        rule, optimizer = rules[name], optax.sgd(0.1)
        begun = rule.init(_params(), optimizer)
        jax.eval_shape(lambda x: rule.update(x, apply, optimizer, ROLLOUT, *key, **numbers), begun)

    with pytest.raises(GrooveError, match=r"minibatches = 5 does not divide the 24 transitions .* such as 4"):
        trace("ppo", KEY, minibatches=5)
    with pytest.raises(GrooveError, match="minibatches = 3 are drawn at random: give key"):
        trace("ppo")
    with pytest.raises(GrooveError, match="epochs = 0 must be at least 1"):
        trace("ppo", KEY, epochs=0)
    with pytest.raises(GrooveError, match="conditioned on the lifetime"):
        trace("a2c")


@pytest.mark.parametrize("name", ["lpg", "ppo"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rewards_are_finite(rules, name, value):
    rule, params = rules[name], _params()
    reward = ROLLOUT.reward.copy()
    reward[2, 1] = value
    wrong = dataclasses.replace(ROLLOUT, reward=reward)
    loss = jax.jit(lambda rollout: rule.loss(params, apply, rollout, state=rule.observe(rule.init_state(), rollout)))
    with pytest.raises(GrooveError, match=rf"reward must be finite, and is {value} in step 2 of worker 1"):
        rule.loss(params, apply, wrong, state=rule.init_state())
    assert np.isnan(loss(wrong))
    assert np.isfinite(loss(ROLLOUT))


def test_an_agent_that_lives_on_is_told_that_its_lifetime_is_over(rules):
    rule, optimizer = rules["controls"], optax.sgd(0.1)

    def update(learner, lifetime):
        return rule.update(learner, apply, optimizer, ROLLOUT, KEY, lifetime=lifetime)

    old = dataclasses.replace(rule.init(_params(), optimizer), updates=jnp.int32(11))
    at_the_end = rule.update(old, apply, optimizer, ROLLOUT, KEY, lifetime=10.0, progress=1.0)[0]
    jax.tree.map(np.testing.assert_array_equal, update(old, 10.0)[0].params, at_the_end.params)
    with pytest.raises(GrooveError, match=r"progress = 1\.1\d* must lie between 0 and 1"):
        rule.update(old, apply, optimizer, ROLLOUT, KEY, lifetime=10.0, progress=1.1)
    with pytest.raises(GrooveError, match="lifetime = inf must be positive and finite"):
        update(old, np.inf)
    jitted = jax.jit(update)
    for lifetime in (10.0, 20.0):
        assert np.isfinite(jitted(old, lifetime)[0].params["logits"]).all()
    for lifetime in (np.inf, -20.0):
        assert np.isnan(jitted(old, lifetime)[0].params["logits"]).all()


def test_rules_without_reuse_can_be_reused(rules):
    rule, optimizer = rules["lpg"], optax.sgd(0.1)
    begun = rule.init(_params(), optimizer)
    update = jax.jit(lambda rollout, n: rule.update(begun, apply, optimizer, rollout, epochs=n), static_argnums=1)
    (learner, info), (once, _) = update(ROLLOUT, 3), update(ROLLOUT, 1)
    assert set(info) == {"entropy", "clip_fraction"}
    assert (learner.updates, learner.rule_state) == (1, ())
    assert (learner.params["logits"] != once.params["logits"]).all()
