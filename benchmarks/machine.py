"""What this machine can do at its best."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def timed(call: Callable[[], Any]) -> float:
    """Seconds of one call, its results waited for."""
    begin = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - begin


def matmul_peak(repeats: int = 20) -> float:
    """The best f32 FLOP/s of a 2048 x 2048 multiplication."""
    side = 2048
    a = jnp.ones((side, side))
    multiply = jax.jit(lambda x: x @ x)
    timed(lambda: multiply(a))
    return 2 * side**3 / min(timed(lambda: multiply(a)) for _ in range(repeats))
