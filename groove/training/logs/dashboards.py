"""Loggers that feed dashboards: TensorBoard, and Weights & Biases (W&B)."""

import math
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groove.training.logs.loggers import LoggerError, Row, scalars
from groove.utils.io import one_line, write_atomically


class TensorBoardLogger:
    """Scalars as TensorBoard event files, on disk within two seconds; TensorFlow is not needed."""

    def __init__(self, directory: str | Path, resume_step: int | None = None) -> None:
        """Open a new event file; TensorBoard then hides what earlier files say about steps after `resume_step`."""
        from tensorboardX import SummaryWriter

        purge = None if resume_step is None else resume_step + 1
        self._writer = SummaryWriter(str(directory), purge_step=purge, max_queue=1000, flush_secs=2)

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Write the finite scalars of one row."""
        for name, value in _finite_scalars(metrics).items():
            self._writer.add_scalar(name, value, int(step))

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()


class WandbLogger:
    """A W&B run, which needs the optional extra `wandb`; WANDB_MODE=offline keeps the run on this machine."""

    def __init__(
        self,
        directory: str | Path,
        config: Mapping[str, Any],
        *,
        project: str = "groove",
        name: str | None = None,
        mode: str | None = None,
    ) -> None:
        """Start a W&B run, or continue the one that was started from the same directory.

        Args:
          directory: the run directory; W&B's files and the identifier of the W&B run go into its folder `wandb`.
          config: the configuration to show at W&B.
          project: the W&B project.
          name: the name of the W&B run; by default the directory's.
          mode: "online", "offline" or "disabled"; None for the environment's WANDB_MODE.

        Raises:
          LoggerError: if wandb is not installed, or does not start.
        """
        try:
            import wandb
        except ImportError as error:
            raise LoggerError("W&B is not installed: run pip install 'groove-rl[wandb]'.") from error
        directory = Path(directory)
        try:
            self._run: Any = wandb.init(
                project=project,
                name=name or directory.name,
                id=_wandb_id(directory / "wandb" / "groove_run_id"),
                dir=str(directory),
                config=dict(config),
                mode=mode,
                resume="allow",
            )
        except Exception as error:  # wandb has its own errors for the network, the login and the disk
            raise LoggerError(f"W&B did not start ({one_line(error)}): WANDB_MODE=offline works without it.") from error
        self._run.define_metric("*", step_metric="step")  # W&B's own counter cannot go back to a resumed step

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Send the finite scalars of one row."""
        self._run.log({"step": int(step), **_finite_scalars(metrics)})

    def close(self) -> None:
        """Finish the W&B run."""
        self._run.finish()


def _finite_scalars(metrics: Mapping[str, Any]) -> Row:
    return {name: value for name, value in scalars(metrics).items() if math.isfinite(value)}


def _wandb_id(path: Path) -> str:
    """Return the identifier of the W&B run that is stored in a file, which is made if it is missing."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, secrets.token_hex(4).encode())
    return path.read_text(encoding="utf-8").strip()
