"""Illegal actions in PyTorch: their logits may be minus infinity."""

import pytest

from tests._helpers.rules import random_rollout, write_rule

torch = pytest.importorskip("torch", reason="PyTorch is an optional dependency: pip install -e '.[torch]'")
import groove.torch  # noqa: E402  (it needs PyTorch)

A, Y, T, W = 3, 5, 6, 4
PLAIN = {"base": "ppo", "core": "none", "epochs": 2, "minibatches": 1}


class Masked(torch.nn.Module):
    """Linear heads whose last action is illegal: its logit is another."""

    def __init__(self, illegal):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        widths = {"logits": A, "y": Y, "value": 1}
        self.weights = torch.nn.ParameterDict(
            {n: torch.nn.Parameter(torch.randn(7, w, generator=generator)) for n, w in widths.items()}
        )
        self.illegal = illegal

    def forward(self, obs):
        heads = {name: obs @ w for name, w in self.weights.items()}
        legal = torch.arange(A) < A - 1
        return heads | {"logits": torch.where(legal, heads["logits"], self.illegal)}


@pytest.mark.parametrize("changes", [{"controls": True}, {"core": "linear"}])
def test_the_logit_of_an_illegal_action_may_be_minus_infinity(tmp_path, changes):
    rule = groove.torch.load(write_rule(tmp_path / "r.safetensors", **(PLAIN | changes)))
    rollout = random_rollout(T, W, A)
    tensors = {n: None if x is None else torch.tensor(x) for n, x in vars(rollout).items()}
    tensors["action"] = tensors["action"].clamp(max=A - 2)
    told = {"progress": 0.5, "lifetime": torch.tensor([20.0])} if rule.sets_controls else {}
    found = []
    for illegal in (-torch.inf, -1e9):
        module = Masked(illegal)
        sgd = torch.optim.Adam(module.parameters(), lr=0.1)
        _, info = rule.update(
            module, sgd, **tensors, state=rule.init_state(), generator=torch.Generator().manual_seed(0), **told
        )
        found.append([*module.parameters(), *info.values()])
    for x, y in zip(*found, strict=True):
        assert torch.as_tensor(x).isfinite().all()
        torch.testing.assert_close(torch.as_tensor(x), torch.as_tensor(y))
