"""Disco103 in PyTorch equals Disco103 in JAX, with weights of random numbers."""

import copy
import re
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

import groove
from groove.agents.agent import AgentConfig, make_agent
from groove.dropin.rule_file import save_rule
from groove.envs.base import Box
from groove.lpg.disco.config import DiscoConfig
from groove.utils.errors import GrooveError
from tests._helpers import disco
from tests._helpers.rules import padded, random_rollout

torch = pytest.importorskip("torch", reason="PyTorch is an optional dependency: pip install -e '.[torch]'")
import groove.torch  # noqa: E402  (it needs PyTorch)
from tests._helpers import torch_disco  # noqa: E402

T, W, A = 4, 2, 3
WIDTHS = {"logits": A, "y": 600, "z": A * 600, "aux_pi": A * A, "q": A * 601}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "weights.npz"
    np.savez(file, **disco.synthetic_weights())
    return str(file)


@pytest.fixture(scope="module")
def rule(path):
    return groove.torch.load(f"disco103={path}")


@pytest.fixture(scope="module")
def params():
    rng = np.random.default_rng(0)
    return {name: (0.2 * rng.normal(size=(7, width))).astype(np.float32) for name, width in WIDTHS.items()}


class Linear(torch.nn.Module):
    """Linear heads with given parameters, outputs by name."""

    def __init__(self, params):
        super().__init__()
        self.heads = torch.nn.ParameterDict({n: torch.nn.Parameter(torch.tensor(w)) for n, w in params.items()})

    def forward(self, obs):
        return {name: obs @ w for name, w in self.heads.items()}


def _apply(params, obs):
    return {name: obs @ w for name, w in params.items()}


def _close(found, wanted, **tolerance):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x.numpy(), y, **tolerance), found, wanted)


def test_every_array_of_a_call_equals_that_of_jax(path, rule):
    x = disco.synthetic_call()
    wanted = jax.jit(disco.computed)(groove.load(f"disco103={path}").eta, x)
    found = torch_disco.computed(rule, x)
    errors = {name: disco.error(wanted[name], array) for name, array in found.items()}
    most = {"grad/q_norm": 1e-4}  # rounding moves mass between the bins beside a target
    assert {name: error for name, error in errors.items() if error > most.get(name, 1e-5)} == {}


def test_a_rule_file_of_meta_training_is_loaded(path, rule, tmp_path):
    eta, file, about = groove.load(f"disco103={path}").eta, tmp_path / "tuned.safetensors", {"rule": "disco103"}
    save_rule(file, eta, about)
    for found, wanted in zip(groove.torch.load(file).parameters(), rule.parameters(), strict=True):
        assert torch.equal(found, wanted)
    save_rule(file, eta._replace(gate=eta.y), about)
    with pytest.raises(GrooveError, match=r"does not fit Disco103, because gate/w is no f32\[128, 256\]: get it again"):
        groove.torch.load(file)
    save_rule(file, {"gate": eta.gate}, about)
    with pytest.raises(GrooveError, match="because its arrays are not embedders, lstm, gate"):
        groove.torch.load(file)


@pytest.mark.parametrize("hidden_rows", [False, True])
def test_three_updates_equal_those_of_jax(path, rule, params, hidden_rows):
    """Compare losses, parameters and the state on a rollout of other policies, with and without hidden rows."""
    ours, optimizer = groove.load(f"disco103={path}"), optax.sgd(0.1)
    rollout = random_rollout(T, W, A)
    rollout = padded(rollout) if hidden_rows else rollout
    behaviour = np.random.default_rng(3).normal(size=(*rollout.reward.shape, A)).astype(np.float32)
    update = jax.jit(lambda learner: ours.update(learner, _apply, optimizer, rollout, behaviour=behaviour))
    learner, module = ours.init(params, optimizer), Linear(params)
    sgd, state = torch.optim.SGD(module.parameters(), lr=0.1), rule.init_state(module)
    tensors = {name: None if x is None else torch.tensor(x) for name, x in vars(rollout).items()}
    for _ in range(3):
        before = {f"heads.{name}": x.detach().clone() for name, x in module.heads.items()}
        follows = {name: 0.9 * x + 0.1 * before[name] for name, x in state.target.items()}
        learner, wanted = update(learner)
        state, info = rule.update(module, sgd, **tensors, state=state, behaviour=torch.tensor(behaviour))
        _close(info, wanted, rtol=1e-5)
        _close({name: x.detach() for name, x in module.heads.items()}, learner.params, atol=1e-5)
        _close(state.target, follows, rtol=1e-6)
        _close(*map(jax.tree.leaves, (state.course, learner.rule_state.course)), rtol=1e-5, atol=1e-5)
    assert all(x.grad is None for x in rule.parameters())
    assert not any(x.requires_grad for x in jax.tree.leaves(state))


def test_the_present_policy_acted_unless_behaviour_is_given(rule, given):
    results = []
    for behaviour in (None, given["obs"] @ given["module"].heads["logits"].detach()):
        module = copy.deepcopy(given["module"])
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        again = given | {"module": module, "optimizer": optimizer, "behaviour": behaviour}
        results.append((*rule.update(**again)[1].values(), module.heads["q"].detach()))
    torch.testing.assert_close(*results)


def test_agents_with_the_published_heads_equal_those_of_jax(rule):
    """Compare outputs for equal parameters, the heads' initial sizes, and that all parameters move."""
    agent = make_agent(Box((5,)), rule.heads(A), DiscoConfig(widths=(9,)).agent(AgentConfig(torso="mlp")))
    params, _ = jax.jit(agent.init)(jax.random.key(0))
    obs = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    _, wanted = jax.jit(lambda p, x: agent.read(p, x, tuple(rule.heads(A))))(params, obs)
    torch.manual_seed(0)
    mine = rule.add_heads(torch.nn.Linear(5, 9), 9, A)
    layers = {"torso_end": mine.torso, "model/cell": mine.model.cell}
    layers |= {f"head_{name}": mine.heads[name] for name in ("logits", "y")}
    for name in ("z", "aux_pi", "q"):
        layers |= {f"head_{name}_hidden": mine.heads[name][0], f"head_{name}": mine.heads[name][2]}
    for name, layer in layers.items():
        if name.startswith("head"):
            np.testing.assert_allclose(layer.weight.detach().std(), np.std(params[name]["w"]), rtol=0.3)
            assert not layer.bias.any()
    with torch.no_grad():
        for name, layer in layers.items():
            layer.weight.copy_(torch.tensor(np.asarray(params[name]["w"]).T))
            layer.bias.zero_()
        w = torch.tensor(np.asarray(params["model"]["w"]))
        mine.model.action.copy_(w[:A])
        mine.model.state.weight.copy_(w[A:].T)
        found = dict(zip(rule.heads(A), mine(torch.tensor(obs)), strict=True))
        torch.testing.assert_close(mine.logits(torch.tensor(obs)), found["logits"])
    _close(found, wanted, atol=1e-5)
    tensors = {name: torch.tensor(x) for name, x in vars(random_rollout(T, W, A, (5,))).items() if x is not None}
    before = [x.detach().clone() for x in mine.parameters()]
    optimizer = groove.torch.BoundedAdam(mine.parameters(), lr=1e-3)
    rule.update(mine, optimizer, **tensors, state=rule.init_state(mine), max_grad_norm=1.0, progress=0.5, lifetime=9)
    for old, new in zip(before, mine.parameters(), strict=True):
        assert 0 < (new - old).abs().max() < 1.001e-3


def test_the_optimizer_makes_the_published_steps():
    with np.load(Path(__file__).parents[2] / "lpg/disco/golden.npz") as file:
        gradients, wanted = torch.tensor(file["unit/optimizer/gradients"]), file["unit/optimizer/updates"]
    for i, (gradient, step) in enumerate(zip(gradients, wanted, strict=True)):
        if i == 0:
            param = torch.nn.Parameter(torch.zeros(5))
            optimizer = groove.torch.BoundedAdam([param], lr=3e-4)
        with torch.no_grad():
            param.zero_()  # a difference from zero is exact
        param.grad = gradient
        optimizer.step()
        np.testing.assert_allclose(param.detach(), step, atol=1e-4 * np.abs(wanted).max())


@pytest.fixture
def given(rule, params):
    """Return the arguments of an update that is taken."""
    module = Linear(params)
    tensors = {name: torch.tensor(x) for name, x in vars(random_rollout(T, W, A)).items() if x is not None}
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    return {"module": module, "optimizer": optimizer, **tensors, "state": rule.init_state(module)}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda x: {"action": x["action"] + A}, "action must hold integers from 0 to 2"),
        (lambda x: {"action": x["action"].float()}, "action must hold integers from 0 to 2"),
        (lambda x: {"reward": x["reward"] * np.nan}, "reward must be finite"),
        (lambda x: {"obs": x["obs"][:3]}, "obs must be [T, W, ...]"),
        (lambda x: {"behaviour": torch.zeros(T, W)}, "behaviour must be f32[T, W, A] = (4, 2, 3), not (4, 2)"),
        (lambda x: {"behaviour": np.zeros((T, W, A))}, "behaviour must be a torch.Tensor, not ndarray"),
        (lambda x: {"state": None}, 'the agent has no memory of the rule "disco103": begin with state = rule.init_st'),
        (lambda x: {"state": torch.zeros(())}, "the agent has no memory of the rule"),
        (lambda x: {"state": x["state"]._replace(course=())}, "the agent has no memory of the rule"),
        (lambda x: {"state": x["state"]._replace(target={})}, "the target network of an agent with other parameters"),
        (lambda x: {"module": x["module"].forward}, "module must be a torch.nn.Module"),
        (lambda x: {"optimizer": None}, "optimizer must be one of torch.optim"),
        (lambda x: {"max_grad_norm": 0.0}, "max_grad_norm = 0.0 must be positive"),
        (lambda x: {"progress": 2.0}, "progress = 2.0 must lie between 0 and 1"),
    ],
)
def test_an_update_takes_what_it_says(rule, given, change, complaint):
    before = [x.detach().clone() for x in given["module"].parameters()]
    with pytest.raises(GrooveError, match=re.escape(complaint)):
        rule.update(**given | change(given))
    assert all(map(torch.equal, before, given["module"].parameters()))


@pytest.mark.parametrize(
    ("heads", "complaint"),
    [
        (lambda x: {name: w for name, w in x.items() if name != "q"}, 'the head "q" is missing, whose width is 1803'),
        (lambda x: {**x, "y": x["y"][:, 1:]}, r'must return the head "y" of shape \[B, 600\]'),
    ],
)
def test_agents_lack_no_head(rule, params, given, heads, complaint):
    module = Linear(heads(params))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with pytest.raises(GrooveError, match=complaint):
        rule.update(**given | {"module": module, "optimizer": optimizer, "state": rule.init_state(module)})
    with pytest.raises(GrooveError, match=r"module must be a torch\.nn\.Module"):
        rule.init_state(module.forward)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("disco103", "disco103 lacks its weights: write disco103=PATH"),
        ("disco103=", "disco103= is empty"),
        ("disco103=nowhere.npz", "there are no weights of disco103 at nowhere.npz: write disco103=PATH"),
        ("disco103=shape.npz", "shape.npz has lstm/linear/w of shape (2, 2), not (128, 256): give disco_103.npz"),
    ],
)
def test_other_files_are_refused(tmp_path, monkeypatch, name, complaint):
    monkeypatch.chdir(tmp_path)
    np.savez("shape.npz", **{**disco.synthetic_weights(), "lstm/linear/w": np.zeros((2, 2))})
    with pytest.raises(GrooveError, match=re.escape(complaint)):
        groove.torch.load(name)


def test_loading_draws_nothing_at_random_and_heads_are_those_of_jax(path, rule):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    groove.torch.load(f"disco103={path}")
    assert torch.equal(before, torch.get_rng_state())
    assert (rule.name, list(rule.heads(A).items())) == ("disco103", list(WIDTHS.items()))
    assert sum(x.numel() for x in rule.parameters() if x.any()) == 754_778
