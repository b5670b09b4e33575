"""Devices: one mesh axis over the slots. Slots are sharded, everything else is replicated, gradients are averaged."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from groove.types import Array, PyTree

SLOTS = "slots"


def request_devices(count: int | None) -> None:
    """Asks the CPU backend for one device a core, or for `count` of them; must run before the backend starts.

    One device a core lets small operations, which XLA's CPU backend does not split, use every core.
    """
    import os

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jax.config.update("jax_num_cpu_devices", count or cores)


def largest_share(slots: int, available: int) -> int:
    """The most devices that N slots can be shared out over equally."""
    return max(d for d in range(1, available + 1) if slots % d == 0)


def make_mesh(devices: int) -> Mesh:
    """A mesh of the first `devices` local devices.

    Raises:
      ValueError: when there are fewer.
    """
    local = jax.local_devices()
    if devices > len(local):
        raise ValueError(f"{devices} devices were asked for, but this process has {len(local)}; lower --devices.")
    return jax.make_mesh((devices,), (SLOTS,), devices=local[:devices], axis_types=(AxisType.Auto,))


def shard(mesh: Mesh, tree: PyTree, specs: PyTree) -> PyTree:
    """Puts a tree of arrays on the mesh, as its tree prefix of specs says."""
    shardings = jax.tree.map(lambda spec: NamedSharding(mesh, spec), specs, is_leaf=_is_spec)
    return jax.device_put(tree, jax.tree.map(lambda s, t: jax.tree.map(lambda _: s, t), shardings, tree, is_leaf=_is_sharding))


def over_slots(mesh: Mesh, function: Callable, in_specs: Any, out_specs: Any) -> Callable:
    """Runs a function on each device's share of the slots; collectives inside use the axis SLOTS."""
    return jax.shard_map(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False)


def global_index(local: int) -> Array:
    """Global indices of this device's slots, int32[local]; inside `over_slots`."""
    return jax.lax.axis_index(SLOTS) * local + jnp.arange(local)


def gather_slots(tree: PyTree) -> PyTree:
    """Every device's slots, [N, ...], on every device; inside `over_slots`."""
    return jax.tree.map(lambda x: jax.lax.all_gather(x, SLOTS, tiled=True), tree)


def own_slots(tree: PyTree, local: int) -> PyTree:
    """This device's share of replicated [N, ...]; inside `over_slots`."""
    start = jax.lax.axis_index(SLOTS) * local
    return jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, start, local), tree)


def _is_spec(x: Any) -> bool:
    return isinstance(x, PartitionSpec)


def _is_sharding(x: Any) -> bool:
    return isinstance(x, NamedSharding)
