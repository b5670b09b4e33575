"""JAX's global flags as this project's programs need them, whatever the user's shell exports."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import jax

_PRECISIONS = {"f32": "highest", "tf32": "TF32_TF32_F32", "bf16": "BF16_BF16_F32"}


@contextmanager
def standard_flags() -> Iterator[None]:
    """Run the block under the flags that results are defined for.

    Arrays have 32 bits, also in products of matrices, NaN is a value (a missing measurement), ranks and types are
    promoted, and random keys are those of Threefry. JAX_ENABLE_X64, JAX_DEBUG_NANS, JAX_DEBUG_INFS,
    JAX_NUMPY_RANK_PROMOTION, JAX_NUMPY_DTYPE_PROMOTION, JAX_DEFAULT_PRNG_IMPL, JAX_THREEFRY_PARTITIONABLE and
    JAX_DEFAULT_MATMUL_PRECISION have no effect inside.
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
            matmul_precision("f32"),
        ):
            stack.enter_context(flag)
        yield


@contextmanager
def usual_promotion() -> Iterator[None]:
    """Promote ranks and types as NumPy does, whatever JAX_NUMPY_RANK_PROMOTION and JAX_NUMPY_DTYPE_PROMOTION say.

    For functions that run inside other people's programs, whose remaining flags stay as they are.
    """
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


def matmul_precision(precision: str) -> AbstractContextManager[Any]:
    """Return the context in which products of matrices have a precision, whatever the device's own default is.

    Args:
      precision: "f32"; "tf32", with factors of 10 bits of fraction, which GPUs have; or "bf16", with factors of 7 bits.
        Sums are f32 in all cases.
    """
    return jax.default_matmul_precision(_PRECISIONS[precision])
