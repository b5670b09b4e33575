"""The weights file: sizes as published, and one clear line for every other file."""

import math

import numpy as np
import pytest

from groove.lpg.disco.weights import SHAPES, from_arrays
from groove.utils.errors import GrooveError
from tests._helpers.disco import synthetic_weights


def test_the_file_has_as_many_numbers_as_the_published_one():
    assert len(SHAPES) == 42
    assert sum(math.prod(shape) for shape in SHAPES.values()) == 754_778


def test_the_forget_gate_of_the_file_starts_one_higher():
    arrays = synthetic_weights()
    weights = from_arrays(arrays, "x").lstm
    np.testing.assert_array_equal(weights.b[256:512], arrays["lstm/lstm/linear/b"][512:768] + 1)
    np.testing.assert_array_equal(weights.w_i[:, 512:768], arrays["lstm/lstm/linear/w"][:27, 256:512])
    np.testing.assert_array_equal(weights.w_h[:, :256], arrays["lstm/lstm/linear/w"][27:, :256])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda x: x.pop("lstm/linear/w"), r"lacks the array lstm/linear/w: give disco_103.npz"),
        (lambda x: x.update({"lstm/linear/b": np.zeros(9)}), r"lstm/linear/b of shape \(9,\), not \(256,\)"),
        (lambda x: x.update(more=np.zeros(9)), "has arrays that Disco103 has not, such as more"),
        (lambda x: x.update({"lstm/linear/b": np.full(256, np.nan)}), "something else than finite numbers in lstm/lin"),
        (lambda x: x.update({"lstm/linear/b": np.full(256, "a")}), "something else than finite numbers in lstm/lin"),
    ],
)
def test_other_files_are_refused(change, complaint):
    arrays = synthetic_weights()
    change(arrays)
    with pytest.raises(GrooveError, match=complaint):
        from_arrays(arrays, "a.npz")
