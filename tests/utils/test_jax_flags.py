"""Flags that a shell exports have no effect inside the block, and hold again after it."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.utils.jax_flags import standard_flags


def compute():
    key = jax.random.key(0)
    mixed = jnp.ones((2, 3)) * jnp.arange(3) + np.float32(0.5)
    missing = jnp.log(jnp.array(-1.0))
    return jax.random.key_data(key), jax.random.uniform(key, (3,)), mixed, missing


def test_results_do_not_depend_on_exported_flags():
    expected = compute()
    with (
        jax.enable_x64(True),
        jax.debug_nans(True),
        jax.numpy_rank_promotion("raise"),
        jax.numpy_dtype_promotion("strict"),
        jax.default_prng_impl("rbg"),
    ):
        with standard_flags():
            results = compute()
        assert jnp.arange(3.0).dtype == jnp.float64, "the flags hold again"
    for result, want in zip(results, expected, strict=True):
        assert result.dtype == want.dtype
        np.testing.assert_array_equal(result, want)
