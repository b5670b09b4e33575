"""Lists stand for arrays and 0 and 1 for truth values; everything else is refused by the name of its argument."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import groove
from groove.dropin.arrays import as_array, as_flags, as_numbers, read_rollout
from groove.utils.errors import GrooveError
from tests._helpers.rules import random_rollout, write_rule

T, W, A, OBS = 5, 3, 2, 4
FLAGS = ("terminated", "truncated", "mask")


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """A rule without a memory, and one that remembers the scale of rewards."""
    folder = tmp_path_factory.mktemp("rules")
    plain, remembering = folder / "plain.safetensors", folder / "remembering.safetensors"
    return groove.load(write_rule(plain)), groove.load(write_rule(remembering, base="ppo", minibatches=1, epochs=1))


@pytest.fixture
def rollout():
    made = random_rollout(T, W, A, obs=(OBS,))
    return dataclasses.replace(made, mask=np.arange(T)[:, None] < np.array([T, T - 1, T - 2]))


def _network(rule):
    params = {
        name: np.random.default_rng(i).normal(size=(OBS, width)).astype(np.float32)
        for i, (name, width) in enumerate(rule.heads(A).items())
    }
    return params, lambda params, obs: {name: obs @ weights for name, weights in params.items()}


def _loss(rule, rollout, **told):
    return rule.loss(*_network(rule), rollout, **told)


def test_lists_and_numbers_that_are_0_or_1_are_what_arrays_of_bool_are(rules, rollout):
    expected = _loss(rules[0], rollout)
    for change in (np.float32, np.int64, np.uint8, lambda x: x.tolist(), lambda x: jnp.asarray(x, jnp.bfloat16)):
        given = dataclasses.replace(rollout, **{name: change(getattr(rollout, name)) for name in FLAGS})
        np.testing.assert_array_equal(_loss(rules[0], given), expected)
    lists = {name: getattr(rollout, name).tolist() for name in ("obs", "action", "reward", "next_obs")}
    np.testing.assert_allclose(_loss(rules[0], dataclasses.replace(rollout, **lists)), expected, rtol=1e-6)


@pytest.mark.parametrize("value", [0.5, np.nan, 2, -1])
@pytest.mark.parametrize("name", FLAGS)
def test_other_numbers_are_no_truth_values(rules, rollout, name, value):
    changed = getattr(rollout, name).astype(np.float32)
    changed[1, 1] = value
    wrong = dataclasses.replace(rollout, **{name: changed})
    for call in (lambda: _loss(rules[0], wrong), lambda: rules[1].observe(rules[1].init_state(), wrong)):
        with pytest.raises(GrooveError, match=rf"rollout.{name} must be true or false, or 1 or 0, and holds {value}"):
            call()
    compiled = jax.jit(lambda rollout: _loss(rules[0], rollout))
    assert np.isnan(compiled(wrong)), "inside jit it cannot be refused"
    assert np.isfinite(compiled(dataclasses.replace(wrong, **{name: getattr(rollout, name).astype(np.float32)})))


def test_ends_in_hidden_rows_may_be_anything(rules, rollout):
    expected = _loss(rules[0], rollout)
    ends = np.where(rollout.mask, rollout.terminated, np.nan)
    given = dataclasses.replace(rollout, terminated=ends)
    np.testing.assert_array_equal(_loss(rules[0], given), expected)
    np.testing.assert_allclose(jax.jit(lambda rollout: _loss(rules[0], rollout))(given), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("x", "complaint"),
    [
        (None, "must be an array of numbers, not None"),
        ("a", "must be an array of numbers, not text"),
        ([["1.0"]], "must be an array of numbers, not text"),
        ([[None]], "must be an array of numbers, not object"),
        (np.full((T, W), np.datetime64("2020")), "must be an array of numbers, not datetime64"),
        ([[1.0], [1.0, 2.0]], "is no array"),
    ],
)
def test_what_holds_no_numbers_is_refused_by_name(rules, rollout, x, complaint):
    for read in (as_array, as_numbers, as_flags):
        with pytest.raises(GrooveError, match=f"reward {complaint}"):
            read("reward", x)
    for name in ("reward", "action", "obs", "terminated"):
        with pytest.raises(GrooveError, match=rf"rollout.{name} {complaint}"):
            _loss(rules[0], dataclasses.replace(rollout, **{name: x}))


def test_rewards_are_real(rules, rollout):
    with pytest.raises(GrooveError, match=r"rollout.reward must hold real numbers, not complex64"):
        _loss(rules[0], dataclasses.replace(rollout, reward=rollout.reward.astype(np.complex64)))


@pytest.mark.parametrize("given", [None, {}, (), 5, "rollout"])
def test_a_rollout_has_the_fields_of_a_rollout(rules, given):
    plain, remembering = rules
    params, apply = _network(plain)
    logits = np.zeros((T, W, A))
    optimizer = optax.sgd(1.0)
    for call in (
        lambda: read_rollout(given),
        lambda: plain.loss(params, apply, given),
        lambda: plain.targets(given, logits),
        lambda: plain.update(plain.init(params, optimizer), apply, optimizer, given),
        lambda: remembering.observe(remembering.init_state(), given),
    ):
        with pytest.raises(GrooveError, match=r"rollout must be a groove.Rollout, not .*, which lacks reward"):
            call()


def test_a_rollout_is_made_of_lists_and_of_the_floats_of_cleanrl(rollout):
    arrays = {name: getattr(rollout, name) for name in ("obs", "action", "reward", "terminated")}
    last = rollout.next_obs[-1]
    expected = groove.make_rollout(**arrays, last_obs=last)
    floats = groove.make_rollout(**arrays | {"terminated": rollout.terminated.astype(np.float32)}, last_obs=last)
    lists = groove.make_rollout(**{name: x.tolist() for name, x in arrays.items()}, last_obs=last.tolist())
    for made in (floats, lists):
        assert made.terminated.dtype == bool
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), made, expected)
    before = {"autoreset_mode": "next_step", "ended_before": [1.0] * W}
    assert not np.asarray(groove.make_rollout(**arrays, last_obs=last, **before).mask[0]).any()
    for name, changes in {
        "terminated": {"terminated": np.full((T, W), 0.5)},
        "truncated": {"truncated": np.full((T, W), np.nan), "next_obs": rollout.next_obs},
        "ended_before": before | {"ended_before": [0.5] * W},
    }.items():
        with pytest.raises(GrooveError, match=rf"{name} must be true or false, or 1 or 0"):
            groove.make_rollout(**(arrays | {"last_obs": last} | changes))
    with pytest.raises(GrooveError, match="reward must be an array of numbers, not text"):
        groove.make_rollout(**arrays | {"reward": np.full((T, W), "1.0")}, last_obs=last)


@pytest.mark.parametrize("value", ["x", True, 1j, [True]])
def test_progress_and_lifetime_are_numbers(rules, rollout, value):
    told = {"progress": 0.5, "lifetime": 10.0}
    for name in told:
        with pytest.raises(GrooveError, match=f"{name} must (be a number|be an array of numbers|hold real numbers)"):
            _loss(rules[0], rollout, **told | {name: value})


def test_what_a_rule_would_not_read_is_refused(rules, rollout):
    plain, remembering = rules
    state = remembering.observe(remembering.init_state(), rollout)
    for given in (state, 5, (0.0,), state.peak):
        with pytest.raises(GrooveError, match="has no memory and would not read state: leave state out"):
            _loss(plain, rollout, state=given)
        with pytest.raises(GrooveError, match="has no memory and would not read state"):
            plain.observe(given, rollout)
    assert _loss(plain, rollout, state=plain.init_state()) == _loss(plain, rollout)
    y, value = np.zeros((T, W, plain.prediction_width)), np.zeros((T, W))
    for given in ((value, value), (value, None), (None, value)):
        with pytest.raises(GrooveError, match='has no head "value" and would not read it: leave value and next_value'):
            plain.targets(rollout, np.zeros((T, W, A)), y, y, *given)


@pytest.mark.parametrize(
    ("peak", "complaint"), [("x", "not text"), (np.ones(3), r"one number, not \(3,\)"), (1j, "real")]
)
def test_a_memory_is_one_number(rules, rollout, peak, complaint):
    state = rules[1].init_state()._replace(peak=peak)
    with pytest.raises(GrooveError, match=f"state.peak must .*{complaint}"):
        _loss(rules[1], rollout, state=state)


@pytest.mark.parametrize("name", ["epochs", "minibatches"])
@pytest.mark.parametrize("value", [1.5, True, "x", 0, -1, [1], 10**10])
def test_epochs_and_minibatches_are_integers(rules, rollout, name, value):
    params, apply = _network(rules[0])
    optimizer = optax.sgd(1.0)
    with pytest.raises(GrooveError, match=rf"{name} = .* must be (an integer|at least 1)"):
        rules[0].update(rules[0].init(params, optimizer), apply, optimizer, rollout, **{name: value})


def test_more_minibatches_than_transitions_are_refused_at_once(rules, rollout):
    params, apply = _network(rules[0])
    optimizer = optax.sgd(1.0)
    learner, key = rules[0].init(params, optimizer), jax.random.key(0)
    with pytest.raises(GrooveError, match=r"minibatches = 1000000000 does not divide the 15 transitions .* such as 15"):
        rules[0].update(learner, apply, optimizer, rollout, key, minibatches=10**9)


def test_an_agent_has_its_own_parts(rules, rollout):
    plain, remembering = rules
    params, apply = _network(plain)
    adam = optax.adam(1e-3)
    learner = plain.init(params, adam)
    for call, complaint in (
        (lambda: plain.update(None, apply, adam, rollout), "learner must be of rule.init"),
        (lambda: plain.update(params, apply, adam, rollout), "learner must be of rule.init"),
        (lambda: plain.update(learner, apply, None, rollout), "optimizer must be an optax transformation"),
        (lambda: plain.update(learner, apply, optax.adam, rollout), "optimizer must be an optax transformation"),
        (lambda: plain.init(params, None), "optimizer must be an optax transformation"),
        (lambda: plain.update(learner, apply, optax.sgd(1.0, 0.9), rollout), "is not one of this optimizer"),
        (lambda: plain.update(learner, apply, optax.sgd(1.0), rollout), "is not one of this optimizer"),
        (lambda: plain.update(learner, None, adam, rollout), r"apply must be a function \(params, obs\) -> \(logits"),
        (lambda: plain.update(learner, lambda *_: None, adam, rollout), "apply must return .* not one NoneType"),
        (lambda: plain.update(learner, lambda p, x: x @ p["logits"], adam, rollout), "apply must return"),
        (lambda: plain.update(learner, apply, adam, rollout, 5), "key must be a random key of JAX"),
        (lambda: plain.update(learner, apply, adam, rollout, jax.random.split(jax.random.key(0))), "key must be"),
        (lambda: plain.update(remembering.init(params, adam), apply, adam, rollout), "has no memory"),
        (lambda: plain.heads("x"), "num_actions = 'x' must be an integer"),
        (lambda: plain.heads(-1), "num_actions = -1 must be at least 0"),
    ):
        with pytest.raises(GrooveError, match=complaint):
            call()
    plain.update(learner, apply, adam, rollout, jax.random.PRNGKey(0), epochs=np.int64(2))


def test_as_optax_takes_its_own_state_and_no_misspelt_keyword(rules, rollout):
    for rule in rules:
        params, apply = _network(rule)
        optimizer = groove.as_optax(rule, apply, optax.adam(1e-3))
        state = optimizer.init(params)
        optimizer.update(None, state, params, rollout=rollout, value=1.0)  # what inner may read
        for wrong in (5, None, (), (state, state)):
            with pytest.raises(GrooveError, match="state"):
                optimizer.update(None, wrong, params, rollout=rollout)
        for keyword, meant in {"progres": "progress", "lifetimes": "lifetime", "life_time": "lifetime"}.items():
            with pytest.raises(GrooveError, match=rf'unknown argument "{keyword}" \(did you mean "{meant}"\?\)'):
                optimizer.update(None, state, params, rollout=rollout, **{keyword: 0.5})
    plain, _ = rules
    params, apply = _network(plain)
    for inner in (None, optax.adam, 5):
        with pytest.raises(GrooveError, match="inner must be an optax transformation"):
            groove.as_optax(plain, apply, inner)
    for rule in (None, "groove"):
        with pytest.raises(GrooveError, match=r"rule must be a learned rule of groove.load"):
            groove.as_optax(rule, apply, optax.sgd(1.0))
