"""Layers equal the convolutions of XLA and the dense form of sparse observations."""

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.layers import conv3x3, conv_valid, multi_hot


def _layer(function, x):
    """Return the outputs of a layer on x, and its parameters, drawn at random."""
    layer = hk.without_apply_rng(hk.transform(lambda x: function(x, name="layer")))
    shapes = jax.eval_shape(layer.init, jax.random.key(0), x)
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes)
    return layer.apply(params, x), params["layer"]


def _convolution(x, w, b, stride, padding):
    dimensions = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=dimensions) + b


def test_conv3x3_is_a_convolution_with_same_padding():
    x = np.random.default_rng(1).normal(size=(2, 5, 4, 3)).astype(np.float32)
    outputs, layer = _layer(lambda x, name: conv3x3(x, 6, name), x)
    expected = _convolution(x, layer["w"].reshape(3, 3, 3, 6), layer["b"], 1, "SAME")
    assert outputs.shape == (2, 5, 4, 6)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (3, 1), (2, 2), (6, 3)])
@pytest.mark.parametrize("sides", [(12, 12), (13, 10)], ids=str)
def test_conv_valid_is_a_convolution_with_valid_padding(kernel, stride, sides):
    channels, width, reach = 2, 5, kernel // stride
    x = np.random.default_rng(1).normal(size=(3, *sides, channels)).astype(np.float32)
    outputs, layer = _layer(lambda x, name: conv_valid(x, width, kernel, stride, name), x)
    # the rows of the matrix are ordered by slice, pixel of a block, and channel
    w = layer["w"].reshape(reach, reach, stride, stride, channels, width).swapaxes(1, 2)
    expected = _convolution(x, w.reshape(kernel, kernel, channels, width), layer["b"], stride, "VALID")
    assert outputs.shape == (3, *((side - kernel) // stride + 1 for side in sides), width)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_multi_hot_sets_the_indices_and_ignores_minus_one():
    index = jnp.array([[[0, 3, -1]], [[2, -1, -1]], [[4, 1, 0]]])
    dense = jnp.array([[[1, 0, 0, 1, 0]], [[0, 0, 1, 0, 0]], [[1, 1, 0, 0, 1]]])
    outputs = multi_hot(index, 5)
    assert outputs.dtype == jnp.float32
    np.testing.assert_array_equal(outputs, dense)
