"""The rows that a mask hides do not count, and actions must be indices of the policy logits."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import groove
from groove import ops
from groove.utils.errors import GrooveError

A, Y, T, W = 3, 8, 6, 4
HIDDEN = 2  # rows of padding


@pytest.fixture(scope="module")
def rule():
    return groove.load("paper-groove")


def _rollout(rng, steps=T):
    end = rng.random((steps, W)) < 0.3
    terminated = end & (rng.random((steps, W)) < 0.5)
    return groove.Rollout(
        obs=rng.normal(size=(steps, W, 5)).astype(np.float32),
        action=rng.integers(A, size=(steps, W)),
        reward=rng.normal(size=(steps, W)).astype(np.float32),
        terminated=terminated,
        truncated=end & ~terminated,
        next_obs=rng.normal(size=(steps, W, 5)).astype(np.float32),
    )


PARAMS = {
    "pi": np.random.default_rng(1).normal(size=(5, A)).astype(np.float32),
    "y": np.random.default_rng(2).normal(size=(5, Y)).astype(np.float32),
}


def apply(params, obs):
    return obs @ params["pi"], obs @ params["y"]


def _value_and_gradient(rule, rollout):
    return jax.value_and_grad(lambda p: rule.loss(p, apply, rollout))(PARAMS)


def _close(a, b):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6), a, b)


def test_padded_rows_do_not_count(rule):
    rng = np.random.default_rng(0)
    rollout, padding = _rollout(rng), _rollout(rng, HIDDEN)
    nothing = np.full((HIDDEN, W), np.nan, np.float32)
    padding = dataclasses.replace(
        padding, action=np.full((HIDDEN, W), -1), reward=nothing, obs=padding.obs + nothing[..., None]
    )
    padded = jax.tree.map(lambda a, b: np.concatenate([a, b]), rollout, padding)
    mask = np.arange(T + HIDDEN)[:, None] < np.full(W, T)
    _close(_value_and_gradient(rule, dataclasses.replace(padded, mask=mask)), _value_and_gradient(rule, rollout))


def test_a_mask_of_all_rows_changes_nothing(rule):
    rollout = _rollout(np.random.default_rng(0))
    masked = dataclasses.replace(rollout, mask=np.ones((T, W), bool))
    _close(_value_and_gradient(rule, masked), _value_and_gradient(rule, rollout))


def test_resets_in_the_middle_do_not_count(rule):
    """Compare with the targets of all rows, averaged and normalised by hand over the rows that count."""
    rollout = _rollout(np.random.default_rng(3))
    ended = rollout.terminated | rollout.truncated
    mask = np.concatenate([np.ones((1, W), bool), ~ended[:-1]])
    raw = dataclasses.replace(rule, config=dataclasses.replace(rule.config, normalise=False))
    raw = dataclasses.replace(raw, eta={**rule.eta, "pi_hat": {**rule.eta["pi_hat"], "b": np.zeros(1, np.float32)}})

    def by_hand(params):
        (logits, y), (_, next_y) = apply(params, rollout.obs), apply(params, rollout.next_obs)
        targets = raw.targets(rollout, *jax.lax.stop_gradient((logits, y, next_y)))
        counted = targets.pi_hat[mask]
        pi_hat = (targets.pi_hat - counted.mean()) / jnp.sqrt(counted.var() + 1e-4)
        loss = -ops.log_prob(logits, rollout.action) * pi_hat
        loss += rule.config.prediction_coefficient * ops.kl_divergence(y, targets.y_hat)
        return loss[mask].mean()

    assert not mask.all()
    found = _value_and_gradient(rule, dataclasses.replace(rollout, mask=mask))
    _close(found, jax.value_and_grad(by_hand)(PARAMS))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda a: a + 1, "integers from 0 to 2, the indices of the policy logits, not 3"),
        (lambda a: a - 1, "integers from 0 to 2, the indices of the policy logits, not -1"),
        (lambda a: a.astype(np.float32), "not float32: continuous and one-hot actions"),
    ],
)
def test_actions_are_indices_of_the_policy_logits(rule, change, complaint):
    rollout = _rollout(np.random.default_rng(0))
    wrong = dataclasses.replace(rollout, action=change(rollout.action))
    with pytest.raises(GrooveError, match=complaint):
        _value_and_gradient(rule, wrong)


def test_wrong_actions_inside_jit_make_loss_and_gradient_nan(rule):
    rollout = _rollout(np.random.default_rng(0))
    compute = jax.jit(lambda rollout: _value_and_gradient(rule, rollout))
    _close(compute(rollout), _value_and_gradient(rule, rollout))
    value, gradient = compute(dataclasses.replace(rollout, action=rollout.action - 1))
    assert np.isnan(value)
    assert np.isnan(gradient["pi"]).all()


def test_a_rollout_without_transitions_and_a_wrong_mask_are_refused(rule):
    rollout = _rollout(np.random.default_rng(0))
    with pytest.raises(GrooveError, match=r"no transition: reward has shape \(6, 0\)"):
        _value_and_gradient(rule, jax.tree.map(lambda x: x[:, :0], rollout))
    with pytest.raises(GrooveError, match=r"rollout.mask must be bool\[T, W\], T, W = \(6, 4\), not \(4,\)"):
        _value_and_gradient(rule, dataclasses.replace(rollout, mask=np.ones(W, bool)))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"reward": (W, T)}, r"rollout.terminated must be bool\[T, W\], T, W = \(4, 6\), not \(6, 4\)"),
        ({"reward": (T * W,)}, r"rollout.reward must be f32\[T, W\], not \(24,\)"),
        ({"truncated": (W, T)}, r"rollout.truncated must be bool\[T, W\], T, W = \(6, 4\), not \(4, 6\)"),
        ({"action": (T, W, 1)}, r"rollout.action must be \[T, W\], T, W = \(6, 4\), not \(6, 4, 1\)"),
        ({"obs": (W, T, 5)}, r"rollout.obs must be \[T, W, ...\], T, W = \(6, 4\), not \(4, 6, 5\)"),
        ({"next_obs": (W, T, 5)}, r"rollout.next_obs must have the shape of rollout.obs, \(6, 4, 5\), not \(4, 6, 5\)"),
    ],
)
def test_arrays_of_a_rollout_fit_together(rule, changes, complaint):
    rollout = _rollout(np.random.default_rng(0))
    wrong = {name: getattr(rollout, name).reshape(shape) for name, shape in changes.items()}
    with pytest.raises(GrooveError, match=complaint):
        jax.eval_shape(lambda rollout: rule.loss(PARAMS, apply, rollout), dataclasses.replace(rollout, **wrong))


OUT_OF_RANGE = [("lifetime", x) for x in (-5.0, 0.0, 1e-50, 1e39, np.inf, np.nan)]
OUT_OF_RANGE += [("progress", x) for x in (-0.1, 1.1, 5.0, np.inf, np.nan)]


@pytest.fixture(scope="module")
def told_loss():
    """The jitted loss of a rule that reads progress and lifetime."""
    rule, rollout = groove.load("ta-lpg"), _rollout(np.random.default_rng(0))
    return jax.jit(lambda told: rule.loss(PARAMS, apply, rollout, **told))


@pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE)
def test_progress_and_lifetimes_out_of_range_are_refused_and_inside_jit_make_the_loss_nan(rule, told_loss, name, value):
    told = {"progress": 0.5, "lifetime": 100.0} | {name: value}
    demand = {"lifetime": "be positive and finite", "progress": "lie between 0 and 1"}[name]
    for reader in (rule, groove.load("ta-lpg")):
        with pytest.raises(GrooveError, match=rf"{name} = {re.escape(str(value))} must {demand}"):
            reader.loss(PARAMS, apply, _rollout(np.random.default_rng(0)), **told)
    with np.errstate(over="ignore"):
        traced = {key: jnp.float32(np.float32(x)) for key, x in told.items()}
    assert np.isnan(told_loss(traced))


@pytest.mark.parametrize("progress", [0.0, 1.0, np.float32(1) + np.finfo(np.float32).eps, np.linspace(0, 1, W)])
def test_the_ends_of_a_lifetime_are_in_range_also_after_rounding(told_loss, progress):
    assert np.isfinite(told_loss({"progress": jnp.asarray(progress, jnp.float32), "lifetime": jnp.float32(100)}))
    rule, rollout = groove.load("ta-lpg"), _rollout(np.random.default_rng(0))
    jax.eval_shape(lambda params: rule.loss(params, apply, rollout, progress=progress, lifetime=100), PARAMS)


def test_progress_is_one_number_or_one_for_each_worker():
    rule = groove.load("ta-lpg")
    with pytest.raises(GrooveError, match=r"progress has shape \(3,\): give one number, or one for each of 4 workers"):
        rule.loss(PARAMS, apply, _rollout(np.random.default_rng(0)), progress=np.ones(3), lifetime=5)


def test_rewards_beyond_float32_are_refused_unless_they_are_hidden(rule):
    rollout = _rollout(np.random.default_rng(0))
    reward = rollout.reward.astype(np.float64)
    reward[3, 1] = -1e39
    wrong = dataclasses.replace(rollout, reward=reward)
    with pytest.raises(
        GrooveError, match=r"reward must be finite, and is -1e\+39, beyond the range of float32, in step 3"
    ):
        rule.loss(PARAMS, apply, wrong)
    mask = np.arange(T)[:, None] < np.full(W, 3)
    assert np.isfinite(rule.loss(PARAMS, apply, dataclasses.replace(wrong, mask=mask)))


def test_rollouts_are_made_of_arrays_that_fit_together():
    rollout = _rollout(np.random.default_rng(0))
    given = {name: getattr(rollout, name) for name in ("obs", "action", "reward", "terminated")}
    given["last_obs"] = rollout.next_obs[-1]
    made = groove.make_rollout(**given)
    np.testing.assert_array_equal(made.next_obs[:-1], rollout.obs[1:])
    before = np.zeros(W, bool)
    wrong = {
        r"last_obs must have the shape \(4, 5\) of obs without its first axis, not \(6, 5\)": {
            "last_obs": np.zeros((T, 5), np.float32)
        },
        r"rollout.truncated must be bool\[T, W\], T, W = \(6, 4\), not \(4,\)": {
            "truncated": before,
            "next_obs": rollout.next_obs,
        },
        r"rollout.next_obs must have the shape of rollout.obs, \(6, 4, 5\), not \(4, 6, 5\)": {
            "next_obs": rollout.next_obs.reshape(W, T, 5)
        },
        r'ended_before is read in the autoreset mode "next_step" only, not in "same_step"': {"ended_before": before},
        r"ended_before must be bool\[W\], W = \(4,\), not \(6,\)": {
            "ended_before": np.zeros(T, bool),
            "autoreset_mode": "next_step",
        },
    }
    for complaint, changes in wrong.items():
        with pytest.raises(GrooveError, match=complaint):
            groove.make_rollout(**(given | changes))


@pytest.mark.parametrize("flag", ["x64", "rank promotion", "type promotion"])
def test_rules_work_in_programs_with_other_flags(flag, rule):
    rollout = _rollout(np.random.default_rng(0))
    expected = _value_and_gradient(rule, rollout)
    flags = {
        "x64": jax.enable_x64(True),
        "rank promotion": jax.numpy_rank_promotion("raise"),
        "type promotion": jax.numpy_dtype_promotion("strict"),
    }
    with flags[flag]:
        again = groove.load("paper-groove")
        found = _value_and_gradient(again, rollout)
        optimizer = groove.as_optax(again, apply, optax.sgd(1.0))
        moves, _ = optimizer.update(None, optimizer.init(PARAMS), PARAMS, rollout=rollout)
    assert again == rule
    _close(found, expected)
    _close(moves, jax.tree.map(lambda x: -x, expected[1]))


def test_outputs_of_hidden_rows_may_be_anything():
    rule, rollout = groove.load("groove"), _rollout(np.random.default_rng(0))
    mask = np.arange(T)[:, None] < np.array([T, T - 1, T - 2, T])
    rng, rollout = np.random.default_rng(1), dataclasses.replace(rollout, mask=mask)
    state = rule.observe(rule.init_state(), rollout)
    outputs = [rng.normal(size=(T, W, A)), rng.normal(size=(T, W)), rng.normal(size=(T, W))]

    def targets(fill):
        logits, value, next_value = (np.where(mask.reshape(T, W, *(1,) * (x.ndim - 2)), x, fill) for x in outputs)
        found = rule.targets(
            rollout, logits, value=value, next_value=next_value, state=state, progress=0.5, lifetime=100
        )
        return [np.where(mask, found.pi_hat, 0), np.where(mask, found.value, 0), found.step, found.entropy]

    _close(targets(np.nan), targets(0.0))


def test_one_action_has_no_entropy():
    rule, optimizer = groove.load("groove"), optax.sgd(0.1)
    rollout = dataclasses.replace(_rollout(np.random.default_rng(0)), action=np.zeros((T, W), int))
    params = {"logits": np.ones((5, 1), np.float32), "value": np.ones((5, 1), np.float32)}
    learner = rule.init(params, optimizer)
    after, info = rule.update(
        learner,
        lambda params, obs: {name: obs @ w for name, w in params.items()},
        optimizer,
        rollout,
        jax.random.key(0),
        lifetime=100,
        minibatches=4,
    )
    assert np.isfinite(info["step_factor"])
    assert all(np.isfinite(x).all() for x in after.params.values())


def test_lifetimes_may_be_lists_and_are_one_number_where_a_rule_sets_one_step():
    rule, rollout = groove.load("ta-lpg"), _rollout(np.random.default_rng(0))
    told = {"progress": [0.1, 0.2, 0.3, 0.4], "lifetime": [100, 200, 300, 400]}
    assert np.isfinite(rule.loss(PARAMS, apply, rollout, **told))
    rule, optimizer = groove.load("groove"), optax.sgd(0.1)
    params = {"logits": np.ones((5, A), np.float32), "value": np.ones((5, 1), np.float32)}
    learner = rule.init(params, optimizer)

    def update(**told):
        def heads(params, obs):
            return {name: obs @ w for name, w in params.items()}

        return rule.update(learner, heads, optimizer, rollout, jax.random.key(0), minibatches=4, **told)[1]

    assert np.isfinite(update(lifetime=[100])["step_factor"])
    with pytest.raises(GrooveError, match=r"lifetime has shape \(4,\): give one number\."):
        update(**told)


def test_a_head_that_is_none_is_missing():
    rule, optimizer = groove.load("groove"), optax.sgd(0.1)
    params = {"logits": np.ones((5, A), np.float32)}
    with pytest.raises(GrooveError, match='the head "value" is missing'):
        rule.update(
            rule.init(params, optimizer),
            lambda params, obs: (obs @ params["logits"], None),
            optimizer,
            _rollout(np.random.default_rng(0)),
            jax.random.key(0),
            lifetime=100,
        )
