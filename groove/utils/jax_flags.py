"""JAX's global flags as this project's programs need them, whatever the user's shell exports."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import jax


@contextmanager
def standard_flags() -> Iterator[None]:
    """Run the block under the flags that results are defined for.

    Arrays have 32 bits, NaN is a value (a missing measurement), ranks and types are promoted, and random keys are those
    of Threefry. JAX_ENABLE_X64, JAX_DEBUG_NANS, JAX_DEBUG_INFS, JAX_NUMPY_RANK_PROMOTION, JAX_NUMPY_DTYPE_PROMOTION,
    JAX_DEFAULT_PRNG_IMPL and JAX_THREEFRY_PARTITIONABLE have no effect inside.
    """
    with ExitStack() as stack:
        for flag in (
            jax.enable_x64(False),
            jax.debug_nans(False),
            jax.debug_infs(False),
            jax.numpy_rank_promotion("allow"),
            jax.numpy_dtype_promotion("standard"),
            jax.default_prng_impl("threefry2x32"),
            jax.threefry_partitionable(True),
        ):
            stack.enter_context(flag)
        yield
