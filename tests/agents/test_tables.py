"""Tables by row equal dense tables, in value and in gradient."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.agents import tables

INDEX = jnp.asarray([3, 1, 3, 0, 1, 3])


def test_chained_reads_have_the_gradient_of_plain_gathers():
    table = jax.random.normal(jax.random.key(0), (5, 2))
    weight = jax.random.normal(jax.random.key(1), (6, 2))

    def chained(table):
        table, rows = tables.read_rows(table, INDEX)
        table = tables.add_rows(table, INDEX, jnp.sin(rows))
        table, rows = tables.read_rows(table, INDEX[::-1])
        return jnp.sum(weight * rows**2) + jnp.sum(table**3)

    def dense(table):
        table = table + jnp.zeros_like(table).at[INDEX].add(jnp.sin(table[INDEX]))
        return jnp.sum(weight * table[INDEX[::-1]] ** 2) + jnp.sum(table**3)

    np.testing.assert_allclose(chained(table), dense(table), rtol=1e-6)
    np.testing.assert_allclose(jax.grad(chained)(table), jax.grad(dense)(table), rtol=1e-5)


def test_representatives_name_one_position_for_each_index():
    chosen = np.asarray(tables.representatives(INDEX, 5))
    assert (np.asarray(INDEX)[chosen] == np.asarray(INDEX)).all()
    assert len(set(chosen.tolist())) == 3


def test_clip_scale_is_that_of_the_dense_gradient():
    rows = jax.random.normal(jax.random.key(2), (6, 2))
    norm = jnp.linalg.norm(jnp.zeros((5, 2)).at[INDEX].add(rows))
    representative = tables.representatives(INDEX, 5)
    np.testing.assert_allclose(tables.clip_scale(rows, representative, 0.5), 0.5 / norm, rtol=1e-6)
    np.testing.assert_allclose(tables.clip_scale(rows, representative, 2 * float(norm)), 1.0, rtol=1e-6)


def test_clipping_has_a_finite_derivative_at_zero():
    representative = tables.representatives(INDEX, 5)
    gradient = jax.grad(lambda rows: tables.clip_scale(rows, representative, 0.5))(jnp.zeros((6, 2)))
    assert bool(jnp.isfinite(gradient).all())
