"""The host side of a run: chunks of meta-steps, and between them logs, validation, checkpoints and pictures."""

import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console

from groove.dropin.rule_file import save_rule
from groove.envs.level_metrics import make_level_metrics
from groove.meta.groups import unpack
from groove.meta.trainer import TrainState
from groove.training.antagonists import short_name
from groove.training.build import Parts, build
from groove.training.checkpoints.checkpoint import Checkpointer
from groove.training.checkpoints.legacy import EARLIER_STATE
from groove.training.generated_levels import draw_generated, make_generated
from groove.training.logs.curves import draw_curves
from groove.training.logs.dashboards import TensorBoardLogger, WandbLogger
from groove.training.logs.level_records import LevelRecords
from groove.training.logs.log_row import log_row
from groove.training.logs.loggers import CsvLogger, JsonlLogger, Logger, MultiLogger
from groove.training.logs.progress import Progress, print_line
from groove.training.logs.summary import summary_text
from groove.training.report.report import report_at_end
from groove.training.run_dir import RunDir, RunError
from groove.training.run_files import check_host, read_table
from groove.training.settings.config import Config
from groove.training.stop_requests import stop_requests
from groove.training.trained_levels import draw_trained_levels
from groove.training.validation import MEAN_SCORE
from groove.training.validator import Validator
from groove.utils.errors import GrooveError
from groove.utils.io import one_line, write_json
from groove.utils.processes import any_process, is_first, of_first, to_host
from groove.utils.typed_fields import to_dict

_MOST_SKIPPED = 0.5  # share of meta-gradients that may have no effect
_FEWEST_STEPS = 20  # before this is judged


def train(config: Config, run_dir: RunDir, console: Console, resume: bool = False) -> dict[str, Any]:
    """Train to the end of the run, or until a stop is requested, and return the summary.

    Args:
      config: a valid configuration with `devices` set.
      run_dir: a directory that was opened for this run.
      console: shows the run.
      resume: continue from the latest checkpoint.
    """
    try:
        with closing(_Training(config, run_dir, console, resume)) as training:
            return training.run()
    except OSError as error:  # a full disk, a file system that went away
        raise RunError(
            f"{run_dir.path} cannot be written ({error.strerror or one_line(error)}): what the last checkpoint holds "
            "is safe; make room, then go on with --resume."
        ) from error
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() == 1:
            raise
        raise GrooveError(
            f"another process of this run ended or cannot be reached ({one_line(error)}): nothing past the last "
            "checkpoint is lost; start all processes again with --resume."
        ) from error


class _Training:
    """A run in progress: the state on the devices, and the files of the run directory."""

    def __init__(self, config: Config, run_dir: RunDir, console: Console, resume: bool) -> None:
        self.config, self.dir = config, run_dir
        self.parts: Parts = build(config)
        self.checkpoints = Checkpointer(
            run_dir.checkpoints, notice=lambda text: print_line(console, text), earlier=EARLIER_STATE
        )
        self.state: TrainState = self.parts.trainer.init(jax.random.key(config.seed))
        untrained = to_host(self.state.eta)  # the state is donated to the first chunk
        self.level_metrics = [make_level_metrics(group.setup.env) for group in self.parts.groups]
        self.generated = [make_generated(group, config.seed) for group in self.parts.groups]
        self.step, self.seconds, self.best_score = 0, 0.0, -np.inf
        self.last_row: dict[str, float] = {}  # the last value of every metric
        self.scores: dict[int, float] = {}  # meta-step -> baseline-normalised return, mean over sources
        self.validated: int | None = None  # the meta-step of the last validation
        self.records = LevelRecords(config, self.parts.groups, run_dir)
        if resume:
            self._restore(console)
        self.logger = self._make_logger(resume)
        self.progress = self._make_progress(console)
        self.validator = Validator(self.parts, untrained, self.progress)

    def run(self) -> dict[str, Any]:
        """Train, and return the summary."""
        start, seconds_before = time.monotonic(), self.seconds
        requested = False
        with stop_requests() as stop_requested, self.progress:
            self.progress.message("compiling the meta-step, which takes up to a minute the first time")
            if self._owes_validation():  # a request to stop came between the meta-step and its validation
                self._validate_and_log()
            stopped = self._out_of_time()
            while self.step < self.config.run.steps and not stopped:
                self._run_chunk()
                self.seconds = of_first(seconds_before + time.monotonic() - start)
                requested = any_process(stop_requested())
                stopped = "on request; go on with --resume" if requested else self._out_of_time()
                self._after_chunk(requested, ended=bool(stopped))
            if not requested:
                if self.validated != self.step:
                    self._validate_and_log()
                self._save(wait=True)
            self.seconds = seconds_before + time.monotonic() - start
        return self._finish(stopped)

    def _out_of_time(self) -> str | None:
        """Return why the run ends, if its time is over; a run that is resumed then trains no more."""
        minutes = self.config.run.minutes
        return f"after run.minutes = {minutes:g}" if minutes and self.seconds >= 60 * minutes else None

    def close(self) -> None:
        """Close the log and the checkpoints, also after an error."""
        try:
            self.logger.close()
        finally:
            self.checkpoints.close()

    def _restore(self, console: Console) -> None:
        """Continue from the latest checkpoint; a run that ended before its first checkpoint begins again."""
        if self.checkpoints.is_empty:
            print_line(console, "the run has no checkpoint yet: it begins again")
            return
        self.state, host, self.step = self.checkpoints.restore(self.state)
        check_host(self.dir.checkpoints / str(self.step), host)
        if "config" in host:  # checkpoints of groove 0.1 hold none
            self.dir.refuse_other_than(host["config"], self.config)
        self.seconds, self.last_row = host["seconds"], host["last"]
        self.best_score = host["best"] if host["best"] is not None else -np.inf
        self.validated = host.get("validated")  # absent in checkpoints of version 0.1
        last = read_table(self.dir.validation, "remove it") if self.dir.validation.exists() else {}
        score = last.get("score")
        if score is not None and last["step"] == self.step != self.validated:  # newer than the checkpoint
            self.validated, self.scores[self.step] = self.step, score
            self.best_score = max(self.best_score, score)
        self.records.restore(self.step)

    def _owes_validation(self) -> bool:
        """Return whether a validation is due at this meta-step, or at the end of the run, that was not done."""
        every = self.config.validation.every
        due = self.step >= self.config.run.steps or (every > 0 and self.step > 0 and self.step % every == 0)
        return due and self.validated != self.step

    def _run_chunk(self) -> None:
        """Run meta-steps up to the next multiple of log_every, and log their row."""
        run = self.config.run
        n = min(run.log_every - self.step % run.log_every, run.steps - self.step)
        begin = time.monotonic()
        self.state, metrics = self.parts.trainer.run(self.state, n)
        row = log_row(self.records.take({name: np.asarray(x)[:n] for name, x in metrics.items()}, self.step))
        elapsed = time.monotonic() - begin
        self.step += n
        env_steps = row.pop("env_steps")
        row |= {
            "env_steps": self.last_row.get("env_steps", 0.0) + env_steps,
            "seconds": self.seconds + elapsed,
            "meta_steps_per_second": n / elapsed,
            "env_steps_per_second": env_steps / elapsed,
        }
        self._log(row | self._describe_levels(solve=False))
        self._refuse_mostly_skipped()

    def _refuse_mostly_skipped(self) -> None:
        """End a run in which most meta-gradients are not finite, so that nothing is learned."""
        skipped = self.last_row.get("skipped", 0.0)
        if skipped > _MOST_SKIPPED * self.step and self.step >= _FEWEST_STEPS:
            raise RunError(
                f"{skipped:,.0f} of {self.step:,} meta-gradients were not finite and had no effect: lower "
                "gradient.learning_rate, the learning rates of agents, or gradient.updates."
            )

    def _after_chunk(self, requested: bool, ended: bool) -> None:
        """Save if a stop was requested; otherwise validate and save where due, except at the end, which does both.

        Who asks for a stop may not wait for a validation: the resumed run does the one that is due here.
        """
        ended = ended or self.step >= self.config.run.steps
        if requested:
            self._save(wait=True)
        elif self._owes_validation() and not ended:
            self._validate_and_log()
            self._save()
        elif self.step % self.config.run.checkpoint_every == 0 and not ended:
            self._save()

    def _validate_and_log(self) -> None:
        validations = self.validator.validate(self.state.eta)
        row: dict[str, float] = {}
        returns: dict[str, list[float]] = {}
        for index, (source, validation) in enumerate(validations.items()):
            prefix = f"{source}/" if index else ""  # random gridworlds come first, and have no prefix
            row |= {prefix + name: value for name, value in validation.metrics().items()}
            returns |= {prefix + name: values.tolist() for name, values in validation.returns().items()}
        score = float(np.mean([validation.normalised().value for validation in validations.values()]))
        if len(validations) > 1:
            row[MEAN_SCORE] = score
        row |= self._describe_levels(solve=True)
        row |= _prefixed("base_levels", self.validator.level_metrics())
        row |= self._show_generated()
        self._log(row)
        self.scores[self.step], self.validated = score, self.step
        if score > self.best_score:  # before validation.json, which tells a resumed run that this rule is saved
            self.best_score = score
            self._save_rule(self.dir.best_rule, self.state.eta)
        if is_first():
            write_json(self.dir.validation, {"step": self.step, "score": score, "metrics": row, "returns": returns})
        self._draw()

    def _describe_levels(self, solve: bool) -> dict[str, float]:
        """Return the mean features of the levels in use; those of each group carry its name, if there are several."""
        groups = self.parts.groups
        row: dict[str, float] = {}
        for group, levels, describe in zip(groups, unpack(self.state.levels, groups), self.level_metrics):
            prefix = "levels" if len(groups) == 1 else f"{group.name}/levels"
            row |= _prefixed(prefix, describe(levels.level, solve))
        return row

    def _show_generated(self) -> dict[str, float]:
        """Draw the levels that generators design now, and return their mean features."""
        groups = self.parts.groups
        row: dict[str, float] = {}
        curricula = unpack(self.state.curriculum, groups)
        for group, generate, state, describe in zip(groups, self.generated, curricula, self.level_metrics):
            if generate is None:
                continue
            name = "" if len(groups) == 1 else group.name
            levels = generate(state)
            row |= _prefixed(f"{name}/generated_levels" if name else "generated_levels", describe(levels, False))
            draw_generated(group, levels, self.dir.generated_at(self.step, name))
        return row

    def _log(self, row: Mapping[str, float]) -> None:
        self.last_row |= row
        self.logger.write(self.step, row)
        self.progress.update(self.step, row)

    def _save(self, wait: bool = False) -> None:
        """Write a checkpoint to resume from, and the rule to load."""
        host = {
            "seconds": self.seconds,
            "best": self.best_score if np.isfinite(self.best_score) else None,
            "last": self.last_row,
            "validated": self.validated,
            "config": to_dict(self.config),
        }
        self.records.save()  # first: a record may be ahead of the checkpoint, never behind it
        self.checkpoints.save(self.step, self.state, host, self.scores.get(self.step))
        self._save_rule(self.dir.rule, self.state.eta)
        if self.config.meta.average_decay:
            self._save_rule(self.dir.average_rule, self.state.average)
        if wait:
            self.checkpoints.wait()

    def _save_rule(self, path: Path, eta: Any) -> None:
        eta = to_host(eta)
        if is_first():
            save_rule(path, eta, self._rule_card())

    def _rule_card(self) -> dict[str, Any]:
        values = to_dict(self.config)
        name = self.config.rule
        return {"rule": name, name: values["rules"][name], "meta_steps": self.step, "trained_with": values}

    def _draw(self) -> None:
        self._draw_curves()
        groups = self.parts.groups
        for index, group in enumerate(groups):
            picture = self.dir.levels if len(groups) == 1 else self.dir.levels_of(group.name)
            draw_trained_levels(self.parts.groups, index, self.state, self.config.plr.buffer_size, picture)

    def _draw_curves(self) -> None:
        if is_first():
            antagonists = [*map(short_name, self.config.antagonists)]
            draw_curves(self.dir.metrics_jsonl, self.dir.curves, antagonists, self.config.first_rule)

    def _finish(self, stopped: str | None) -> dict[str, Any]:
        summary = {
            **self.last_row,
            "step": self.step,
            "seconds": self.seconds,
            "stopped": stopped,
            "first_rule": self.config.first_rule,
            "run_dir": str(self.dir.path),
        }
        if is_first():
            write_json(self.dir.summary, summary)
        self._draw_curves()
        self.progress.message(summary_text(summary))
        if note := report_at_end(self.dir, self.config, self.parts.groups, self.state):
            self.progress.message(note)
        return summary

    def _make_progress(self, console: Console) -> Progress:
        minutes = self.config.run.minutes
        return Progress(
            self.config.run.steps,
            max(minutes - self.seconds / 60, 0.01) if minutes else None,
            start_step=self.step,
            title=f"groove: curriculum {self.config.curriculum}, config {self.config.preset}, seed {self.config.seed}",
            first_rule=self.config.first_rule,
            console=console,
        )

    def _make_logger(self, resume: bool) -> Logger:
        if not is_first():
            return MultiLogger([])
        resume_step = self.step if resume else None
        rows = 1 if self._owes_validation() else None  # a process that was killed may have logged this validation
        loggers: list[Logger] = [
            JsonlLogger(self.dir.metrics_jsonl, resume_step, rows),
            CsvLogger(self.dir.metrics_csv, resume_step, rows),
            TensorBoardLogger(self.dir.tensorboard, resume_step),
        ]
        if self.config.run.wandb:
            loggers.append(WandbLogger(self.dir.path, to_dict(self.config)))
        return MultiLogger(loggers)


def _prefixed(prefix: str, metrics: Mapping[str, float]) -> dict[str, float]:
    return {f"{prefix}/{name}": value for name, value in metrics.items()}
