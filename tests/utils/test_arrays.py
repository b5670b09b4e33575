"""A condition of one batch axis selects whole entries."""

import jax.numpy as jnp

from groove.utils.arrays import select


def test_a_condition_selects_along_its_own_axes():
    a, b = jnp.ones((2, 3, 4)), jnp.zeros((2, 3, 4))
    chosen = select(jnp.array([True, False]), a, b)
    assert chosen[0].all()
    assert not chosen[1].any()
    assert select(jnp.array([True, False]), jnp.array([1, 2]), jnp.array([3, 4])).tolist() == [1, 4]
