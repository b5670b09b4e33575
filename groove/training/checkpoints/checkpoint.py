"""Checkpoints to resume a run from, written by Orbax."""

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import jax
import numpy as np

from groove.training.checkpoints.checksums import DamageError, is_sealed, seal, verify
from groove.types import PyTree
from groove.utils.errors import GrooveError
from groove.utils.io import one_line, to_json
from groove.utils.processes import is_first, wait_for_all

_UNREADABLE = ".unreadable"  # ends the name of a damaged checkpoint


class CheckpointError(GrooveError):
    """A checkpoint that cannot be written or read; the message is one line that names the checkpoint and the cure."""


class DamagedError(CheckpointError):
    """A checkpoint with a file that is missing, truncated or altered."""


class EarlierState(NamedTuple):
    """The shape in which an earlier version stored states.

    Attributes:
      matches: names of arrays -> whether a checkpoint with these arrays has the earlier shape.
      to_earlier: state -> the same arrays in the earlier shape.
      from_earlier: the inverse of `to_earlier`.
    """

    matches: Callable[[Collection[str]], bool]
    to_earlier: Callable[[PyTree], PyTree]
    from_earlier: Callable[[PyTree], PyTree]


@dataclass(frozen=True)
class _LastAndBest:
    """Orbax's preservation policy: keep the last checkpoints, and the one with the highest metric."""

    keep: int  # checkpoints
    metrics: dict[int, float | None]  # step -> metric; the Checkpointer adds entries

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> list[bool]:
        """Return for each checkpoint, in order of steps, whether it is kept."""
        steps = [info.step for info in checkpoints]
        scored = [(self.metrics[step], step) for step in steps if self.metrics.get(step) is not None]
        kept = {*steps[-self.keep :], *([max(scored)[1]] if scored else [])}
        return [step in kept for step in steps]


class Checkpointer:
    """The checkpoints of one run: written in the background, checked when read, the last ones and the best kept.

    A checkpoint appears under the number of its step only once it is complete, so that a checkpoint that the end of the
    process cut off is never seen. Beside its arrays, a checkpoint holds their names, shapes and types, and a checksum
    of every file: Orbax notices another architecture late, and a flipped bit never.
    """

    def __init__(
        self,
        directory: str | Path,
        keep: int = 3,
        notice: Callable[[str], None] = print,
        read_only: bool = False,
        earlier: EarlierState | None = None,
    ) -> None:
        """Open a directory of checkpoints, which is made if it is missing.

        Args:
          directory: the directory.
          keep: number of latest checkpoints that are kept, beside the best.
          notice: receives one line about every checkpoint that was passed over.
          read_only: change nothing, so that the checkpoints of a run in progress can be read.
          earlier: the shape of states that an earlier version stored, to read its checkpoints, too.

        Raises:
          CheckpointError: if the directory cannot be used.
        """
        import orbax.checkpoint as ocp  # takes seconds to import, and is not needed to load rules

        self.directory = Path(directory).absolute()
        self._ocp = ocp
        self._notice = notice
        self._earlier = earlier
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
                continue  # a checkpoint without a metric; `restore` reports the damage

    def save(self, step: int, state: PyTree, host: Mapping[str, Any], metric: float | None = None) -> bool:
        """Start to write a checkpoint; the state may be donated as soon as this returns.

        Args:
          step: the meta-step of the state, later than that of every other checkpoint.
          state: a pytree of arrays.
          host: values to keep beside the state, which JSON can hold.
          metric: ranks the checkpoint, higher is better; None or NaN if the metric was not measured.

        Returns:
          False if there is a checkpoint of this step already, which is left as it is.

        Raises:
          CheckpointError: if there is a later checkpoint, or this checkpoint or the one before cannot be written.
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
        """Read a checkpoint back, bit for bit.

        Without a step, this is the latest checkpoint that can be read. A damaged checkpoint is renamed to
        `<step>.unreadable`, with a notice, and the checkpoint before is tried.

        Args:
          template: a state of the same shapes and types, which gives the placement of arrays and the types of keys.
          step: the step of the checkpoint; None for the latest.

        Returns:
          The state, the host values, and the step.

        Raises:
          CheckpointError: if there is no checkpoint, or it is damaged, or its architecture is not the template's.
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

    @property
    def is_empty(self) -> bool:
        """Whether no checkpoint was ever completed, not even one that was damaged later."""
        names = [entry.name for entry in self.directory.iterdir()]
        return not any(name.isdigit() or name.endswith(_UNREADABLE) for name in names)

    def latest_step(self) -> int | None:
        """Return the step of the latest checkpoint; None if there is none."""
        return max(self._manager.all_steps(), default=None)

    def best_step(self) -> int | None:
        """Return the step of the checkpoint with the highest metric; None if no checkpoint has a metric."""
        steps = self._manager.all_steps()
        scored = [(metric, step) for step in steps if (metric := self._metrics.get(step)) is not None]
        return max(scored)[1] if scored else None

    def wait(self) -> None:
        """Return when everything is on disk.

        Raises:
          CheckpointError: if a checkpoint could not be written.
        """
        if self._sealing is not None:
            self._sealing.join()
            self._sealing = None
        self._guard(self._manager.wait_until_finished)

    def close(self) -> None:
        """Wait until everything is on disk, and release the directory."""
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
        except Exception as error:  # Orbax and TensorStore raise errors of many types
            raise CheckpointError(
                f"{self.directory} could not be written ({one_line(error)}): make room or mend the disk, then --resume."
            ) from error

    def _seal(self, step: int) -> None:
        """Write the checksums of a checkpoint once Orbax has finished it; this runs in its own thread."""
        try:
            self._manager.wait_until_finished()
            if is_first():
                seal(self.directory / str(step))
        except Exception:  # `wait` meets the same error and reports it
            return

    def _verify(self, step: int) -> dict[str, Any]:
        """Return the note of a checkpoint whose files are sound."""
        folder = self.directory / str(step)
        if is_sealed(folder):  # unless the process ended between Orbax's last file and the checksums
            try:
                verify(folder)
            except DamageError as error:
                raise _damaged(error.path, error.reason) from error
        return self._read_note(step)

    def _read_note(self, step: int) -> dict[str, Any]:
        read = self._ocp.args.Composite(note=self._ocp.args.JsonRestore())
        try:
            note = self._manager.restore(step, args=read)["note"]
            return {"host": note["host"], "metric": note["metric"], "arrays": note["arrays"]}
        except Exception as error:  # a damaged file makes Orbax raise errors of many types
            raise _damaged(self.directory / str(step) / "note", one_line(error)) from error

    def _read_state(self, step: int, note: Mapping[str, Any], template: PyTree) -> PyTree:
        """Read the arrays of a checkpoint into the shape of the template, also if an earlier version wrote them."""
        earlier = self._earlier
        if earlier is not None and earlier.matches(note["arrays"]):
            return earlier.from_earlier(self._read_arrays(step, note["arrays"], earlier.to_earlier(template)))
        return self._read_arrays(step, note["arrays"], template)

    def _read_arrays(self, step: int, arrays: Mapping[str, str], template: PyTree) -> PyTree:
        folder = self.directory / str(step)
        difference = _first_difference(arrays, dict(_describe_arrays(template)))
        if difference:
            raise CheckpointError(
                f"{folder} is of another architecture: {difference}. Resume with the configuration of the run that "
                "wrote the checkpoint."
            )
        target = jax.tree.map(self._ocp.utils.to_shape_dtype_struct, template)
        read = self._ocp.args.Composite(state=self._ocp.args.StandardRestore(target))
        try:
            return self._manager.restore(step, args=read)["state"]
        except Exception as error:  # a damaged file, or a full memory, makes Orbax raise errors of many types
            if not is_sealed(folder):
                raise _damaged(folder / "state", one_line(error)) from error
            raise CheckpointError(f"{folder} is sound but could not be loaded: {one_line(error)}.") from error

    def _refuse_absent(self, step: int) -> None:
        steps = sorted(self._manager.all_steps())
        if step not in steps:
            raise CheckpointError(f"{self.directory} has no checkpoint of step {step}, but {steps or 'none'}.")

    def _put_aside(self, step: int, error: CheckpointError) -> None:
        """Rename a damaged checkpoint, so that it is passed over."""
        aside = self.directory / f"{step}{_UNREADABLE}"
        try:
            if is_first():
                os.rename(self.directory / str(step), aside)
        except OSError as failure:
            raise CheckpointError(f"{error} Nor can it be renamed: {one_line(failure)}.") from failure
        wait_for_all(aside.name)
        self._manager.reload()
        self._metrics.pop(step, None)
        previous = self.latest_step()
        if previous is not None:
            self._notice(f"Checkpoint {step} is now {aside.name}, going on from {previous}: {error}")


def _describe_arrays(state: PyTree) -> Iterator[tuple[str, str]]:
    """Yield the name of every array of a state with its type and shape, in the state's own order."""
    for path, leaf in jax.tree_util.tree_flatten_with_path(state)[0]:
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        yield name, f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]"


def _first_difference(saved: Mapping[str, str], wanted: Mapping[str, str]) -> str | None:
    """Say which array differs; None if all arrays are alike."""
    for name in [*wanted, *saved]:
        if saved.get(name) != wanted.get(name):
            return f"{name} is {saved.get(name, 'absent')} there and {wanted.get(name, 'absent')} here"
    return None


def _damaged(path: Path, reason: str) -> DamagedError:
    return DamagedError(f"{path} is damaged ({reason}): use an earlier checkpoint, or start a new run.")
