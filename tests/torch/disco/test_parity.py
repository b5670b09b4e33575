"""The golden arrays of three consecutive calls in PyTorch, from the published weights; see conftest.py for the paths.

DISCO103_WEIGHTS=disco_103.npz DISCO103_GOLDEN=golden.npz pytest tests/torch/disco/test_parity.py
"""

import os

import numpy as np
import pytest

from tests._helpers import disco

torch = pytest.importorskip("torch", reason="PyTorch is an optional dependency: pip install -e '.[torch]'")
import groove.torch  # noqa: E402  (it needs PyTorch)
from tests._helpers import torch_disco  # noqa: E402


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_array_of_a_call(number):
    rule = groove.torch.load(f"disco103={os.environ['DISCO103_WEIGHTS']}")
    with np.load(os.environ["DISCO103_GOLDEN"]) as file:
        start = f"call{number}/"
        arrays = {name.removeprefix(start): file[name] for name in file.files if name.startswith(start)}
    found = torch_disco.computed(rule, arrays)
    unread = {"mask/reset_forward", "mask/reset_backward", "value/value_target", "value/td", "value/normalized_q_td"}
    assert found.keys() == {name for name in arrays if not name.startswith("in/")} - unread
    errors = {name: disco.error(arrays[name], x) for name, x in found.items()}
    assert {name: x for name, x in errors.items() if x > disco.tolerance(name)} == {}
