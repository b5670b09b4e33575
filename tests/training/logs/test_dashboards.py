"""TensorBoard and W&B receive finite scalars, and a resumed run continues theirs."""

import struct
import sys
import types

import numpy as np
import pytest

from groove.training.logs.dashboards import TensorBoardLogger, WandbLogger
from groove.training.logs.loggers import LoggerError


def events(folder):
    """Reads TensorBoard's records: length u64, crc u32, an Event, crc u32."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        while data:
            (size,) = struct.unpack("<Q", data[:8])
            found.append(Event.FromString(data[12 : 12 + size]))
            data = data[16 + size :]
    return found


def test_tensorboard_has_the_scalars_and_no_nan(tmp_path):
    logger = TensorBoardLogger(tmp_path)
    logger.write(3, {"a": 0.5, "b": float("nan")})
    logger.close()
    scalars = [(e.step, v.tag, v.simple_value) for e in events(tmp_path) for v in e.summary.value]
    assert scalars == [(3, "a", 0.5)]


def test_tensorboard_is_told_where_the_run_resumes(tmp_path):
    TensorBoardLogger(tmp_path, resume_step=7).close()
    starts = [event.step for event in events(tmp_path) if event.HasField("session_log")]
    assert starts == [8]


class FakeRun:
    def __init__(self, **settings):
        self.settings, self.rows, self.axes, self.finished = settings, [], [], False

    def define_metric(self, name, step_metric):
        self.axes.append((name, step_metric))

    def log(self, row):
        self.rows.append(row)

    def finish(self):
        self.finished = True


def test_wandb_continues_the_run_of_its_directory(tmp_path, monkeypatch):
    runs = []

    def init(**settings):
        runs.append(FakeRun(**settings))
        return runs[-1]

    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=init))
    for _ in range(2):
        logger = WandbLogger(tmp_path / "ar-7", {"seed": 1}, mode="offline")
        logger.write(4, {"a": np.float32(0.5), "b": float("nan")})
        logger.close()
    first, second = runs
    assert first.settings["id"] == second.settings["id"]
    assert first.settings["name"] == "ar-7"
    assert first.settings["mode"] == "offline"
    assert first.settings["resume"] == "allow"
    assert first.rows == [{"step": 4, "a": 0.5}]
    assert first.axes == [("*", "step")]
    assert first.finished


def test_wandb_says_how_to_get_it_and_why_it_fails(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(LoggerError, match=r"pip install 'groove-rl\[wandb\]'"):
        WandbLogger(tmp_path, {})

    def init(**settings):
        raise RuntimeError("no network\nlong story")

    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=init))
    with pytest.raises(LoggerError, match=r"did not start \(no network\): WANDB_MODE=offline"):
        WandbLogger(tmp_path, {})
