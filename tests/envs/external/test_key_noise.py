"""Noise made of keys: no two keys are equal, and states become arrays of JAX's own types."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.external.key_noise import draw_keys, plain_arrays


def test_steps_and_resets_share_no_key():
    noise = draw_keys(jax.random.key(0), (5, 3))
    assert noise.step.shape == noise.reset.shape == (5, 3)
    data = np.stack([np.asarray(jax.random.key_data(keys)) for keys in noise])
    assert len(np.unique(data.reshape(30, -1), axis=0)) == 30


def test_numbers_and_weakly_typed_arrays_become_plain_arrays():
    weak = jnp.asarray(1.0) * 2.0
    before = {"int": 3, "float": 0.5, "bool": True, "weak": weak, "array": jnp.zeros(2, jnp.uint8)}
    after = plain_arrays(before)
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(after))
    assert {name: leaf.dtype for name, leaf in after.items()} == {
        "int": jnp.int32,
        "float": jnp.float32,
        "bool": jnp.bool_,
        "weak": jnp.float32,
        "array": jnp.uint8,
    }
    jax.tree.map(np.testing.assert_array_equal, after, before)
