"""The record of finished lifetimes: the features of their levels, and the returns at the end."""

from typing import Any

import jax
import jax.numpy as jnp

from groove.envs.base import EnvFamily
from groove.types import Array, Key, LevelOutcome, PyTree

RECORD = "level_record"  # the name of the record among the metrics of a meta-step
MOST_ROWS = 16  # lifetimes of one meta-step, at most
RETURNS = ("student_return", "antagonist_return")  # fields of LevelOutcome, the first columns of the record


def feature_names(env: EnvFamily) -> tuple[str, ...]:
    """Return the names of the features of a family's levels, in the order of the record's columns."""
    if env.describe is None:
        return ()
    level = jax.eval_shape(env.sample_level, jax.random.key(0))
    return tuple(sorted(jax.eval_shape(env.describe, level)))


def record_finished(env: EnvFamily, levels: PyTree, outcome: LevelOutcome, key: Key, rows: int) -> Array:
    """Return some of the lifetimes that have just finished, drawn at random if there are more than `rows`.

    Args:
      env: the family of the levels.
      levels: [N].
      outcome: [N], with both of `RETURNS`.
      key: the randomness of the draw.
      rows: R, at most N.

    Returns:
      f32[R, columns]: `RETURNS`, then the features in the order of `feature_names`; NaN in the rows that are left over.
    """
    assert env.describe is not None
    order = jnp.argsort(jnp.where(outcome.finished, jax.random.uniform(key, outcome.finished.shape), jnp.inf))[:rows]
    features: dict[str, Array] = jax.vmap(env.describe)(jax.tree.map(lambda x: x[order], levels))
    columns: list[Any] = [getattr(outcome, name)[order] for name in RETURNS]
    columns += [features[name] for name in sorted(features)]
    return jnp.where(outcome.finished[order, None], jnp.stack(columns, axis=1), jnp.nan)


def nothing_finished(env: EnvFamily, rows: int) -> Array:
    """Return the record of a meta-step in which no lifetime ended, f32[R, columns]."""
    return jnp.full((rows, len(RETURNS) + len(feature_names(env))), jnp.nan)
