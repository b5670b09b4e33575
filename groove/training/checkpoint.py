"""Checkpoints to resume a run from, by Orbax."""

import json
import os
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jax
import numpy as np

from groove.types import PyTree
from groove.utils.errors import GrooveError
from groove.utils.io import one_line, to_json, write_json

CHECKSUMS = "checksums.json"


class CheckpointError(GrooveError):
    """A checkpoint that cannot be written or read; the message is one line that says which and what to do."""


class DamagedError(CheckpointError):
    """A checkpoint of which a file is missing, truncated or altered."""


@dataclass(frozen=True)
class _LastAndBest:
    """Orbax's preservation policy: the last `keep` checkpoints, and the one of the highest metric."""

    keep: int
    metrics: dict[int, float | None]  # step -> metric; the Checkpointer adds to it

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> list[bool]:
        """Says of each checkpoint, in order of steps, whether it stays."""
        steps = [info.step for info in checkpoints]
        scored = [(self.metrics[step], step) for step in steps if self.metrics.get(step) is not None]
        kept = {*steps[-self.keep :], *([max(scored)[1]] if scored else [])}
        return [step in kept for step in steps]


class Checkpointer:
    """The checkpoints of one run: written in the background, checked when read, the last and the best kept.

    A checkpoint appears under its step's number only once it is complete, so one that the end of the process
    cut off is never seen. Next to the arrays stand the names, shapes and types of all of them, and a checksum
    of every file: Orbax notices another architecture too late, and a flipped bit not at all.
    """

    def __init__(
        self,
        directory: str | Path,
        keep: int = 3,
        notice: Callable[[str], None] = print,
        read_only: bool = False,
    ) -> None:
        """Opens a directory of checkpoints, which is made if it is missing.

        Args:
          directory: where they are.
          keep: how many of the latest stay, beside the best.
          notice: is told of a checkpoint that was passed over.
          read_only: changes nothing, so that a run in progress can be looked at.

        Raises:
          CheckpointError: if the directory cannot be used.
        """
        import orbax.checkpoint as ocp  # takes seconds to import, and rules are loaded without it

        self.directory = Path(directory).absolute()
        self._ocp = ocp
        self._notice = notice
        self._metrics: dict[int, float | None] = {}
        self._sealing: threading.Thread | None = None
        self._read_only = read_only
        options = ocp.CheckpointManagerOptions(
            preservation_policy=None if read_only else _LastAndBest(keep, self._metrics),
            cleanup_tmp_directories=not read_only,
            read_only=read_only,
        )
        try:
            self._manager = ocp.CheckpointManager(self.directory, options=options)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.directory} cannot hold checkpoints: {one_line(error)}.") from error
        for step in self._manager.all_steps():
            try:
                self._metrics[step] = self._read_note(step)["metric"]
            except DamagedError:
                continue  # it counts as one without a metric; `restore` says what is wrong with it

    def save(self, step: int, state: PyTree, host: Mapping[str, Any], metric: float | None = None) -> bool:
        """Starts writing a checkpoint; the state may be donated as soon as this returns.

        Args:
          step: the meta-step it belongs to, later than every checkpoint there is.
          state: a pytree of arrays.
          host: JSON-able values to keep beside it.
          metric: what to rank it by, higher being better; None or NaN if it has not been measured.

        Returns:
          False if there already is a checkpoint of this step, which then stands as it is.

        Raises:
          CheckpointError: if there is a later checkpoint, or this or the previous one cannot be written.
        """
        self.wait()
        latest = self.latest_step()
        if latest is not None and step <= latest:
            if step == latest:
                return False
            raise CheckpointError(
                f"{self.directory} holds step {latest}, later than {step}: move later checkpoints away "
                "before continuing from an earlier one."
            )
        metric = None if metric is None or np.isnan(metric) else float(metric)
        note = to_json({"host": host, "metric": metric, "arrays": dict(_describe_arrays(state))})
        save = self._ocp.args
        items = save.Composite(state=save.StandardSave(state), note=save.JsonSave(note))
        self._metrics[step] = metric
        self._guard(lambda: self._manager.save(step, args=items, force=True))
        self._sealing = threading.Thread(target=self._seal, args=(step,), name="checkpoint_seal")
        self._sealing.start()
        return True

    def restore(self, template: PyTree, step: int | None = None) -> tuple[PyTree, dict[str, Any], int]:
        """Reads a checkpoint back, bit for bit.

        Without a step it is the latest one that can be read. One that cannot is renamed to
        `<step>.unreadable`, with a notice, and the one before it is tried.

        Args:
          template: a state of the same shapes and types; array placement and key types are taken from it.
          step: which one; None for the latest.

        Returns:
          The state, the host values, and the step.

        Raises:
          CheckpointError: if there is none, it is damaged, or its architecture is not the template's.
        """
        self.wait()
        if step is not None:
            self._refuse_absent(step)
            note = self._verify(step)
            return self._read_state(step, note, template), note["host"], step
        while (latest := self.latest_step()) is not None:
            try:
                note = self._verify(latest)
                return self._read_state(latest, note, template), note["host"], latest
            except DamagedError as error:
                if self._read_only:
                    raise
                self._put_aside(latest, error)
        raise CheckpointError(f"{self.directory} holds no readable checkpoint: start a new run in another directory.")

    def latest_step(self) -> int | None:
        """The step of the latest checkpoint, None if there is none."""
        return max(self._manager.all_steps(), default=None)

    def best_step(self) -> int | None:
        """The step of the checkpoint with the highest metric, None if none has one."""
        scored = [(m, s) for s in self._manager.all_steps() if (m := self._metrics.get(s)) is not None]
        return max(scored)[1] if scored else None

    def wait(self) -> None:
        """Returns when everything is on disk.

        Raises:
          CheckpointError: if it could not be written.
        """
        if self._sealing is not None:
            self._sealing.join()
            self._sealing = None
        self._guard(self._manager.wait_until_finished)

    def close(self) -> None:
        """Waits for what is being written, and lets the directory go."""
        try:
            self.wait()
        finally:
            self._guard(self._manager.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _guard(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:  # Orbax and TensorStore raise whatever they like
            raise CheckpointError(
                f"{self.directory} could not be written ({one_line(error)}): make room or mend the disk, then --resume."
            ) from error

    def _seal(self, step: int) -> None:
        """Notes the checksums of a checkpoint's files once Orbax has finished it; runs in its own thread."""
        try:
            self._manager.wait_until_finished()
            folder = self.directory / str(step)
            if jax.process_index() == 0:
                write_json(folder / CHECKSUMS, {name: _checksum(folder / name) for name in _files(folder)})
        except Exception:  # `wait` meets the same error and reports it
            return

    def _verify(self, step: int) -> dict[str, Any]:
        folder = self.directory / str(step)
        sealed = folder / CHECKSUMS
        if sealed.exists():  # not if the process ended between Orbax's last file and this one
            try:
                expected = json.loads(sealed.read_text(encoding="utf-8"))
                bad = [name for name, crc in expected.items() if _checksum(folder / name) != crc]
            except (OSError, ValueError, AttributeError) as error:
                raise _damaged(sealed, one_line(error)) from error
            if bad:
                raise _damaged(folder / bad[0], "it is missing, truncated or altered")
        return self._read_note(step)

    def _read_note(self, step: int) -> dict[str, Any]:
        read = self._ocp.args.Composite(note=self._ocp.args.JsonRestore())
        try:
            note = self._manager.restore(step, args=read)["note"]
            return {"host": note["host"], "metric": note["metric"], "arrays": note["arrays"]}
        except Exception as error:  # whatever a damaged file makes Orbax raise
            raise _damaged(self.directory / str(step) / "note", one_line(error)) from error

    def _read_state(self, step: int, note: Mapping[str, Any], template: PyTree) -> PyTree:
        difference = _first_difference(note["arrays"], dict(_describe_arrays(template)))
        if difference:
            raise CheckpointError(
                f"{self.directory / str(step)} is of another architecture: {difference}. Resume with the "
                "configuration it was written with."
            )
        target = jax.tree.map(self._ocp.utils.to_shape_dtype_struct, template)
        read = self._ocp.args.Composite(state=self._ocp.args.StandardRestore(target))
        try:
            return self._manager.restore(step, args=read)["state"]
        except Exception as error:  # whatever a damaged file, or a full memory, makes Orbax raise
            folder = self.directory / str(step)
            if not (folder / CHECKSUMS).exists():
                raise _damaged(folder / "state", one_line(error)) from error
            raise CheckpointError(f"{folder} is whole but could not be loaded: {one_line(error)}.") from error

    def _refuse_absent(self, step: int) -> None:
        steps = sorted(self._manager.all_steps())
        if step not in steps:
            raise CheckpointError(f"{self.directory} has no checkpoint of step {step}, but {steps or 'none'}.")

    def _put_aside(self, step: int, error: CheckpointError) -> None:
        aside = self.directory / f"{step}.unreadable"
        try:
            os.rename(self.directory / str(step), aside)
        except OSError as failure:
            raise CheckpointError(f"{error} Nor can it be renamed: {one_line(failure)}.") from failure
        self._manager.reload()
        self._metrics.pop(step, None)
        previous = self.latest_step()
        if previous is not None:
            self._notice(f"Checkpoint {step} is now {aside.name}, going on from {previous}: {error}")


def _describe_arrays(state: PyTree) -> Iterator[tuple[str, str]]:
    """The name of every array of a state, and its type and shape, in the state's own order."""
    for path, leaf in jax.tree_util.tree_flatten_with_path(state)[0]:
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        yield name, f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]"


def _first_difference(saved: Mapping[str, str], wanted: Mapping[str, str]) -> str | None:
    for name in [*wanted, *saved]:
        if saved.get(name) != wanted.get(name):
            return f"{name} is {saved.get(name, 'absent')} there and {wanted.get(name, 'absent')} here"
    return None


def _files(folder: Path) -> list[str]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != CHECKSUMS)
    return sorted(str(file.relative_to(folder)) for file in files)


def _checksum(path: Path) -> int | None:
    return zlib.crc32(path.read_bytes()) if path.is_file() else None


def _damaged(path: Path, reason: str) -> DamagedError:
    return DamagedError(f"{path} is damaged ({reason}): use an earlier checkpoint, or start a new run.")
