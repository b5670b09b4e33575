"""From a command line to a run: what the launch programs call. Complaints are one line each, and exit code 2."""

import dataclasses
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from groove.training.config import Config
from groove.training.legacy import read_config
from groove.training.presets import PRESETS
from groove.training.presets import preset as find_preset
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import assign, replace_all, to_dict

MAY_DIFFER = ("preset", "run.steps", "run.minutes", "run.wandb", "run.checkpoint_every")  # of a resumed run


def meta_train(
    *,
    preset: str | None = None,
    assignments: Sequence[str] = (),
    run_dir: str | None = None,
    resume: bool = False,
    compilation_cache: bool = True,
) -> int:
    """Meta-trains a rule; returns the exit code.

    Args:
      preset: name of the configuration; None chooses by backend.
      assignments: "field=value" overrides, applied in order.
      run_dir: where the run's files go; None for a new directory under runs/.
      resume: continue the run in `run_dir`.
      compilation_cache: keep compiled programs between processes.
    """
    try:
        config, directory = _prepare(preset, assignments, run_dir, resume, compilation_cache)
    except ValueError as error:
        return _refuse(error)
    from groove.dropin.rule_file import RuleFileError
    from groove.training.checkpoint import CheckpointError
    from groove.training.loggers import LoggerError
    from groove.training.loop import train

    try:
        train(config, directory, resume)
    except (CheckpointError, LoggerError, RuleFileError) as error:  # any other error is a bug, and shows where
        return _refuse(error)
    return 0


def _prepare(
    preset: str | None, assignments: Sequence[str], run_dir: str | None, resume: bool, cache: bool
) -> tuple[Config, Any]:
    from groove.training.build import make_players, pin_curriculum
    from groove.training.run_dir import RunDir
    from groove.training.validate import validate
    from groove.utils import parallel

    if resume:
        if run_dir is None:
            raise ConfigError("--resume needs --run_dir, the directory of the run to continue.")
        stored = read_config(RunDir(Path(run_dir).absolute()).read_config())
        config = _override(find_preset(preset) if preset else stored, assignments)
        parallel.request_devices(stored.devices)
        config = _settle(config, stored.devices, stored.gradient.decay_steps)
    else:
        config = _override(find_preset(preset) if preset else Config(preset=""), assignments)
        parallel.request_devices(config.devices)
        if preset is None:
            config = _override(find_preset(parallel.default_preset()), assignments)
        config = _settle(config, parallel.usable_devices(max(config.levels_at_once, 1)), config.run.steps)
    validate(config)
    curriculum = re.sub(r"[^\w.,=@-]+", "_", config.curriculum)  # which may hold a path
    config = dataclasses.replace(config, curriculum=pin_curriculum(config.curriculum))
    make_players(config)
    if cache:
        parallel.keep_compilations()
    directory = run_dir or f"runs/{curriculum}-{config.preset}-{config.seed}-{datetime.now():%Y%m%d-%H%M%S}"
    values = to_dict(config)
    opened = RunDir.resume(directory, values, may_differ=MAY_DIFFER) if resume else RunDir.create(directory, values)
    how = "resuming" if resume else "config"
    print(f"{how} {config.preset} ({PRESETS[config.preset].about}), {parallel.describe(config.devices)}")
    print(f"files in {opened.path}")
    return config, opened


def _settle(config: Config, devices: int, decay_steps: int) -> Config:
    """Fills in what a run decides once, at its first start."""
    values = {"devices": config.devices or devices}
    if config.meta.optimizer == "gradient":
        values["gradient.decay_steps"] = config.gradient.decay_steps or decay_steps
    return replace_all(config, values)


def _override(config: Config, assignments: Sequence[str]) -> Config:
    for assignment in assignments:
        config = assign(config, assignment)
    return config


def _refuse(error: ValueError) -> int:
    for line in str(error).splitlines():
        print(f"groove: {line}", file=sys.stderr)
    return 2
