"""A valid configuration from the arguments of a run."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from groove.curriculum.sources.registry import pin_source
from groove.meta.groups import Group
from groove.training.antagonists import pin_antagonist, refuse_same_antagonists
from groove.training.build import make_groups, make_meta_step, pin_curriculum
from groove.training.settings.config import Config
from groove.training.settings.legacy import earlier_names
from groove.training.settings.presets import preset as find_preset
from groove.training.settings.unread import refuse_unread_agent
from groove.training.settings.validate import validate, validate_ranges
from groove.training.start import pin_start, with_settings_of_start
from groove.utils import parallel
from groove.utils.errors import ConfigError, closest
from groove.utils.provenance import physical_memory
from groove.utils.text import shown
from groove.utils.typed_fields import flatten, replace_all, set_field, to_dict


def prepare_new(preset: str | None, overrides: Mapping[str, Any]) -> Config:
    """Return the configuration of a new run, and start the backend with the devices that the run asks for.

    Args:
      preset: name of a preset; None for the one that suits the backend.
      overrides: dotted path of a field -> value, or the text of it.

    Raises:
      ConfigError: if the configuration cannot work; the message has one line per complaint.
    """
    config = _override_new(find_preset(preset) if preset else Config(preset=""), overrides)
    validate_ranges(config)  # before any device is asked for
    parallel.request_devices(config.devices)
    parallel.start_backend()
    if preset is None:
        config = _override_new(find_preset(parallel.default_preset()), overrides)
    devices = parallel.usable_devices(max(config.levels_at_once, 1))
    return _check(settle(config, devices, config.run.steps))


def prepare_resumed(stored: Config, preset: str | None, overrides: Mapping[str, Any]) -> Config:
    """Return the configuration that continues a run, and start the backend with its devices.

    A run may go on with another number of devices: its results are then equal up to rounding, no longer bit by bit.

    Args:
      stored: the configuration of the run.
      preset: name of a preset that replaces the stored configuration; None to keep it.
      overrides: dotted path of a field -> value, or the text of it.

    Raises:
      ConfigError: if the configuration cannot work; the message has one line per complaint.
    """
    config = override(find_preset(preset) if preset else stored, overrides)
    parallel.request_devices(config.devices)
    parallel.start_backend()
    return _check(settle(config, stored.devices, stored.gradient.decay_steps), None if preset else stored)


def all_overrides(overrides: Any, **given: Any) -> dict[str, Any]:
    """Return overrides with fields that have arguments of their own: dotted path -> value.

    Args:
      overrides: dotted path of a field -> value; None for no overrides.
      given: field -> argument; None where it was left out.

    Raises:
      ConfigError: if overrides are no mapping from texts, or a field is given twice with different values.
    """
    overrides = {} if overrides is None else overrides
    if not isinstance(overrides, Mapping) or not all(isinstance(path, str) for path in overrides):
        raise ConfigError(f'overrides = {shown(overrides)} must be a mapping, as in {{"run.steps": 100}}.')
    given = {field: value for field, value in given.items() if value is not None}
    for field in given.keys() & overrides.keys():
        if shown(given[field]) != shown(overrides[field]):
            raise ConfigError(
                f"{field} is given twice, as {shown(given[field])} and in overrides as {shown(overrides[field])}: keep "
                "one of them."
            )
    return {**given, **overrides}


def override(config: Config, overrides: Mapping[str, Any]) -> Config:
    """Return the configuration with some fields set: dotted path -> value, or the text of it.

    Raises:
      ConfigError: on an unknown field, with the new name of a renamed one, or on a value of another type.
    """
    for path, value in overrides.items():
        if path == "preset":
            raise ConfigError("preset is no field to set: choose the preset itself, by --config or preset=NAME.")
        _refuse_renamed(config, path)
        config = set_field(config, path, value)
    return config


def _override_new(config: Config, overrides: Mapping[str, Any]) -> Config:
    """Return the configuration of a new run: the preset's, then the settings of the rule it starts from, then these."""
    return override(with_settings_of_start(override(config, overrides)), overrides)


def settle(config: Config, devices: int, decay_steps: int) -> Config:
    """Fill in what a run decides once, at its first start: the devices, and the length of the learning-rate decay."""
    values = {"devices": config.devices or devices}
    if config.meta.optimizer == "gradient":
        values["gradient.decay_steps"] = config.gradient.decay_steps or decay_steps
    return replace_all(config, values)


def _check(config: Config, stored: Config | None = None) -> Config:
    """Return the configuration with its level files pinned, or refuse it before any file is written."""
    validate(config, stored)
    backend = jax.default_backend()
    if config.precision == "tf32" and backend != "gpu":
        raise ConfigError(f"precision = tf32 is for GPUs, not for the backend {backend}: choose f32 or bf16.")
    config, groups = buildable(config, stored)
    _refuse_more_than_memory(config, groups)
    return config


def buildable(config: Config, stored: Config | None = None) -> tuple[Config, tuple[Group, ...]]:
    """Return a valid configuration with its level files and rules pinned, and the groups that it builds.

    Args:
      config: of the run.
      stored: see `validate`.

    Raises:
      ConfigError: if a file cannot be read, or the parts of the configuration do not fit together.
    """
    antagonists = tuple(map(pin_antagonist, config.antagonists))
    refuse_same_antagonists(config.antagonists, config)
    config = dataclasses.replace(config, curriculum=pin_curriculum(config.curriculum), antagonists=antagonists)
    sources = tuple(pin_source(source) for source in config.validation.sources)
    config = replace_all(config, {"validation.sources": sources})
    config = replace_all(config, {"start": pin_start(config.start)})
    groups = make_groups(config)
    refuse_unread_agent(config, [group.setup.env for group in groups], stored)
    return config, groups


def _refuse_more_than_memory(config: Config, groups: Sequence[Group]) -> None:
    """Refuse a run whose state alone does not fit into the memory of this machine, before anything is allocated."""
    shapes = jax.tree.leaves(jax.eval_shape(make_meta_step(config, groups).init, jax.random.key(0)))
    needed = sum(math.prod(x.shape) * getattr(x.dtype, "itemsize", 8) for x in shapes)
    if needed > (memory := physical_memory()):
        raise ConfigError(
            f"the state of this run takes {needed / 2**30:,.0f} GiB, and this machine has {memory / 2**30:,.0f} GiB: "
            "lower slots.count, slots.workers, plr.buffer_size or the sizes of the rule."
        )


def _refuse_renamed(config: Config, path: str) -> None:
    """Refuse the earlier name of a field, also a misspelt one."""
    fields = flatten(to_dict(config))
    renamed = earlier_names(fields)
    if path in renamed:
        raise ConfigError(f"{path} is now {renamed[path]}: set {renamed[path]} instead.")
    close = closest(path, [*fields, *renamed])
    if path not in fields and close in renamed:
        raise ConfigError(f'unknown field "{path}" (did you mean "{renamed[close]}"?).')
