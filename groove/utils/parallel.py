"""Devices: one mesh axis over the slots. Slots are sharded, everything else is replicated, gradients are averaged."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from groove.types import Array, PyTree
from groove.utils.errors import GrooveError
from groove.utils.limits import MOST_DEVICES

SLOTS = "slots"
RUN_ONCE: dict[str, Any] = {"xla_backend_optimization_level": 0}  # where optimising takes longer than running


def request_devices(count: int) -> None:
    """Ask the CPU backend for `count` devices in this process, or for one device per core if `count` is 0.

    One device per core lets small operations, which XLA's CPU backend does not split, use every core. If the backend
    has started already, as in a notebook, its devices stay as they are.

    Raises:
      GrooveError: if the count is not one of 0 to 1024.
    """
    if not 0 <= count <= MOST_DEVICES:
        raise GrooveError(f"{count} devices were asked for: choose 1 to {MOST_DEVICES}, or 0 for all.")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(RuntimeError):  # raised if the backend has started
        jax.config.update("jax_num_cpu_devices", count or cores)


def use_cpu_only() -> None:
    """Keep this process, but not those that it starts, away from accelerators, whose memory JAX would take.

    If the backend has started already, as in a notebook, its devices stay as they are.
    """
    request_devices(1)
    jax.config.update("jax_platforms", "cpu")


def start_backend() -> None:
    """Start JAX's backend, with the devices that were requested.

    Raises:
      GrooveError: if there is no device of the kind that JAX_PLATFORMS asks for.
    """
    try:
        jax.local_devices()
    except (RuntimeError, AssertionError) as error:
        wanted = os.environ.get("JAX_PLATFORMS", "")
        raise GrooveError(
            f"JAX finds no device of JAX_PLATFORMS = {wanted}: unset JAX_PLATFORMS, or install JAX for the device, as "
            'in pip install "groove-rl[cuda]".'
        ) from error


def largest_share(count: int, most: int) -> int:
    """Return the largest divisor of `count` that is not above `most`."""
    return max(d for d in range(1, most + 1) if count % d == 0)


def usable_devices(slots: int) -> int:
    """Return the largest number of devices that N slots can be distributed over equally; as many of every process.

    Raises:
      GrooveError: if the slots cannot be distributed over the processes.
    """
    processes = jax.process_count()
    if slots % processes:
        below, above = slots // processes * processes, -(-slots // processes) * processes
        nearest = " or ".join(str(count) for count in (below, above) if count)
        raise GrooveError(
            f"{slots} levels at once cannot be distributed over {processes} processes equally: make it {nearest} "
            "(slots.count, or half of es.population)."
        )
    return processes * largest_share(slots // processes, jax.local_device_count())


def default_preset() -> str:
    """Return the preset that suits this backend: laptop on a CPU, paper on an accelerator."""
    return "laptop" if jax.default_backend() == "cpu" else "paper"


def describe(devices: int) -> str:
    """Return the devices in words, as in "2 cpu devices" or "8 cpu devices of 4 processes"."""
    of = f" of {jax.process_count()} processes" if jax.process_count() > 1 else ""
    return f"{devices} {jax.local_devices()[0].device_kind} device{'s' * (devices > 1)}{of}"


def keep_compilations() -> None:
    """Keep compiled programs in the user's cache, so that the next process starts sooner; without a home, do nothing.

    The cache is $XDG_CACHE_HOME/groove/xla, by default ~/.cache/groove/xla.
    """
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return
    jax.config.update("jax_compilation_cache_dir", str(cache / "groove" / "xla"))


def make_mesh(devices: int) -> Mesh:
    """Build a mesh of `devices` devices: the first ones of each process, as many of every process.

    Raises:
      GrooveError: if there are fewer, or they cannot be taken from the processes equally.
    """
    processes, local = jax.process_count(), jax.local_device_count()
    if devices % processes:
        raise GrooveError(
            f"--devices = {devices} cannot be taken equally from {processes} processes; make it a multiple."
        )
    if devices > processes * local:
        raise GrooveError(
            f"{devices} devices were asked for, but there are {processes * local}; lower --devices."
            if processes > 1
            else f"{devices} devices were asked for, but this process has {local}; lower --devices."
        )
    each = devices // processes
    chosen = [own for p in range(processes) for own in _devices_of(p)[:each]]
    return jax.make_mesh((devices,), (SLOTS,), devices=chosen, axis_types=(AxisType.Auto,))


def _devices_of(process: int) -> list[jax.Device]:
    return [device for device in jax.devices() if device.process_index == process]


def shardings_of(mesh: Mesh, specs: PyTree) -> PyTree:
    """Return the shardings of a tree prefix of partition specs."""
    return jax.tree.map(lambda spec: NamedSharding(mesh, spec), specs, is_leaf=_is_spec)


def shard(mesh: Mesh, tree: PyTree, specs: PyTree) -> PyTree:
    """Put a tree of arrays, equal in all processes, on the mesh; `specs` is a tree prefix of partition specs."""
    shardings = jax.tree.map(
        lambda sharding, part: jax.tree.map(lambda _: sharding, part),
        shardings_of(mesh, specs),
        tree,
        is_leaf=_is_sharding,
    )
    if jax.process_count() == 1:
        return jax.device_put(tree, shardings)
    return jax.tree.map(_place, tree, shardings)


def _place(x: Any, sharding: NamedSharding) -> Array:
    """Put an array, equal in all processes, on devices of several processes."""
    if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(_place(jax.random.key_data(x), sharding), impl=jax.random.key_impl(x))
    values = np.asarray(x)
    return jax.make_array_from_callback(values.shape, sharding, lambda index: values[index])


def over_slots(mesh: Mesh, function: Callable, in_specs: Any, out_specs: Any) -> Callable:
    """Return a function that runs on each device's share of the slots; collectives inside use the axis SLOTS."""
    return jax.shard_map(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False)


def global_index(local: int) -> Array:
    """Return the global indices of this device's slots, int32[local]; inside `over_slots`."""
    return jax.lax.axis_index(SLOTS) * local + jnp.arange(local)


def gather_slots(tree: PyTree) -> PyTree:
    """Gather the slots of all devices, [N, ...], on every device; inside `over_slots`."""
    return jax.tree.map(lambda x: jax.lax.all_gather(x, SLOTS, tiled=True), tree)


def own_slots(tree: PyTree, local: int) -> PyTree:
    """Return this device's share of a replicated tree [N, ...]; inside `over_slots`."""
    start = jax.lax.axis_index(SLOTS) * local
    return jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, start, local), tree)


def _is_spec(x: Any) -> bool:
    return isinstance(x, PartitionSpec)


def _is_sharding(x: Any) -> bool:
    return isinstance(x, NamedSharding)
