"""Tables of head outputs, read and written by row, at a cost that does not grow with the table.

A table holds one row a state, S rows of which a rollout visits few. Reverse-mode differentiation of a plain gather
makes a dense table of zeros for every read and adds the tables up, which costs more than a small recurrent core does.
Here a read hands the table on, so that reads and writes form one chain and its cotangent is one table, updated in
place.
"""

import jax
import jax.numpy as jnp

from groove.types import Array


@jax.custom_vjp
def read_rows(table: Array, index: Array) -> tuple[Array, Array]:
    """Reads rows and hands the table on: f32[S, D], int32[R] -> (the same table, f32[R, D]).

    Use the returned table from there on: then the gradient of every read is added in place to the one cotangent.
    """
    return table, table.at[index].get(mode="promise_in_bounds")


def _read_forward(table: Array, index: Array) -> tuple[tuple[Array, Array], Array]:
    return read_rows(table, index), index


def _read_backward(index: Array, cotangents: tuple[Array, Array]) -> tuple[Array, None]:
    table, rows = cotangents
    return add_rows(table, index, rows), None


read_rows.defvjp(_read_forward, _read_backward)


def add_rows(table: Array, index: Array, rows: Array) -> Array:
    """Adds rows into the table, repeated indices adding up: f32[S, D], int32[R], f32[R, D] -> f32[S, D]."""
    return table.at[index].add(rows, mode="promise_in_bounds")


def representatives(index: Array, size: int) -> Array:
    """For each of R indices below `size`, the position of one that equals it, the same for all that are equal."""
    position = jnp.arange(index.shape[0], dtype=jnp.int32)
    # max, unlike set, has one answer whatever order the writes come in
    last = jnp.zeros(size, jnp.int32).at[index].max(position, mode="promise_in_bounds")
    return last.at[index].get(mode="promise_in_bounds")


def clip_scale(rows: Array, representative: Array, max_norm: float) -> Array:
    """min(1, max_norm / ||G||), where G is the dense gradient table that these rows, added up by index, make.

    Args:
      rows: f32[R, D], the gradient's contributions.
      representative: int32[R], of `representatives`.
      max_norm: the largest norm left as it is.
    """
    total = jnp.zeros_like(rows).at[representative].add(rows, mode="promise_in_bounds")
    # the maximum keeps the root away from zero, where its derivative is not finite
    return max_norm * jax.lax.rsqrt(jnp.maximum(jnp.sum(total * total), max_norm**2))
