"""The drop-in rule makes the update of meta-training, with any network, in value_and_grad or as optax."""

import dataclasses
import importlib.util

import gymnasium
import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen, nnx
from flax.training import train_state

import groove
from groove.agents.agent import AgentConfig, begin_learner, make_agent
from groove.dropin.rule_file import save_rule
from groove.envs.base import Box
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.registry import RULES, RuleEntry
from groove.utils.errors import GrooveError
from tests._helpers.rules import write_rule

A, Y, T, W = 3, 5, 6, 4
OBS = (7,)


def _save(path, **changes):
    config = dataclasses.replace(LPGConfig(hidden=8, prediction_width=Y), **changes)
    eta = jax.device_get(make_lpg(config).init(jax.random.key(0)))
    save_rule(path, eta, {"rule": "lpg", "lpg": dataclasses.asdict(config)})
    return groove.load(str(path))


@pytest.fixture(scope="module")
def rule(tmp_path_factory):
    return _save(tmp_path_factory.mktemp("rules") / "r.safetensors")


def _params(seed=0):
    keys = jax.random.split(jax.random.key(seed))
    return {"pi": jax.random.normal(keys[0], (*OBS, A)), "y": jax.random.normal(keys[1], (*OBS, Y))}


def apply(params, obs):
    return obs @ params["pi"], obs @ params["y"]


@pytest.fixture(scope="module")
def rollout():
    rng = np.random.default_rng(0)
    end = rng.random((T, W)) < 0.3
    terminated = end & (rng.random((T, W)) < 0.5)
    return groove.Rollout(
        obs=jnp.asarray(rng.normal(size=(T, W, *OBS)), jnp.float32),
        action=jnp.asarray(rng.integers(A, size=(T, W))),
        reward=jnp.asarray(rng.normal(size=(T, W)), jnp.float32),
        terminated=jnp.asarray(terminated),
        truncated=jnp.asarray(end & ~terminated),
        next_obs=jnp.asarray(rng.normal(size=(T, W, *OBS)), jnp.float32),
    )


def test_the_gradient_is_the_update_of_meta_training(rule, rollout):
    """Check that an SGD step on the loss is one update of the UpdateRule on a network of the same parameters."""
    config = AgentConfig(torso="mlp", widths=(), optimizer="sgd", learning_rate=0.5, max_grad_norm=1e9)
    lpg = make_lpg(rule.config)
    agent = make_agent(Box(OBS), lpg.heads(A), config)
    learner = begin_learner(agent, jax.random.key(3), jnp.int32(10))
    batch = jax.tree.map(lambda x: x[None], (learner, rollout))
    moved, _ = lpg.update(rule.eta, agent, *batch, jax.random.split(jax.random.key(0), 1))

    def own(params, obs):
        heads = agent.read(params, obs, ("logits", "y"))[1]
        return heads["logits"], heads["y"]

    gradient = jax.jit(jax.grad(lambda p: rule.loss(p, own, rollout)))(learner.params)
    expected = jax.tree.map(lambda p, g: p - 0.5 * g, learner.params, gradient)
    for a, b in zip(jax.tree.leaves(moved.params), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a[0], b, atol=1e-6)


def test_targets_are_constants_of_the_gradient(rule, rollout):
    params = _params()
    logits, y = apply(params, rollout.obs)
    targets = rule.targets(rollout, logits, y, apply(params, rollout.next_obs)[1])

    def by_hand(params):
        logits, y = apply(params, rollout.obs)
        log_pi = jnp.take_along_axis(jax.nn.log_softmax(logits), rollout.action[..., None], -1)[..., 0]
        log_y = jax.nn.log_softmax(y)
        divergence = jnp.sum(jnp.exp(log_y) * (log_y - targets.y_hat), -1)
        return jnp.mean(-log_pi * targets.pi_hat + rule.config.prediction_coefficient * divergence)

    expected, found = (jax.value_and_grad(f)(params) for f in (by_hand, lambda p: rule.loss(p, apply, rollout)))
    for a, b in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_as_optax_is_the_inner_optimizer_on_the_rules_gradient(rule, rollout):
    params, inner = _params(), optax.adam(1e-2)
    optimizer = groove.as_optax(rule, apply, inner)
    state = optimizer.init(params)
    step = jax.jit(lambda state, params, rollout: optimizer.update(None, state, params, rollout=rollout))
    updates, state = step(state, params, rollout)
    gradient = jax.grad(lambda p: rule.loss(p, apply, rollout))(params)
    expected, _ = inner.update(gradient, inner.init(params), params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7), updates, expected)
    with pytest.raises(ValueError, match=r"call update\(None, state, params, rollout=rollout\)"):
        optimizer.update(gradient, state, params, rollout=rollout)


def test_only_a_conditioned_rule_reads_the_lifetime(rule, rollout, tmp_path):
    params = _params()
    assert rule.loss(params, apply, rollout) == rule.loss(params, apply, rollout, progress=0.5)
    aware = _save(tmp_path / "aware.safetensors", lifetime_conditioning=True)
    early, late = (aware.loss(params, apply, rollout, progress=p, lifetime=100.0) for p in (0.0, 1.0))
    assert early != late
    with pytest.raises(ValueError, match="conditioned on the lifetime: give progress"):
        aware.loss(params, apply, rollout, progress=0.5)


def test_successors_of_terminated_steps_do_not_matter_and_of_truncated_ones_do(rule, rollout):
    params = _params()

    def loss(which):
        other = jnp.where(which[..., None], rollout.next_obs + 1.0, rollout.next_obs)
        return rule.loss(params, apply, dataclasses.replace(rollout, next_obs=other))

    assert rollout.terminated.any()
    assert loss(rollout.terminated) == rule.loss(params, apply, rollout)
    assert loss(rollout.truncated) != rule.loss(params, apply, rollout)


def test_a_rollout_from_the_arrays_of_a_loop(rollout):
    last = rollout.next_obs[-1]
    made = groove.make_rollout(rollout.obs, last, rollout.action, rollout.reward, rollout.terminated)
    np.testing.assert_array_equal(made.next_obs, jnp.concatenate([rollout.obs[1:], last[None]]))
    assert not made.truncated.any()
    with pytest.raises(ValueError, match="give next_obs"):
        groove.make_rollout(
            rollout.obs, last, rollout.action, rollout.reward, rollout.terminated, truncated=rollout.truncated
        )


def test_wrong_heads_and_shapes_say_what_is_expected(rule, rollout):
    params = _params()
    with pytest.raises(ValueError, match=r"prediction logits of shape \[B, 5\] for B observations, not \(24, 3\)"):
        rule.loss(params, lambda p, obs: apply(p, obs)[::-1], rollout)
    with pytest.raises(ValueError, match="policy logits"):
        rule.loss(params, lambda p, obs: (apply(p, obs)[0][:, 0], apply(p, obs)[1]), rollout)
    with pytest.raises(GrooveError, match=r"rollout.terminated must be bool\[T, W\]"):
        rule.loss(params, apply, dataclasses.replace(rollout, terminated=rollout.terminated[0]))


def test_every_parameter_has_a_gradient_and_the_rule_stays(rule, rollout):
    """Check that every parameter that reaches a head moves, and that the rule's own do not."""
    eta = jax.tree.map(np.array, rule.eta)
    gradient = jax.grad(lambda p: rule.loss(p, apply, rollout))(_params())
    assert all(bool(jnp.any(g != 0)) for g in jax.tree.leaves(gradient))
    jax.tree.map(np.testing.assert_array_equal, eta, rule.eta)


def test_hand_written_rules_cannot_be_loaded():
    with pytest.raises(ValueError, match="written by hand"):
        groove.load("a2c")


def test_heads_for_haiku_and_flax_torsos_have_the_widths_of_the_rule(rule, rollout):
    def forward(obs):
        return groove.haiku_heads(hk.nets.MLP([6], activate_final=True)(obs), A, rule)

    haiku = hk.without_apply_rng(hk.transform(forward))
    agent = groove.flax_agent(linen.Dense(6), A, rule)
    for network in (haiku, agent):
        params = network.init(jax.random.key(0), rollout.obs[0])
        policy, prediction = network.apply(params, rollout.obs[0])
        assert (policy.shape, prediction.shape) == ((W, A), (W, Y))
        gradient = jax.grad(lambda p, network=network: rule.loss(p, network.apply, rollout))(params)
        assert all(bool(jnp.any(g != 0)) for g in jax.tree.leaves(gradient))


def test_the_mode_next_step_hides_resets_and_keeps_true_successors(rollout):
    ended = rollout.terminated | rollout.truncated
    before = jnp.arange(W) % 2 == 0
    arguments = (rollout.obs, rollout.next_obs[-1], *(getattr(rollout, n) for n in ("action", "reward", "terminated")))
    for mode in ("next_step", gymnasium.vector.AutoresetMode.NEXT_STEP):
        made = groove.make_rollout(*arguments, rollout.truncated, autoreset_mode=mode, ended_before=before)
        np.testing.assert_array_equal(made.mask, jnp.concatenate([~before[None], ~ended[:-1]]))
        np.testing.assert_array_equal(made.next_obs[:-1], rollout.obs[1:])
    with pytest.raises(ValueError, match="needs ended_before"):
        groove.make_rollout(*arguments, rollout.truncated, autoreset_mode="next_step")
    with pytest.raises(ValueError, match=r"unknown autoreset mode \"next_stop\" \(did you mean \"next_step\"\?\)"):
        groove.make_rollout(*arguments, autoreset_mode="next_stop")


WRAPPERS = {
    "chain": lambda opt: optax.chain(optax.clip_by_global_norm(1e-3), opt),
    "named_chain": lambda opt: optax.named_chain(("clip", optax.clip_by_global_norm(1e-3)), ("opt", opt)),
    "apply_if_finite": lambda opt: optax.apply_if_finite(opt, 5),
    "MultiSteps": lambda opt: optax.MultiSteps(opt, 2).gradient_transformation(),
    "masked": lambda opt: optax.masked(opt, {"pi": True, "y": False}),
    "multi_transform": lambda opt: optax.multi_transform({"a": opt, "b": optax.set_to_zero()}, {"pi": "a", "y": "b"}),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_work_on_the_inner_optimizer_and_are_refused_around_the_rule(wrapper, rule, rollout):
    params, wrap = _params(), WRAPPERS[wrapper]
    with pytest.raises(GrooveError, match="put the other transformations into inner"):
        wrap(groove.as_optax(rule, apply, optax.sgd(1.0))).init(params)
    inner = wrap(optax.sgd(1.0))
    optimizer = groove.as_optax(rule, apply, inner)
    updates, _ = optimizer.update(None, optimizer.init(params), params, rollout=rollout)
    gradient = jax.grad(lambda p: rule.loss(p, apply, rollout))(params)
    expected, _ = inner.update(gradient, inner.init(params), params)
    jax.tree.map(np.testing.assert_array_equal, updates, expected)
    assert optax.tree.norm(updates) <= 1.001e-3 or "chain" not in wrapper


def test_optimizers_of_flax(rule, rollout):
    optimizer = groove.as_optax(rule, apply, optax.sgd(1.0))
    with pytest.raises(GrooveError, match=r"gradient of rule\.loss with an ordinary optimizer"):
        train_state.TrainState.create(apply_fn=apply, params=_params(), tx=optimizer)

    class Agent(nnx.Module):
        def __init__(self, rngs):
            self.pi, self.y = nnx.Linear(*OBS, A, rngs=rngs), nnx.Linear(*OBS, Y, rngs=rngs)

        def __call__(self, obs):
            return self.pi(obs), self.y(obs)

    agent = Agent(nnx.Rngs(0))
    graph, params = nnx.split(agent, nnx.Param)
    own = groove.as_optax(rule, lambda p, obs: nnx.merge(graph, p)(obs), optax.sgd(1.0))
    gradient = jax.grad(lambda p: rule.loss(p, lambda p, obs: nnx.merge(graph, p)(obs), rollout))(params)
    moved = jax.tree.map(lambda p, g: p - g, params, gradient)
    nnx.Optimizer(agent, own, wrt=nnx.Param).update(agent, None, rollout=rollout)
    for a, b in zip(jax.tree.leaves(nnx.state(agent, nnx.Param)), jax.tree.leaves(moved), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_an_update_without_a_rollout_says_how_to_call_it(rule):
    optimizer = groove.as_optax(rule, apply, optax.sgd(1.0))
    with pytest.raises(GrooveError, match=r"call update\(None, state, params, rollout=rollout\)"):
        optimizer.update(None, optimizer.init(_params()), _params())


def test_models_may_hold_functions(rule, rollout):
    """Check models like Equinox's, whose leaves are arrays and functions."""
    params = _params()

    def loss(params):
        model = {**params, "activation": jnp.tanh}
        return rule.loss(model, lambda m, obs: apply(m, m["activation"](obs)), rollout)

    value, gradient = jax.value_and_grad(loss)(params)
    expected = jax.value_and_grad(lambda p: rule.loss(p, lambda p, obs: apply(p, jnp.tanh(obs)), rollout))(params)
    jax.tree.map(np.testing.assert_array_equal, (value, gradient), expected)


@pytest.mark.parametrize(("dtype", "atol"), [(jnp.bfloat16, 2e-2), (jnp.float16, 2e-3)])
def test_agents_of_low_precision(rule, rollout, dtype, atol):
    params = _params()

    def coarse(params, obs):
        return tuple(head.astype(dtype) for head in apply(params, obs))

    loss = rule.loss(params, coarse, rollout)
    assert loss.dtype == jnp.float32
    np.testing.assert_allclose(loss, rule.loss(params, apply, rollout), atol=atol)


def test_paths_may_be_path_objects_and_start_at_home(tmp_path, monkeypatch):
    saved = _save(tmp_path / "rule.safetensors")
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    for path in (tmp_path, tmp_path / "rule.safetensors", f"~/{tmp_path.name}"):
        assert groove.load(path) == saved


@pytest.mark.parametrize("folder", ["seed=3", "dr=0.5,mazes=0.5-laptop-0", "curriculum=lpg"])
def test_an_equals_sign_in_a_path_is_no_label(tmp_path, folder):
    (tmp_path / folder).mkdir()
    saved = _save(tmp_path / folder / "rule.safetensors")
    loaded = groove.load(str(tmp_path / folder))
    assert (loaded, loaded.name) == (saved, folder)


def test_a_card_with_other_bytes_does_not_keep_a_rule_from_use(tmp_path):
    saved = _save(tmp_path / "mine.safetensors")
    assert saved.card == ""
    (tmp_path / "mine.md").write_bytes(b"# mine, from K\xf6ln")
    loaded = groove.load(tmp_path / "mine.safetensors")
    assert loaded.card == "# mine, from K\ufffdln"
    assert loaded == saved


def test_rules_are_equal_by_settings_and_parameters_and_cannot_be_written(rule, tmp_path):
    same = _save(tmp_path / "other_name.safetensors")
    assert (rule, hash(rule)) == (same, hash(same))
    assert rule != _save(tmp_path / "other.safetensors", prediction_coefficient=0.25)
    assert rule != groove.load("groove")
    assert len(repr(rule)) < 500
    with pytest.raises(ValueError, match="read-only"):
        rule.eta["y_hat"]["w"][0] = 0.0


def test_a_learned_rule_of_another_kind_is_refused(tmp_path, monkeypatch):
    settings = dataclasses.make_dataclass("Other", [("discount", float, 0.9)])
    eta = {"a": {"b": np.zeros(2, np.float32)}}
    make = make_lpg(LPGConfig())._replace(name="other", init=lambda key: eta)
    monkeypatch.setitem(RULES, "other", RuleEntry(settings, lambda config, discount: make, learned=True))
    save_rule(tmp_path / "r.safetensors", eta, {"rule": "other", "other": {"discount": 0.5}})
    with pytest.raises(GrooveError, match=r'of the kind "other", and groove\.load reads the kind "lpg" only'):
        groove.load(tmp_path / "r.safetensors")


def test_heads_of_a_rule_with_a_value(rollout, tmp_path):
    rule = groove.load(write_rule(tmp_path / "a2c.safetensors", base="a2c", scale_rewards=False))

    def forward(obs):
        return groove.haiku_heads(hk.nets.MLP([6], activate_final=True)(obs), A, rule)

    haiku = hk.without_apply_rng(hk.transform(forward))
    agent = groove.flax_agent(linen.Dense(6), A, rule)
    rngs = nnx.Rngs(0)
    graph, state = nnx.split(groove.nnx_agent(nnx.Linear(*OBS, 6, rngs=rngs), 6, A, rule, rngs), nnx.Param)
    networks = [(network.init(jax.random.key(0), rollout.obs[0]), network.apply) for network in (haiku, agent)]
    networks.append((state, lambda params, obs: nnx.merge(graph, params)(obs)))
    for params, network in networks:
        assert [x.shape for x in network(params, rollout.obs[0])] == [(W, n) for n in rule.heads(A).values()]
        learner = rule.init(params, optax.sgd(0.1))
        moved, _ = jax.jit(lambda x, network=network: rule.update(x, network, optax.sgd(0.1), rollout))(learner)
        pairs = zip(jax.tree.leaves(moved.params), jax.tree.leaves(params), strict=True)
        assert all(bool(jnp.any(a != b)) for a, b in pairs)


def test_equinox_heads_are_optional(rule):
    if importlib.util.find_spec("equinox") is None:
        with pytest.raises(GrooveError, match="run pip install equinox"):
            groove.equinox_heads(6, A, rule, jax.random.key(0))
    else:
        heads = groove.equinox_heads(6, A, rule, jax.random.key(0))
        assert [x.shape for x in jax.vmap(heads)(jnp.zeros((W, 6)))] == [(W, A), (W, Y)]
