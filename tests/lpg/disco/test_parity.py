"""Every golden array of three consecutive calls, from the published weights; see conftest.py for the two paths.

DISCO103_WEIGHTS=disco_103.npz DISCO103_GOLDEN=golden.npz pytest tests/lpg/disco/test_parity.py
"""

import os

import jax
import numpy as np
import pytest

from groove.lpg.disco.weights import from_arrays
from tests._helpers import disco, disco_reference


@pytest.fixture(scope="module")
def weights():
    with np.load(os.environ["DISCO103_WEIGHTS"]) as file:
        return dict(file)


@pytest.fixture(scope="module")
def whole():
    with np.load(os.environ["DISCO103_GOLDEN"]) as file:
        return dict(file)


def _call(whole, number):
    return {name.partition("/")[2]: x for name, x in whole.items() if name.startswith(f"call{number}/")}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_array_of_a_call(weights, whole, number):
    arrays = _call(whole, number)
    inputs = {name: x for name, x in arrays.items() if name.startswith("in/")}
    found = jax.jit(disco.computed)(from_arrays(weights, "the file"), inputs)
    assert found.keys() == arrays.keys() - inputs.keys()
    errors = {name: disco.error(arrays[name], x) for name, x in found.items()}
    assert {name: x for name, x in errors.items() if x > disco.tolerance(name)} == {}
    reference = disco_reference.call(weights, inputs)
    errors = {name: disco.error(arrays[name], x) for name, x in reference.items()}
    assert {name: x for name, x in errors.items() if x > disco.tolerance(name)} == {}


@pytest.mark.parametrize("number", [0, 1])
def test_the_state_after_a_call_is_the_state_before_the_next(whole, number):
    before, after = _call(whole, number), _call(whole, number + 1)
    for name in (n for n in before if n.startswith("state/")):
        np.testing.assert_array_equal(before[name], after[name.replace("state/", "in/")])


def test_the_excerpt_of_the_tests_is_of_the_file(whole, golden):
    for name, x in golden.items():
        head, _, rest = name.partition("/")
        if head == "unit":
            np.testing.assert_array_equal(x, whole[name])
        elif head == "part":
            np.testing.assert_array_equal(x, whole[f"call1/{rest}"][5 : 5 + len(x), :1])
        else:
            np.testing.assert_array_equal(x, whole[name])
