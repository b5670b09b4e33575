"""The rule in PyTorch equals the rule in JAX, and needs no JAX."""

import dataclasses
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import groove
from groove.dropin.rule_file import save_rule
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.ppo import minibatch_indices
from tests._helpers.disco import synthetic_weights
from tests._helpers.rules import padded, random_rollout, write_rule

torch = pytest.importorskip("torch", reason="PyTorch is an optional dependency: pip install -e '.[torch]'")
import groove.torch  # noqa: E402  (it needs PyTorch)

A, T, W = 4, 7, 5


def _save(path, **changes):
    config = dataclasses.replace(LPGConfig(hidden=16), **changes)
    eta = jax.device_get(make_lpg(config).init(jax.random.key(0)))
    rng = np.random.default_rng(1)  # initial biases are zero, which would hide mistakes in their order
    eta = jax.tree.map(lambda x: x + 0.1 * rng.normal(size=x.shape).astype(np.float32), eta)
    save_rule(path, eta, {"rule": "lpg", "lpg": dataclasses.asdict(config)})
    return str(path)


def _rollout(seed):
    rng = np.random.default_rng(seed)
    end = rng.random((T, W)) < 0.3
    terminated = end & (rng.random((T, W)) < 0.5)
    return {
        "logits": rng.normal(size=(T, W, A)).astype(np.float32),
        "y": rng.normal(size=(T, W, 8)).astype(np.float32),
        "next_y": rng.normal(size=(T, W, 8)).astype(np.float32),
        "action": rng.integers(A, size=(T, W)),
        "reward": rng.normal(size=(T, W)).astype(np.float32),
        "terminated": terminated,
        "truncated": end & ~terminated,
    }


@pytest.mark.parametrize(
    "changes",
    [{}, {"normalise": False, "embedding_gain": 8.0}, {"lifetime_conditioning": True, "prediction_coefficient": 0.1}],
)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("masked", [False, True])
def test_loss_and_gradient_equal_those_of_jax(tmp_path, changes, seed, masked):
    path = _save(tmp_path / "r.safetensors", **changes)
    ours, theirs = groove.load(path), groove.torch.load(path)
    told = {"progress": 0.3, "lifetime": 200.0} if changes.get("lifetime_conditioning") else {}
    made = _rollout(seed)
    mask = np.random.default_rng(seed).random((T, W)) < 0.7 if masked else None
    if masked:
        made["action"] = np.where(mask, made["action"], -1)
        made["reward"] = np.where(mask, made["reward"], np.nan).astype(np.float32)
    heads = {name: made[name] for name in ("logits", "y")}
    obs = np.arange(T * W).reshape(T, W)  # an index into the parameters, which are the heads' outputs
    rollout = groove.Rollout(
        obs, *(made[n] for n in ("action", "reward", "terminated", "truncated")), obs + T * W, mask
    )

    def apply(params, obs):
        table = jnp.concatenate([params["y"].reshape(-1, 8), made["next_y"].reshape(-1, 8)])
        return params["logits"].reshape(-1, A)[obs % (T * W)], table[obs]

    value, gradient = jax.value_and_grad(lambda p: ours.loss(p, apply, rollout, **told))(heads)
    tensors = {name: torch.tensor(x) for name, x in made.items()}
    for name in heads:
        tensors[name].requires_grad_(True)
    loss = theirs.loss(**tensors, mask=None if mask is None else torch.tensor(mask), **told)
    loss.backward()
    np.testing.assert_allclose(loss.item(), value, atol=1e-5)
    for name in heads:
        np.testing.assert_allclose(tensors[name].grad.numpy(), gradient[name], atol=1e-5)
    assert all(parameter.grad is None for parameter in theirs.parameters())


def test_no_jax_is_imported(tmp_path):
    paths = [_save(tmp_path / "r.safetensors"), f"disco103={tmp_path}/w.npz"]
    np.savez(tmp_path / "w.npz", **synthetic_weights())
    check = f"import groove.torch, sys; list(map(groove.torch.load, {paths})); assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-W", "ignore", "-c", check], check=True)


def test_wrong_shapes_and_rules_say_what_is_expected(tmp_path):
    rule = groove.torch.load(_save(tmp_path / "r.safetensors"))
    tensors = {name: torch.tensor(x) for name, x in _rollout(0).items()}
    with pytest.raises(ValueError, match=r"y must be f32\[T, W, 8\], T, W = \(7, 5\), not \(7, 5, 4\)"):
        rule.loss(**(tensors | {"y": tensors["logits"]}))
    with pytest.raises(ValueError, match=r"action must be \[T, W\], T, W = \(7, 5\), not \(7,\)"):
        rule.loss(**(tensors | {"action": tensors["action"][:, 0]}))
    aware = groove.torch.load(_save(tmp_path / "a.safetensors", lifetime_conditioning=True))
    with pytest.raises(ValueError, match="conditioned on the lifetime"):
        aware.loss(**tensors)
    for reader in (rule, aware):
        for lifetime in (-5.0, 0.0, 1e-50, float("inf"), float("nan")):
            with pytest.raises(ValueError, match=f"lifetime = {lifetime} must be positive and finite"):
                reader.loss(**tensors, progress=0.5, lifetime=lifetime)
        for progress in (-0.1, 1.1, float("nan")):
            with pytest.raises(ValueError, match=f"progress = {progress} must lie between 0 and 1"):
                reader.loss(**tensors, progress=progress, lifetime=10.0)
        assert reader.loss(**tensors, progress=1.0, lifetime=10).isfinite()
    large = torch.where(tensors["reward"] == tensors["reward"][3, 1], 1e39, tensors["reward"].double())
    with pytest.raises(
        ValueError, match=r"^reward must be finite, and is 1e\+39, beyond the range of float32, in step 3"
    ):
        rule.loss(**(tensors | {"reward": large}))
    with pytest.raises(ValueError, match="reward"):
        rule.loss(**(tensors | {"reward": tensors["reward"] * float("nan")}))
    with pytest.raises(ValueError, match=r"core \"lstm\"; groove.torch loads"):
        groove.torch.load(_save(tmp_path / "l.safetensors", core="lstm"))
    with pytest.raises(ValueError, match="there is no rule"):
        groove.torch.load("nowhere")
    save_rule(tmp_path / "o.safetensors", {"a": {"b": np.zeros(2)}}, {"rule": "other"})
    with pytest.raises(ValueError, match="does not hold an LPG rule"):
        groove.torch.load(tmp_path / "o.safetensors")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda x: {"action": x["action"] + 1}, "integers from 0 to 3, the indices of the policy logits, not 4"),
        (lambda x: {"action": x["action"] - 1}, "integers from 0 to 3, the indices of the policy logits, not -1"),
        (lambda x: {"action": x["action"].float()}, "not torch.float32: continuous and one-hot actions"),
        (lambda x: {name: tensor[:, :0] for name, tensor in x.items()}, "no transition"),
    ],
)
def test_wrong_values_are_refused(change, complaint):
    tensors = {name: torch.tensor(x) for name, x in _rollout(0).items()}
    with pytest.raises(ValueError, match=complaint):
        groove.torch.load("paper-groove").loss(**(tensors | change(tensors)))


@pytest.mark.parametrize(
    ("dtype", "atol"), [(torch.bfloat16, 2e-2), (torch.float16, 2e-3), (torch.float64, 1e-6)], ids=str
)
def test_agents_of_another_precision(dtype, atol):
    rule, tensors = groove.torch.load("paper-groove"), {name: torch.tensor(x) for name, x in _rollout(0).items()}
    heads = {name: tensors[name].to(dtype).requires_grad_() for name in ("logits", "y", "next_y")}
    loss = rule.loss(**(tensors | heads))
    loss.backward()
    assert (loss.dtype, heads["logits"].grad.dtype) == (torch.float32, dtype)
    np.testing.assert_allclose(loss.item(), rule.loss(**tensors).item(), atol=atol)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = rule.loss(**tensors).item()
    assert inside == rule.loss(**tensors).item()


def test_paths_may_be_path_objects_and_start_at_home(tmp_path, monkeypatch):
    (tmp_path / "curriculum=lpg").mkdir()
    path = _save(tmp_path / "curriculum=lpg" / "rule.safetensors")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (path, tmp_path / "curriculum=lpg", "~/curriculum=lpg"):
        assert groove.torch.load(name).config["hidden"] == 16


VALUES = {
    "a2c": {"base": "a2c", "lifetime_conditioning": True, "core": "mlp"},
    "ppo": {"base": "ppo", "epochs": 3, "minibatches": 1},
    "values": {"core": "linear", "value_head": True, "scale_rewards": False, "normalise": False},
}
CONTROLS = {"base": "ppo", "core": "linear", "epochs": 2, "minibatches": 1, "controls": True}
WIDTHS = {"logits": A, "y": 5, "value": 1}
LIVED = ("action", "reward", "terminated", "truncated")


def _linear(seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(7, width)).astype(np.float32) for name, width in WIDTHS.items()}


class Linear(torch.nn.Module):
    """Linear heads with the parameters of `_linear`, outputs by name."""

    def __init__(self):
        super().__init__()
        self.weights = torch.nn.ParameterDict({n: torch.nn.Parameter(torch.tensor(w)) for n, w in _linear().items()})

    def forward(self, obs):
        return {name: obs @ w for name, w in self.weights.items()}


def _apply(params, obs):
    return {name: obs @ w for name, w in params.items()}


@pytest.mark.parametrize("name", VALUES)
def test_rules_with_a_value_head_equal_those_of_jax(tmp_path, name):
    """Compare state, targets, loss and gradient on a rollout with hidden rows."""
    path = write_rule(tmp_path / "r.safetensors", **VALUES[name])
    ours, theirs = groove.load(path), groove.torch.load(path)
    told = {"progress": 0.3, "lifetime": 200.0} if name == "a2c" else {}
    rollout = padded(random_rollout(T, W, A))
    rollout.reward[3, 0], rollout.mask[4, 1:3] = 20.0, False

    @jax.jit
    def compute(params, rollout):
        state = ours.observe(ours.init_state(), rollout)
        heads, after = _apply(params, rollout.obs), _apply(params, rollout.next_obs)
        arguments = (heads["logits"], heads["y"], after["y"], heads["value"], after["value"])
        targets = ours.targets(rollout, *arguments, state=state, **told)
        loss = jax.value_and_grad(lambda p: ours.loss(p, _apply, rollout, state=state, **told))(params)
        return state, targets, loss

    state, targets, (loss, gradient) = compute(_linear(), rollout)
    module, (obs, next_obs) = Linear(), map(torch.tensor, (rollout.obs, rollout.next_obs))
    lived = {n: torch.tensor(getattr(rollout, n)) for n in (*LIVED, "mask")}
    own = theirs.observe(theirs.init_state(), *(lived[n] for n in LIVED[1:]), lived["mask"])
    heads, after = module(obs), module(next_obs)
    arguments = {**heads, **lived, **told, "next_y": after["y"], "next_value": after["value"][..., 0], "state": own}
    for expected, found in zip(targets, theirs.targets(**arguments), strict=True):
        np.testing.assert_allclose(found.numpy()[rollout.mask], expected[rollout.mask], atol=1e-5)
        assert not found.requires_grad
    found = theirs.loss(**arguments)
    found.backward()
    np.testing.assert_allclose(found.item(), loss, atol=1e-5)
    for head, weights in module.weights.items():
        np.testing.assert_allclose(weights.grad.numpy(), gradient[head], atol=1e-5)
    if name == "values":
        assert own is None
    else:
        np.testing.assert_allclose(own, state.peak, rtol=1e-6)
        with pytest.raises(ValueError, match=r"use rule\.update, which returns the state, or begin with state"):
            theirs.loss(**(arguments | {"state": None}))
    with pytest.raises(ValueError, match='reads the head "value": give value and next_value'):
        theirs.loss(**(arguments | {"value": None}))


@pytest.mark.parametrize(("name", "minibatches"), [("ppo", None), ("ppo", 5), ("values", None)])
def test_a_whole_update_equals_that_of_jax(tmp_path, monkeypatch, name, minibatches):
    path = write_rule(tmp_path / "r.safetensors", **VALUES[name])
    ours, theirs = groove.load(path), groove.torch.load(path)
    rollout = random_rollout(T, W, A) if minibatches else padded(random_rollout(T, W, A))
    key, optimizer = jax.random.key(1), optax.sgd(0.1)
    update = jax.jit(lambda learner: ours.update(learner, _apply, optimizer, rollout, key, minibatches=minibatches))
    learner, info = update(ours.init(_linear(), optimizer))
    if minibatches:  # the random numbers of JAX
        indices = torch.tensor(np.asarray(minibatch_indices(key, T * W, 3, minibatches)))
        monkeypatch.setattr("groove.torch.rule.draw_minibatches", lambda *_: indices)
    module = Linear()
    tensors = {n: None if x is None else torch.tensor(x) for n, x in vars(rollout).items()}
    sgd = torch.optim.SGD(module.parameters(), lr=0.1)
    state, own = theirs.update(module, sgd, **tensors, state=theirs.init_state(), minibatches=minibatches)
    for head, weights in module.weights.items():
        np.testing.assert_allclose(weights.detach().numpy(), learner.params[head], atol=1e-5)
    assert set(own) == set(info)
    for number in info:
        np.testing.assert_allclose(own[number], info[number], rtol=1e-4, atol=1e-5)
    if name == "ppo":
        np.testing.assert_allclose(state, learner.rule_state.peak, rtol=1e-6)
        assert info["clip_fraction"] > 0


@pytest.mark.parametrize("changes", [{"lifetime_conditioning": True, "scale_rewards": False}, {"core": "none"}])
def test_an_update_under_controls_equals_that_of_jax(tmp_path, changes):
    """Compare two updates in a row, the second of which depends on what the first one did to the policy."""
    path = write_rule(tmp_path / "r.safetensors", spread=0.5, **(CONTROLS | changes))
    ours, theirs = groove.load(path), groove.torch.load(path)
    rollouts = [padded(random_rollout(T, W, A, seed=seed)) for seed in range(2)]
    optimizer, told = optax.adam(0.1), {"lifetime": 20.0}
    update = jax.jit(lambda *x: ours.update(*x[:1], _apply, optimizer, *x[1:], jax.random.key(0), **told))
    learner, module = ours.init(_linear(), optimizer), Linear()
    adam, state = torch.optim.Adam(module.parameters(), lr=0.1), theirs.init_state()
    for n, rollout in enumerate(rollouts):
        learner, info = update(learner, rollout)
        tensors = {name: None if x is None else torch.tensor(x) for name, x in vars(rollout).items()}
        state, own = theirs.update(module, adam, **tensors, state=state, progress=n / 20, **told)
        assert set(own) == set(info)
        for number in info:
            np.testing.assert_allclose(own[number], info[number], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(state, learner.rule_state, rtol=1e-4, atol=1e-5)
    assert list(theirs.heads(A)) == list(ours.heads(A)) == [n for n in WIDTHS if theirs.predicts or n != "y"]
    for head, weights in module.weights.items():
        np.testing.assert_allclose(weights.detach().numpy(), learner.params[head], atol=1e-4)
    assert own["step_factor"] != 1
    assert -1 < state.change < 1

    lived = {name: tensors[name] for name in (*LIVED, "mask")}
    heads, after = module(tensors["obs"]), module(tensors["next_obs"])
    lived |= {**heads, "next_y": after["y"], "next_value": after["value"], "progress": 0.5, **told}
    if not theirs.predicts:
        with pytest.raises(ValueError, match='no head "y" and would not read it: leave y and next_y out'):
            theirs.targets(**lived, state=state)
        lived |= {"y": None, "next_y": None}
    targets = theirs.targets(**lived, state=state)
    assert len(targets) == 3 + theirs.predicts
    moved = theirs.remember(state, targets[-1], heads["logits"], heads["logits"] + 1.0, tensors["mask"])
    assert moved.change == -1  # the same policy
    assert moved.step == targets[-1].step.log() / 3
    with pytest.raises(ValueError, match=r"a loss cannot: use rule\.update, or build the steps from rule\.targets"):
        theirs.loss(**lived, state=state)
    with pytest.raises(ValueError, match="remembers its agent's lifetime"):
        theirs.targets(**lived, state=torch.zeros(()))


@pytest.mark.parametrize("name", ["logits", "y", "next_y", "value", "next_value", "action", "terminated", "mask"])
def test_targets_are_of_outputs_with_the_shapes_of_the_rollout(tmp_path, name):
    rule = groove.torch.load(write_rule(tmp_path / "r.safetensors", base="a2c"))
    tensors = {name: torch.tensor(x) for name, x in _rollout(0).items()}
    tensors |= {"y": torch.zeros(T, W, 5), "next_y": torch.zeros(T, W, 5), "mask": torch.ones(T, W, dtype=torch.bool)}
    tensors |= {"value": torch.zeros(T, W), "next_value": torch.zeros(T, W, 1), "state": rule.init_state()}
    rule.targets(**tensors)
    for wrong in (tensors[name].transpose(0, 1), tensors[name].flatten(0, 1)):
        with pytest.raises(ValueError, match=rf"^{name} must be .*\[T, W.*\], T, W = \(7, 5\), not \({wrong.shape[0]}"):
            rule.targets(**(tensors | {name: wrong}))


def test_observations_and_memories_have_the_shapes_of_the_rollout(tmp_path):
    rule = groove.torch.load(write_rule(tmp_path / "r.safetensors"))
    rollout = {n: torch.tensor(x) for n, x in vars(random_rollout(T, W, A)).items() if x is not None}
    agent = rule.add_heads(torch.nn.Linear(7, 6), 6, A)
    optimizer = torch.optim.SGD(agent.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"obs must be \[T, W, ...\], T, W = \(7, 5\), not \(5, 7, 7\)"):
        rule.update(agent, optimizer, **(rollout | {"obs": rollout["obs"].transpose(0, 1)}))
    with pytest.raises(ValueError, match=r"next_obs must have the shape of obs, \(7, 5, 7\), not \(5, 7, 7\)"):
        rule.update(agent, optimizer, **(rollout | {"next_obs": rollout["next_obs"].transpose(0, 1)}))
    controlled, logits = groove.torch.load(write_rule(tmp_path / "c.safetensors", **CONTROLS)), torch.zeros(T, W, A)
    controls = groove.torch.controls.Controls(torch.ones(()), torch.ones(()))
    with pytest.raises(ValueError, match=r"new_logits must have the shape of logits, \(7, 5, 4\), not \(7, 1, 4\)"):
        controlled.remember(controlled.init_state(), controls, logits, logits[:, :1])


def test_returns_beyond_float32_make_the_scale_nan_as_in_jax(tmp_path):
    path = write_rule(tmp_path / "r.safetensors", base="a2c")
    ours, theirs = groove.load(path), groove.torch.load(path)
    never = np.zeros((T, W), bool)
    rollout = dataclasses.replace(random_rollout(T, W, A), terminated=never, truncated=never)
    rollout = dataclasses.replace(rollout, reward=np.full((T, W), 3e38, np.float32))
    lived = {n: torch.tensor(getattr(rollout, n)) for n in ("reward", "terminated", "truncated")}
    assert np.isnan(ours.observe(ours.init_state(), rollout).peak)
    assert theirs.observe(theirs.init_state(), **lived).isnan()


def test_minibatches_hold_every_row_that_counts_once():
    real = torch.rand(T, W, generator=torch.Generator().manual_seed(0)) < 0.6
    parts = list(groove.torch.update.minibatches(real, 2, 5, torch.Generator().manual_seed(1)))
    rows = real.flatten().nonzero()[:, 0].tolist()
    for one_pass in (parts[:5], parts[5:]):
        assert sorted(torch.cat(one_pass).tolist()) == rows
        assert max(map(len, one_pass)) - min(map(len, one_pass)) <= 1
    with pytest.raises(ValueError, match=r"minibatches = 4 does not divide the 35 transitions .* such as 1"):
        next(groove.torch.update.minibatches(real, 1, 4, None))


def test_heads_of_torch_agents(tmp_path):
    rules = [write_rule(tmp_path / f"{n}.safetensors", **c) for n, c in {"lpg": {}, "ppo": VALUES["ppo"]}.items()]
    two, three = map(groove.torch.load, rules)
    assert (two.heads(A), three.heads(A)) == ({"logits": A, "y": 5}, WIDTHS)
    rollout = {n: torch.tensor(x) for n, x in vars(random_rollout(T, W, A)).items() if x is not None}
    agents = [rule.add_heads(torch.nn.Linear(7, 6), 6, A) for rule in (two, three)]
    assert [x.shape[-1] for x in agents[1](rollout["obs"])] == [A, 5, 1]
    for rule, agent in zip((two, three), agents, strict=True):
        before = [p.clone() for p in agent.parameters()]
        optimizer = torch.optim.Adam(agent.parameters(), lr=1e-2)
        state, _ = rule.update(agent, optimizer, **rollout, state=rule.init_state(), max_grad_norm=0.5)
        assert all((a != b).any() for a, b in zip(before, agent.parameters(), strict=True))
        assert (state is None) == (rule is two)
        reward = rollout["reward"].clone()
        reward[2, 1] = torch.inf
        with pytest.raises(ValueError, match="reward must be finite, and is inf in step 2 of worker 1"):
            rule.update(agent, optimizer, **(rollout | {"reward": reward}), state=rule.init_state())
    optimizer = torch.optim.Adam(agents[0].parameters())
    with pytest.raises(ValueError, match=r'head "value" is missing, whose width is 1: .*rule\.add_heads'):
        three.update(agents[0], optimizer, **rollout, state=three.init_state())
    with pytest.raises(ValueError, match="returns 3 outputs, and the rule needs 2"):
        two.update(agents[1], optimizer, **rollout)
    with pytest.raises(ValueError, match="epochs = 0 must be at least 1"):
        two.update(agents[0], optimizer, **rollout, epochs=0)
    before = [p.clone() for p in agents[0].parameters()]
    for norm in (-1.0, 0.0, float("nan")):
        with pytest.raises(ValueError, match=f"max_grad_norm = {norm} must be positive: leave it out"):
            two.update(agents[0], optimizer, **rollout, max_grad_norm=norm)
    assert all((a == b).all() for a, b in zip(before, agents[0].parameters(), strict=True))
