"""Meta-training as one call."""

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jax
from rich.console import Console

from groove.dropin.load import load_lpg
from groove.dropin.rule import Rule
from groove.training.logs.progress import print_line
from groove.training.loop import train
from groove.training.run_dir import MAY_DIFFER, RunDir
from groove.training.run_lock import lock_run
from groove.training.settings.config import Config
from groove.training.settings.prepare import all_overrides, prepare_new, prepare_resumed
from groove.training.settings.presets import PRESETS
from groove.utils import parallel
from groove.utils.errors import ConfigError, GrooveError
from groove.utils.jax_flags import matmul_precision, standard_flags
from groove.utils.limits import check_seconds, check_switches
from groove.utils.paths import PathLike, user_path
from groove.utils.processes import any_process, is_first


@dataclass(frozen=True)
class MetaTrainingResult:
    """A finished or interrupted run.

    Attributes:
      run_dir: the directory with the files of the run.
      summary: the last value of each metric by its name in metrics.jsonl, and `step`, `seconds` and `stopped` (why the
        run ended early, or None).
      config: the configuration of the run.
    """

    run_dir: Path
    summary: Mapping[str, Any]
    config: Config

    @property
    def rule(self) -> Rule:
        """The learned rule, loaded from the run directory."""
        return load_lpg(self.run_dir)


def meta_train(
    curriculum: str | None = None,
    preset: str | None = None,
    *,
    seed: int | None = None,
    run_dir: PathLike | None = None,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    wait: float = 0.0,
    progress: bool = True,
    compilation_cache: bool = True,
) -> MetaTrainingResult:
    """Meta-train an update rule, and write checkpoints, metrics, pictures and the rule to a directory.

    The first Ctrl-C saves a checkpoint and returns; a second one interrupts at once.

    Args:
      curriculum: where levels come from and which levels are replayed, as in "ar", "dr" or "ar@mazes"; None for "ar",
        or for the curriculum of the run that is resumed.
      preset: a key of `groove.training.settings.presets.PRESETS`, such as "smoke"; None for "laptop" on a CPU and
        "paper" on an accelerator, or for the configuration of the run that is resumed.
      seed: of every random stream; None for 0, or for the seed of the run that is resumed.
      run_dir: a directory for the files of the run; None for a new one in the folder runs/.
      overrides: dotted path of a field of `Config` -> value, or the text of it, as in {"run.steps": 100}.
      resume: continue the run in `run_dir` from its latest checkpoint.
      wait: seconds to wait while another process holds the run directory, before the run is refused.
      progress: show the run on standard output.
      compilation_cache: keep compiled programs in the user's cache between processes.

    Returns:
      The run directory, the summary, the configuration and the learned rule.

    Raises:
      GrooveError: if the configuration cannot work, or a file cannot be read or written.
    """
    check_seconds("--wait", wait)
    check_switches(resume=resume, progress=progress, compilation_cache=compilation_cache)
    changes = all_overrides(overrides, curriculum=curriculum, seed=seed)
    with standard_flags(), ExitStack() as held:
        config, path = (_plan_resumed if resume else _plan_new)(run_dir, preset, changes)
        opened = _open(path, config, resume, wait, held)
        console = Console(quiet=not (progress and is_first()))
        if compilation_cache:
            parallel.keep_compilations()
        held.enter_context(matmul_precision(config.precision))
        _introduce(console, config, opened, resume)
        summary = train(config, opened, console, resume)
    return MetaTrainingResult(opened.path, summary, config)


def _plan_new(run_dir: PathLike | None, preset: str | None, changes: Mapping[str, Any]) -> tuple[Config, Path]:
    config = prepare_new(preset, changes)
    if run_dir is None and jax.process_count() > 1:
        raise ConfigError("a run of several processes needs --run_dir, a directory that all of them share.")
    return config, (_new_directory(config) if run_dir is None else user_path(run_dir, "--run_dir")).absolute()


def _plan_resumed(run_dir: PathLike | None, preset: str | None, changes: Mapping[str, Any]) -> tuple[Config, Path]:
    if run_dir is None:
        raise ConfigError("--resume needs --run_dir, the directory of the run to continue.")
    run = RunDir(user_path(run_dir, "--run_dir").absolute())
    stored = run.read_config()
    try:
        return prepare_resumed(stored, preset, changes), run.path
    except GrooveError as error:
        if str(error) != _refusal(stored):  # the changes are at fault
            raise
        with run.naming_config():
            raise


def _refusal(stored: Config) -> str:
    """Return why a stored configuration cannot be used as it is; empty if it can."""
    try:
        prepare_resumed(stored, None, {})
    except GrooveError as error:
        return str(error)
    return ""


def _open(path: Path, config: Config, resume: bool, wait: float, held: ExitStack) -> RunDir:
    """Open the directory of a new or an earlier run in the first process; `held` keeps its lock."""
    refusal: GrooveError | None = None
    if is_first():
        try:
            if not resume:
                RunDir(path).refuse_occupied()  # before a folder is made
            held.enter_context(lock_run(path, wait))
            if resume:
                RunDir.resume(path, config, may_differ=MAY_DIFFER)
            else:
                RunDir.create(path, config)
        except GrooveError as error:
            refusal = error
    if any_process(refusal is not None):
        raise refusal or GrooveError(f"the first process could not open {path}; its message says why.")
    return RunDir(path)


def _new_directory(config: Config) -> Path:
    """Return a directory named after the curriculum, the preset, the seed and the time."""
    without_paths = re.sub(r"(?<=:)/[^,@]*/|#\w+", "", config.curriculum)  # of level files, pinned by their digests
    curriculum = re.sub(r"[^\w.,=@-]+", "_", without_paths)
    return Path("runs") / f"{curriculum}-{config.preset}-{config.seed}-{datetime.now():%Y%m%d-%H%M%S}"


def _introduce(console: Console, config: Config, run_dir: RunDir, resume: bool) -> None:
    start = "resuming" if resume else "config"
    about = PRESETS[config.preset].about
    print_line(console, f"{start} {config.preset} ({about}), {parallel.describe(config.devices)}")
    print_line(console, f"files in {run_dir.path}")
