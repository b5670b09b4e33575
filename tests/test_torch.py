"""The rule in PyTorch equals the rule in JAX, and needs no JAX."""

import dataclasses
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import groove
from groove.dropin.rule_file import save_rule
from groove.lpg.lpg import make_lpg
from groove.lpg.network import LPGConfig

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
    path = _save(tmp_path / "r.safetensors")
    check = f"import groove.torch, sys; groove.torch.load({path!r}); assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-W", "ignore", "-c", check], check=True)


def test_wrong_shapes_and_rules_say_what_is_expected(tmp_path):
    rule = groove.torch.load(_save(tmp_path / "r.safetensors"))
    tensors = {name: torch.tensor(x) for name, x in _rollout(0).items()}
    with pytest.raises(ValueError, match=r"y is f32\[T, W, 8\], T, W = \(7, 5\), not \(7, 5, 4\)"):
        rule.loss(**(tensors | {"y": tensors["logits"]}))
    with pytest.raises(ValueError, match=r"action is \[T, W\] = \(7, 5\) like reward, not \(7,\)"):
        rule.loss(**(tensors | {"action": tensors["action"][:, 0]}))
    aware = groove.torch.load(_save(tmp_path / "a.safetensors", lifetime_conditioning=True))
    with pytest.raises(ValueError, match="conditioned on the lifetime"):
        aware.loss(**tensors)
    with pytest.raises(ValueError, match="rules with a GRU only"):
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
        groove.torch.load("groove").loss(**(tensors | change(tensors)))


@pytest.mark.parametrize(
    ("dtype", "atol"), [(torch.bfloat16, 2e-2), (torch.float16, 2e-3), (torch.float64, 1e-6)], ids=str
)
def test_agents_of_another_precision(dtype, atol):
    rule, tensors = groove.torch.load("groove"), {name: torch.tensor(x) for name, x in _rollout(0).items()}
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
