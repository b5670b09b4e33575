"""The weights file: sizes as published, and one clear line for every other file."""

import math

import jax
import numpy as np
import pytest

from groove.lpg.disco.rule import draw_weights
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


def test_new_weights_have_the_shapes_of_the_file_and_the_size_of_their_inputs():
    drawn, read = jax.device_get(jax.jit(draw_weights)(jax.random.key(0))), from_arrays(synthetic_weights(), "x")
    assert jax.tree.map(np.shape, drawn) == jax.tree.map(np.shape, read)
    assert {x.dtype for x in jax.tree.leaves(drawn)} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(drawn.lstm.b, np.repeat([0.0, 1.0, 0.0, 0.0], 256))
    assert not drawn.gate.b.any()
    for w, inputs in ((drawn.y.w, 256), (drawn.embedders.y[0].w, 600), (drawn.lifetime.lstm.w_h, 128)):
        np.testing.assert_allclose(w.std() * inputs**0.5, 0.88, atol=0.02)  # of a normal cut at two deviations
        assert np.abs(w).max() <= 2 * inputs**-0.5


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
