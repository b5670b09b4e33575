"""Level buffers with given scores, statuses and ages, and levels that are one number."""

import jax
import jax.numpy as jnp

from groove.curriculum.buffer import LevelBuffer, Status
from groove.types import LevelMemory

CLOCK = 1000


def buffer_of(score, status=None, age=None) -> LevelBuffer:
    """Build a buffer whose level at place i has id 100 + i; by default every level is SCORED and has age 0."""
    n = len(score)
    return LevelBuffer(
        level={"id": jnp.arange(n) + 100},
        memory=LevelMemory.blank(n),
        score=jnp.asarray(score, jnp.float32),
        status=jnp.asarray([Status.SCORED] * n if status is None else status, jnp.int8),
        stamp=CLOCK - jnp.asarray([0] * n if age is None else age, jnp.int32),
        clock=jnp.int32(CLOCK),
    )


def sample_level(key):
    """Draw a level with an id, uint32, and a grid filled with the id."""
    level_id = jax.random.bits(key, dtype=jnp.uint32)
    return {"id": level_id, "grid": jnp.broadcast_to(level_id, (2, 3))}
