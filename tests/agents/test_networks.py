"""Networks: the torso of Mnih et al. (2015), and the observations that networks read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.agents.networks import NATURE_CONVOLUTIONS, make_network
from groove.envs.base import Box, MultiHot

HEADS = {"logits": 6, "value": 1}
SHAPE = (84, 84, 4)


def test_parameters_of_the_nature_torso():
    network = make_network("nature", Box(SHAPE), HEADS, (512,), (32, 64, 64))
    params = jax.eval_shape(network.init, jax.random.key(0))
    sizes = {name: sum(leaf.size for leaf in layer.values()) for name, layer in params.items()}
    assert sizes == {
        "torso_conv_0": 8 * 8 * 4 * 32 + 32,
        "torso_conv_1": 4 * 4 * 32 * 64 + 64,
        "torso_conv_2": 3 * 3 * 64 * 64 + 64,
        "torso_linear_0": 7 * 7 * 64 * 512 + 512,
        "head_logits": 512 * 6 + 6,
        "head_value": 512 + 1,
    }
    assert sum(size for name, size in sizes.items() if name.startswith("torso")) == 1_684_128
    outputs = jax.eval_shape(
        lambda p, obs: network.apply(p, obs, tuple(HEADS)), params, jnp.zeros((5, 2, *SHAPE), jnp.uint8)
    )
    assert {name: (y.shape, y.dtype) for name, y in outputs.items()} == {
        "logits": ((5, 2, 6), jnp.float32),
        "value": ((5, 2, 1), jnp.float32),
    }


def _by_convolutions(params, obs):
    x = obs / 255.0
    for i, (kernel, stride) in enumerate(NATURE_CONVOLUTIONS):
        layer, reach = params[f"torso_conv_{i}"], kernel // stride
        # the rows of the matrix are ordered by slice, pixel of a block, and channel
        w = layer["w"].reshape(reach, reach, stride, stride, x.shape[-1], -1).swapaxes(1, 2)
        w = w.reshape(kernel, kernel, x.shape[-1], -1)
        x = jax.lax.conv_general_dilated(x, w, (stride, stride), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + layer["b"])
    assert x.shape[1:] == (7, 7, 7)
    x = jax.nn.relu(x.reshape(x.shape[0], -1) @ params["torso_linear_0"]["w"] + params["torso_linear_0"]["b"])
    return x @ params["head_logits"]["w"] + params["head_logits"]["b"]


def test_the_nature_torso_is_three_strided_convolutions_of_the_screen_over_255():
    network = make_network("nature", Box(SHAPE), {"logits": 3}, (8,), (5, 6, 7))
    shapes = jax.eval_shape(network.init, jax.random.key(0))
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: rng.normal(scale=0.1, size=leaf.shape).astype(np.float32), shapes)
    obs = rng.integers(0, 256, (2, *SHAPE)).astype(np.uint8)
    outputs, expected = jax.jit(lambda p, o: (network.apply(p, o, ("logits",)), _by_convolutions(p, o)))(params, obs)
    assert np.std(expected) > 0.01
    np.testing.assert_allclose(outputs["logits"], expected, rtol=1e-3, atol=1e-4)


def test_the_nature_torso_has_three_convolutions():
    with pytest.raises(ValueError, match="three convolutions"):
        make_agent(Box(SHAPE), HEADS, AgentConfig(torso="nature", channels=(32, 64)))


def test_networks_read_multi_hot_observations_as_zeros_and_ones():
    index = jnp.array([[[0, 3, -1]], [[2, -1, -1]], [[4, 1, 0]]])
    dense = jnp.array([[[1, 0, 0, 1, 0]], [[0, 0, 1, 0, 0]], [[1, 1, 0, 0, 1]]])
    compact, plain = (make_network("mlp", space, {"logits": 2}, (4,)) for space in (MultiHot(5, 3), Box((5,))))
    params = compact.init(jax.random.key(0))
    found, expected = (n.apply(params, obs, ("logits",))["logits"] for n, obs in ((compact, index), (plain, dense)))
    assert found.shape == (3, 1, 2)
    np.testing.assert_array_equal(found, expected)


def test_a_large_multi_hot_observation_gives_the_outputs_of_the_dense_layer():
    space = MultiHot(600, 5)
    sparse = make_network("mlp", space, {"logits": 3}, (8, 4))
    dense = make_network("mlp", Box((600,)), {"logits": 3}, (8, 4))
    params = sparse.init(jax.random.key(0))
    jax.tree.map(np.testing.assert_array_equal, params, dense.init(jax.random.key(0)))
    index = np.random.default_rng(0).integers(-1, 600, (7, 5)).astype(np.int32)
    index[0], index[1] = [3, 3, -1, 599, 3], -1  # one index three times; no index at all
    hot = np.zeros((7, 600), np.float32)
    for row, active in zip(hot, index, strict=True):
        row[active[active >= 0]] = 1.0

    def outputs(network, obs):
        def loss(params):
            return (network.apply(params, obs, ("logits",))["logits"] ** 2).sum()

        return jax.jit(jax.value_and_grad(loss))(params)

    ours, expected = outputs(sparse, index), outputs(dense, hot)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6), ours, expected)
