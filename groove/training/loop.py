"""The host side of a run: chunks of meta-steps, and between them logs, validation, checkpoints and pictures."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from groove.dropin.rule_file import save_rule
from groove.envs.gridworld.levels import GridLevel, sizes_of
from groove.envs.gridworld.render import draw_levels
from groove.envs.level_metrics import make_level_metrics
from groove.meta.trainer import TrainState
from groove.training.build import Parts, build
from groove.training.checkpoint import Checkpointer
from groove.training.config import Config
from groove.training.curves import draw_curves, summary_text
from groove.training.loggers import CsvLogger, JsonlLogger, Logger, MultiLogger, TensorBoardLogger, WandbLogger
from groove.training.progress import Progress
from groove.training.run_dir import RunDir
from groove.training.validation import Validation
from groove.utils.io import write_json
from groove.utils.typed_fields import to_dict

DRAWN_LEVELS = 24
_SUMS = (
    "student_return_sum",
    "student_episodes",
    "antagonist_return_sum",
    "antagonist_episodes",
    "regret_sum",
    "regret_known",
)


def train(config: Config, run_dir: RunDir, resume: bool = False) -> dict[str, Any]:
    """Runs the main job to its end, or until it is told to stop, and returns its summary.

    Args:
      config: checked, with `devices` resolved.
      run_dir: opened for this run.
      resume: go on from the latest checkpoint.
    """
    return _Run(config, run_dir, resume).to_the_end()


class _Run:
    """One run in progress: the state on the devices, and the files it leaves."""

    def __init__(self, config: Config, run_dir: RunDir, resume: bool) -> None:
        self.config, self.dir = config, run_dir
        self.parts: Parts = build(config)
        self.checkpoints = Checkpointer(run_dir.checkpoints)
        self.state: TrainState = self.parts.trainer.init(jax.random.key(config.seed))
        self.untrained = jax.tree.map(np.asarray, self.state.eta)
        self.step, self.seconds, self.best = 0, 0.0, -np.inf
        self.baselines: dict[str, npt.NDArray[np.float32]] = {}
        self.base_levels: dict[str, float] = {}
        self.describe_levels = make_level_metrics(self.parts.env)
        self.last: dict[str, float] = {}
        self.validated: dict[int, float] = {}  # step -> A2C-normalised return
        if resume:
            self.state, host, self.step = self.checkpoints.restore(self.state)
            self.seconds, self.best = host["seconds"], host["best"] if host["best"] is not None else -np.inf
            self.last = host["last"]
        self.logger = self._make_logger(self.step if resume else None)
        self.progress = Progress(
            config.run.steps,
            max(config.run.minutes - self.seconds / 60, 0.01) if config.run.minutes else None,
            start_step=self.step,
            title=f"groove: curriculum {config.curriculum}, config {config.preset}, seed {config.seed}",
        )

    def to_the_end(self) -> dict[str, Any]:
        start, before = time.monotonic(), self.seconds
        stopped = None
        with _stop_requests() as stop_requested, self.progress:
            self.progress.message("compiling the meta-step, which takes up to a minute the first time")
            while self.step < self.config.run.steps and not stopped:
                self._chunk()
                self.seconds = before + time.monotonic() - start
                if stop_requested():
                    stopped = "on request; go on with --resume"
                elif self.config.run.minutes and self.seconds >= 60 * self.config.run.minutes:
                    stopped = f"after run.minutes = {self.config.run.minutes:g}"
                self._after_chunk(asked=stop_requested(), ended=bool(stopped))
            if not stop_requested():
                self._validate_and_log()
                self._save(final=True)
            self.seconds = before + time.monotonic() - start
        return self._finish(stopped)

    def _chunk(self) -> None:
        """Some meta-steps, up to the next multiple of log_every, and their row of the log."""
        run = self.config.run
        n = min(run.log_every - self.step % run.log_every, run.steps - self.step)
        begin = time.monotonic()
        self.state, metrics = self.parts.trainer.run(self.state, n)
        row = log_row({name: np.asarray(values)[:n] for name, values in metrics.items()})
        elapsed = time.monotonic() - begin
        self.step += n
        env_steps = row.pop("env_steps")
        row |= {
            "env_steps": self.last.get("env_steps", 0.0) + env_steps,
            "seconds": self.seconds + elapsed,
            "meta_steps_per_second": n / elapsed,
            "env_steps_per_second": env_steps / elapsed,
        }
        row |= self._level_row("levels", self.describe_levels(levels_in_use(self.state), False))
        self.last |= row
        self.logger.write(self.step, row)
        self.progress.update(self.step, row)

    def _level_row(self, prefix: str, metrics: Mapping[str, float]) -> dict[str, float]:
        return {f"{prefix}/{name}": value for name, value in metrics.items()}

    def _after_chunk(self, asked: bool, ended: bool) -> None:
        """Validates and saves where it is due, but not at the end, which does so anyway; saves when asked to stop."""
        every, run = self.config.validation.every, self.config.run
        ended = ended or self.step >= run.steps
        if asked:
            self._save(final=True)
        elif every and self.step % every == 0 and not ended:
            self._validate_and_log()
            self._save()
        elif self.step % run.checkpoint_every == 0 and not ended:
            self._save()

    def _validate_and_log(self) -> None:
        validation = self._validate()
        row = validation.metrics()
        row |= self._level_row("levels", self.describe_levels(levels_in_use(self.state), True))
        row |= self._level_row("base_levels", self._describe_base())
        self.last |= row
        self.logger.write(self.step, row)
        self.progress.update(self.step, row)
        returns = {name: getattr(validation, name).tolist() for name in ("student", "untrained", "a2c")}
        write_json(self.dir.validation, {"step": self.step, "metrics": row, "returns": returns})
        score = self.validated[self.step] = row["validation/normalised_return"]
        if score > self.best:
            self.best = score
            save_rule(self.dir.best_rule, jax.device_get(self.state.eta), self._rule_card())
        self._draw()

    def _validate(self) -> Validation:
        """Judges the rule as it is now; A2C and the untrained rule, which stay what they are, once."""
        levels = self.config.validation.levels
        for name, judge, eta in (
            ("a2c", self.parts.baseline_returns, ()),
            ("untrained", self.parts.rule_returns, self.untrained),
        ):
            if name not in self.baselines:
                self.baselines[name] = self._judge(f"{name} on {levels} unseen levels", judge, eta)
        student = self._judge(f"the rule on {levels} unseen levels", self.parts.rule_returns, self.state.eta)
        return Validation(student=student, **self.baselines)

    def _describe_base(self) -> dict[str, float]:
        """What the validation levels are like, which come from the base distribution and stay the same."""
        if not self.base_levels:
            self.base_levels = make_level_metrics(self.parts.base)(self.parts.unseen, True)
        return self.base_levels

    def _judge(self, what: str, judge: Callable, eta: Any) -> npt.NDArray[np.float32]:
        with self.progress.subtask(f"validating {what}", self.config.validation.levels) as advance:
            done = 0

            def report(total: int) -> None:
                nonlocal done
                advance(total - done)
                done = total

            return judge(eta, report)

    def _save(self, final: bool = False) -> None:
        """A checkpoint to resume from, and the rule as others will load it."""
        host = {
            "seconds": self.seconds,
            "best": self.best if np.isfinite(self.best) else None,
            "last": self.last,
        }
        self.checkpoints.save(self.step, self.state, host, self.validated.get(self.step))
        save_rule(self.dir.rule, jax.device_get(self.state.eta), self._rule_card())
        if self.config.meta.average_decay:
            save_rule(self.dir.average_rule, jax.device_get(self.state.average), self._rule_card())
        if final:
            self.checkpoints.wait()

    def _rule_card(self) -> dict[str, Any]:
        values = to_dict(self.config)
        name = self.config.rule
        return {"rule": name, name: values["rules"][name], "meta_steps": self.step, "trained_with": values}

    def _draw(self) -> None:
        """curves.png and levels.png."""
        draw_curves(self.dir.metrics_jsonl, self.dir.curves)
        curriculum = self.parts.curriculum
        if curriculum.top is not None:
            count = min(DRAWN_LEVELS, self.config.plr.buffer_size)
            levels, scores = jax.device_get(curriculum.top(self.state.curriculum, count))
            name = "regret" if curriculum.name == "ar" else curriculum.name
            titles = [f"{name} {score:.2f}" for score in scores if np.isfinite(score)]
        else:
            levels = jax.device_get(levels_in_use(self.state))
            titles = [f"level {i}" for i in range(min(DRAWN_LEVELS, len(jax.tree.leaves(levels)[0])))]
        chosen = [jax.tree.map(lambda x, i=i: x[i], levels) for i in range(len(titles))]
        if chosen and isinstance(chosen[0], GridLevel) and self.parts.env.describe:
            draw_levels(chosen, titles, sizes_of(chosen[0], self.config.sizes), self.dir.levels)

    def _finish(self, stopped: str | None) -> dict[str, Any]:
        summary = {
            **self.last,
            "step": self.step,
            "seconds": self.seconds,
            "stopped": stopped,
            "run_dir": str(self.dir.path),
        }
        write_json(self.dir.summary, summary)
        draw_curves(self.dir.metrics_jsonl, self.dir.curves)
        self.logger.close()
        self.checkpoints.close()
        self.progress.message(summary_text(summary))
        return summary

    def _make_logger(self, resume_step: int | None) -> Logger:
        loggers: list[Logger] = [
            JsonlLogger(self.dir.metrics_jsonl, resume_step),
            CsvLogger(self.dir.metrics_csv, resume_step),
            TensorBoardLogger(self.dir.tensorboard, resume_step),
        ]
        if self.config.run.wandb:
            loggers.append(WandbLogger(self.dir.path, to_dict(self.config)))
        return MultiLogger(loggers)


def log_row(metrics: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, float]:
    """One row from the metrics f32[n] of n meta-steps: means, but returns weigh every episode or lifetime alike."""
    total = {name: float(np.nansum(values)) for name, values in metrics.items()}
    row = {
        name: float(np.mean(values))
        for name, values in metrics.items()
        if name not in _SUMS and not name.startswith("finished")
    }
    if "skipped" in row:
        row["skipped"] = float(metrics["skipped"][-1])
    row["finished"], row["env_steps"] = total["finished"], total["env_steps"]
    row["student_return"] = _ratio(total["student_return_sum"], total["student_episodes"])
    if "antagonist_episodes" in total:
        row["antagonist_return"] = _ratio(total["antagonist_return_sum"], total["antagonist_episodes"])
    if total["regret_known"]:
        row["regret"] = total["regret_sum"] / total["regret_known"]
    return row


def levels_in_use(state: TrainState) -> Any:
    """The levels being trained on, [N]."""
    return state.levels.level


def _ratio(a: float, b: float) -> float:
    return a / b if b else float("nan")


@contextmanager
def _stop_requests() -> Iterator[Callable[[], bool]]:
    """Turns the first SIGINT or SIGTERM into a polite request; a second one has its usual effect."""
    asked = threading.Event()
    usual: dict[int, Any] = {}

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        signal.signal(number, usual[number])

    for caught in (signal.SIGINT, signal.SIGTERM):
        usual[caught] = signal.signal(caught, ask)
    try:
        yield asked.is_set
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
