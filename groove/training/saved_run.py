"""A run as its directory holds it, to look at without training."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import jax

from groove.meta.trainer import TrainState
from groove.training.build import Parts, build
from groove.training.checkpoints.checkpoint import Checkpointer
from groove.training.checkpoints.legacy import EARLIER_STATE
from groove.training.run_dir import RunDir
from groove.training.settings.config import Config
from groove.training.settings.validate import validate_saved
from groove.utils.jax_flags import standard_flags


class SavedRun(NamedTuple):
    """The latest checkpoint of a run.

    Attributes:
      config: the configuration of the run, with one device.
      parts: the parts of the run.
      state: of the run.
      step: meta-steps done.
    """

    config: Config
    parts: Parts
    state: TrainState
    step: int


def load_run(path: Path) -> SavedRun:
    """Load the latest checkpoint of a run onto one device; the directory stays as it is.

    Raises:
      GrooveError: if the directory holds no run, or the configuration or the checkpoint cannot be read.
    """
    run = RunDir(path.absolute())
    config = dataclasses.replace(run.read_config(), devices=1)
    with standard_flags():
        with run.naming_config():
            validate_saved(config)
            parts = build(config)
        with Checkpointer(run.checkpoints, read_only=True, earlier=EARLIER_STATE) as checkpoints:
            state, _, step = checkpoints.restore(parts.trainer.init(jax.random.key(config.seed)))
    return SavedRun(config, parts, state, step)
