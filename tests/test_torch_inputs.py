"""The functions of groove.torch take tensors of the right kind; everything else is refused by its name."""

import numpy as np
import pytest

from groove.utils.errors import GrooveError
from tests._helpers.rules import write_rule

torch = pytest.importorskip("torch", reason="PyTorch is an optional dependency: pip install -e '.[torch]'")
import groove.torch  # noqa: E402  (it needs PyTorch)

T, W, A, Y = 5, 3, 2, 5


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """A rule without a memory, one that remembers the scale of rewards, and one that sets controls."""
    folder = tmp_path_factory.mktemp("rules")
    settings = {"plain": {}, "remembering": {"base": "ppo"}, "controls": {"base": "a2c", "controls": True}}
    return {
        name: groove.torch.load(write_rule(folder / f"{name}.safetensors", **changes))
        for name, changes in settings.items()
    }


@pytest.fixture
def given():
    rng = np.random.default_rng(0)
    return {
        "logits": torch.as_tensor(rng.normal(size=(T, W, A)), dtype=torch.float32),
        "y": torch.zeros(T, W, Y),
        "next_y": torch.zeros(T, W, Y),
        "action": torch.as_tensor(rng.integers(A, size=(T, W))),
        "reward": torch.as_tensor(rng.normal(size=(T, W)), dtype=torch.float32),
        "terminated": torch.as_tensor(rng.random((T, W)) < 0.3),
        "truncated": torch.zeros(T, W, dtype=torch.bool),
        "mask": torch.as_tensor(np.arange(T)[:, None] < np.array([T, T - 1, T - 2])),
    }


@pytest.mark.parametrize("name", ["logits", "y", "next_y", "action", "reward", "terminated", "truncated", "mask"])
@pytest.mark.parametrize("change", [lambda x: x.numpy(), lambda x: x.tolist(), lambda x: "x"])
def test_arrays_and_lists_are_no_tensors(rules, given, name, change):
    with pytest.raises(GrooveError, match=rf"{name} must be a torch.Tensor, not .*: give torch.as_tensor\({name}\)"):
        rules["plain"].loss(**given | {name: change(given[name])})


@pytest.mark.parametrize("name", ["logits", "y", "next_y", "reward", "terminated", "mask"])
def test_complex_numbers_are_refused(rules, given, name):
    with pytest.raises(GrooveError, match=f"{name} must hold real numbers, not torch.complex64"):
        rules["plain"].loss(**given | {name: given[name].to(torch.complex64)})


@pytest.mark.parametrize("value", [0.5, float("nan"), 2.0])
@pytest.mark.parametrize("name", ["terminated", "truncated", "mask"])
def test_ends_and_masks_are_true_or_false(rules, given, name, value):
    expected = rules["plain"].loss(**given)
    numbers = given[name].float()
    torch.testing.assert_close(rules["plain"].loss(**given | {name: numbers}), expected)
    wrong = numbers.clone()
    wrong[1, 1] = value
    with pytest.raises(GrooveError, match=f"{name} must be true or false, or 1 or 0, and holds {value}"):
        rules["plain"].loss(**given | {name: wrong})
    if name != "mask":
        hidden = torch.where(given["mask"], numbers, torch.nan)
        torch.testing.assert_close(rules["plain"].loss(**given | {name: hidden}), expected)


def test_what_a_rule_would_not_read_is_refused(rules, given):
    plain, value = rules["plain"], torch.zeros(T, W)
    for head in ("value", "next_value"):
        with pytest.raises(GrooveError, match='has no head "value" and would not read it'):
            plain.loss(**given, **{head: value})
    experience = [given[name] for name in ("reward", "terminated", "truncated", "mask")]
    for state in (torch.zeros(()), 5, rules["controls"].init_state()):
        with pytest.raises(GrooveError, match="has no memory and would not read state: leave state out"):
            plain.loss(**given, state=state)
        with pytest.raises(GrooveError, match="has no memory and would not read state"):
            plain.observe(state, *experience)
    assert plain.observe(plain.init_state(), *experience) is None
    for wrong in (None, 5, 1.0, "x", torch.zeros(3), rules["controls"].init_state()):
        with pytest.raises(GrooveError, match="remembers its agent's lifetime, which it needs as state"):
            rules["remembering"].observe(wrong, *experience)
    state = rules["controls"].init_state()
    for wrong in (None, torch.zeros(()), state._replace(peak=1.0), state._replace(step=torch.zeros(2))):
        with pytest.raises(GrooveError, match="remembers its agent's lifetime"):
            rules["controls"].observe(wrong, *experience)
    with pytest.raises(GrooveError, match=r"controls must be those that rule.targets returns, not None"):
        rules["controls"].remember(state, None, given["logits"], given["logits"])


@pytest.mark.parametrize("value", ["x", True, 1j, [0.5], torch.zeros(2)])
@pytest.mark.parametrize("name", ["progress", "lifetime"])
def test_progress_and_lifetime_are_numbers(rules, given, name, value):
    with pytest.raises(GrooveError, match=f"{name} must be a number, not"):
        rules["plain"].loss(**given, **{name: value})


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"epochs": 1.5}, "epochs = 1.5 must be an integer"),
        ({"epochs": True}, "epochs = True must be an integer"),
        ({"epochs": 0}, "epochs = 0 must be at least 1"),
        ({"minibatches": "x"}, "minibatches = 'x' must be an integer"),
        ({"minibatches": 10**9}, "minibatches = 1000000000 does not divide the 15 transitions .* such as 15"),
        ({"max_grad_norm": "x"}, "max_grad_norm = 'x' must be positive"),
        ({"max_grad_norm": 10**400}, "must be positive"),
        ({"max_grad_norm": True}, "max_grad_norm = True must be positive"),
        ({"max_grad_norm": float("nan")}, "max_grad_norm = nan must be positive"),
        ({"generator": 5}, "generator must be a torch.Generator, not 5"),
        ({"module": None}, "module must be a torch.nn.Module"),
        ({"optimizer": None}, "optimizer must be one of torch.optim, not None"),
        ({"obs": np.zeros((T, W, 4), np.float32)}, "obs must be a torch.Tensor, not ndarray"),
        ({"next_obs": None}, "next_obs must be a torch.Tensor, not NoneType"),
        ({"reward": np.zeros((T, W))}, "reward must be a torch.Tensor, not ndarray"),
    ],
)
def test_an_update_takes_what_it_says(rules, given, changes, complaint):
    torch.manual_seed(0)
    agent = rules["plain"].add_heads(torch.nn.Linear(4, 8), 8, A)
    arguments = {name: given[name] for name in ("action", "reward", "terminated", "truncated", "mask")}
    obs = torch.zeros(T, W, 4)
    arguments |= {"module": agent, "optimizer": torch.optim.SGD(agent.parameters(), 0.1), "obs": obs, "next_obs": obs}
    before = [p.clone() for p in agent.parameters()]
    with pytest.raises(GrooveError, match=complaint):
        rules["plain"].update(**arguments | changes)
    assert all(torch.equal(a, b) for a, b in zip(before, agent.parameters(), strict=True))


@pytest.fixture
def learning():
    """The rule groove, an agent of one layer with its optimizer, and a rollout in which rows are hidden."""
    torch.manual_seed(0)
    rule = groove.torch.load("groove")
    agent = rule.add_heads(torch.nn.Linear(4, 8), 8, A)
    rng = np.random.default_rng(0)
    rollout = {
        "obs": torch.as_tensor(rng.normal(size=(T, W, 4)), dtype=torch.float32),
        "next_obs": torch.as_tensor(rng.normal(size=(T, W, 4)), dtype=torch.float32),
        "action": torch.as_tensor(rng.integers(A, size=(T, W))),
        "reward": torch.as_tensor(rng.normal(size=(T, W)), dtype=torch.float32),
        "terminated": torch.as_tensor(rng.random((T, W)) < 0.3),
        "truncated": torch.zeros(T, W, dtype=torch.bool),
        "mask": torch.as_tensor(np.arange(T)[:, None] < np.array([T, T - 1, T - 2])),
    }
    return rule, agent, torch.optim.SGD(agent.parameters(), 0.1), rollout


def _update(learning, state=None, **changes):
    rule, agent, optimizer, rollout = learning
    told = {"progress": 0.5, "lifetime": 100, "minibatches": 1, "generator": torch.Generator().manual_seed(0)}
    state = rule.init_state() if state is None else state
    return rule.update(agent, optimizer, **rollout | changes, state=state, **told)


def test_observations_of_hidden_rows_may_be_anything(learning):
    _, agent, _, rollout = learning
    begin = {name: p.clone() for name, p in agent.state_dict().items()}
    _update(learning)
    expected = {name: p.clone() for name, p in agent.state_dict().items()}
    agent.load_state_dict(begin)
    shown = rollout["mask"][..., None]
    _update(learning, **{name: torch.where(shown, rollout[name], torch.nan) for name in ("obs", "next_obs")})
    for name, p in agent.state_dict().items():
        torch.testing.assert_close(p, expected[name])
        assert not torch.equal(p, begin[name])


def test_a_saved_state_is_read_again(learning, tmp_path):
    state, _ = _update(learning)
    torch.save({"state": state, "agent": learning[1].state_dict()}, tmp_path / "saved.pt")
    again = torch.load(tmp_path / "saved.pt")["state"]
    assert type(again) is type(state)
    torch.testing.assert_close(tuple(again), tuple(state))
    _update(learning, again)


def test_one_action_has_no_entropy(learning):
    rule, _, _, rollout = learning
    agent = rule.add_heads(torch.nn.Linear(4, 8), 8, 1)
    optimizer = torch.optim.SGD(agent.parameters(), 0.1)
    _, info = _update((rule, agent, optimizer, rollout), action=torch.zeros(T, W, dtype=torch.int64))
    assert info["step_factor"].isfinite()
    assert all(p.isfinite().all() for p in agent.parameters())


def test_a_rule_on_another_device_says_how_to_move_it(learning):
    rule, *others = learning
    with pytest.raises(GrooveError, match=r"the rule is on meta and the rollout on cpu: move the rule by rule\.to"):
        _update((rule.to("meta"), *others))


def test_a_function_is_no_agent(learning):
    rule, agent, optimizer, rollout = learning
    with pytest.raises(GrooveError, match=r"module must be a torch\.nn\.Module"):
        _update((rule, lambda obs: agent(obs), optimizer, rollout))
