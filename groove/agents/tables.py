"""Tables of head outputs, read and written by row, at a cost that does not grow with the table.

A table has one row for each of S states, and a rollout visits few of them. Reverse-mode differentiation of a plain
gather makes a dense table of zeros for every read and adds the tables up, which costs more than a small recurrent core.
Here a read also returns the table, so that reads and writes form one chain. The cotangent of the chain is one table,
which is updated in place.
"""

import jax
import jax.numpy as jnp

from groove.types import Array


@jax.custom_vjp
def read_rows(table: Array, index: Array) -> tuple[Array, Array]:
    """Read rows, and return the table as well: f32[S, D], int32[R] -> (the same table, f32[R, D]).

    Continue with the returned table: the gradient of every read is then added in place to one cotangent.
    """
    return table, table.at[index].get(mode="promise_in_bounds")


def _read_forward(table: Array, index: Array) -> tuple[tuple[Array, Array], Array]:
    return read_rows(table, index), index


def _read_backward(index: Array, cotangents: tuple[Array, Array]) -> tuple[Array, None]:
    table, rows = cotangents
    return add_rows(table, index, rows), None


read_rows.defvjp(_read_forward, _read_backward)


def add_rows(table: Array, index: Array, rows: Array) -> Array:
    """Add rows to a table; rows with one index add up: f32[S, D], int32[R], f32[R, D] -> f32[S, D]."""
    return table.at[index].add(rows, mode="promise_in_bounds")


def representatives(index: Array, size: int) -> Array:
    """Return, for every index, the last position that holds the same index: int32[R].

    Args:
      index: int32[R], below `size`.
      size: S, rows of the table.
    """
    position = jnp.arange(index.shape[0], dtype=jnp.int32)
    # max, unlike set, gives the same answer for every order of the writes
    last = jnp.zeros(size, jnp.int32).at[index].max(position, mode="promise_in_bounds")
    return last.at[index].get(mode="promise_in_bounds")


def clip_scale(rows: Array, representative: Array, max_norm: float) -> Array:
    """Return min(1, max_norm / ||G||), f32 [], where G is the dense gradient table: the sum of the rows by index.

    Args:
      rows: f32[R, D], contributions to the gradient.
      representative: int32[R], from `representatives`.
      max_norm: the largest norm that is not clipped.
    """
    total = jnp.zeros_like(rows).at[representative].add(rows, mode="promise_in_bounds")
    # the maximum keeps the root away from zero, where the derivative is not finite
    return max_norm * jax.lax.rsqrt(jnp.maximum(jnp.sum(total * total), max_norm**2))
