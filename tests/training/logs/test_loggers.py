"""Every row is on disk when it has been written, and a resumed log is the one of an uninterrupted run."""

import csv
import json
import math
import zlib

import jax.numpy as jnp
import numpy as np
import pytest

from groove.training.logs.loggers import (
    CsvLogger,
    JsonlLogger,
    LoggerError,
    MultiLogger,
    read_jsonl,
)


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def write_all(logger, steps, validate_at=()):
    for step in steps:
        logger.write(step, {"loss": step / 3, "count": step})
        if step in validate_at:
            logger.write(step, {"validation/score": step / 7})


def test_jsonl_rows_are_on_disk_at_once(tmp_path):
    logger = JsonlLogger(tmp_path / "m.jsonl")
    logger.write(1, {"a": 0.1, "b": float("nan"), "c": -math.inf, "d": jnp.float32(0.5), "e": np.int64(2**60)})
    text = (tmp_path / "m.jsonl").read_text()
    row = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    check = row.pop("check")
    assert row == {"step": 1, "a": 0.1, "b": None, "c": None, "d": 0.5, "e": 2**60}
    assert check == f"{zlib.crc32(json.dumps(row, sort_keys=True).encode()):08x}"
    assert read_jsonl(tmp_path / "m.jsonl") == [row]
    assert text.endswith("\n")
    logger.close()


def test_csv_rows_are_on_disk_at_once(tmp_path):
    logger = CsvLogger(tmp_path / "m.csv")
    logger.write(1, {"a": 0.1, "b": float("nan"), "c": np.float32(0.5)})
    assert rows_of(tmp_path / "m.csv") == [["step", "a", "b", "c"], ["1", "0.1", "", "0.5"]]
    logger.close()


def test_csv_takes_columns_that_come_later_and_rows_that_lack_some(tmp_path):
    logger = CsvLogger(tmp_path / "m.csv")
    logger.write(1, {"a": 1.5})
    logger.write(2, {"v, w": 2.5})
    assert rows_of(tmp_path / "m.csv") == [["step", "a", "v, w"], ["1", "1.5", ""], ["2", "", "2.5"]]
    logger.write(3, {"v, w": 3.5, "a": 4.5})
    logger.close()
    assert rows_of(tmp_path / "m.csv")[-1] == ["3", "4.5", "3.5"]


@pytest.mark.parametrize(("kind", "name"), [(JsonlLogger, "m.jsonl"), (CsvLogger, "m.csv")])
@pytest.mark.parametrize("torn", ["", '{"step": 8, "lo', "8,2.6", '{"step": 4, "loss": 1}', "4"])
def test_a_resumed_log_is_the_uninterrupted_one(tmp_path, kind, name, torn):
    whole = kind(tmp_path / f"whole.{name}")
    write_all(whole, range(1, 9), validate_at=(4, 8))
    whole.close()
    killed = kind(tmp_path / name)
    write_all(killed, range(1, 8), validate_at=(4, 6))
    killed.close()
    with open(tmp_path / name, "a") as file:
        file.write(torn)
    resumed = kind(tmp_path / name, resume_step=5)
    write_all(resumed, range(6, 9), validate_at=(8,))
    resumed.close()
    assert (tmp_path / name).read_text() == (tmp_path / f"whole.{name}").read_text()


@pytest.mark.parametrize(("kind", "name"), [(JsonlLogger, "m.jsonl"), (CsvLogger, "m.csv")])
def test_a_log_that_was_lost_begins_anew_on_resume(tmp_path, kind, name):
    logger = kind(tmp_path / name, resume_step=5)
    write_all(logger, [6])
    logger.close()
    assert len((tmp_path / name).read_text().splitlines()) == (2 if kind is CsvLogger else 1)


@pytest.mark.parametrize("kind", [JsonlLogger, CsvLogger])
def test_a_new_log_overwrites_nothing(tmp_path, kind):
    (tmp_path / "m").write_text("precious")
    with pytest.raises(LoggerError, match="exists: resume"):
        kind(tmp_path / "m")
    with pytest.raises(LoggerError, match="cannot be written"):
        kind(tmp_path / "absent" / "m")
    assert (tmp_path / "m").read_text() == "precious"


def test_damage_in_the_middle_is_reported_with_its_line(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(LoggerError, match="line 2 is no row") as error:
        JsonlLogger(path, resume_step=3)
    assert "\n" not in str(error.value)
    path.write_text("step,a\n1,2,3\n")
    with pytest.raises(LoggerError, match="no table of metrics"):
        CsvLogger(path, resume_step=3)
    path.write_text("step,a\n1,2\nsoon,3\n")
    with pytest.raises(LoggerError, match="no table of metrics"):
        CsvLogger(path, resume_step=3)


def test_a_number_that_was_altered_is_reported_and_rows_of_earlier_versions_are_read(tmp_path):
    path = tmp_path / "m.jsonl"
    logger = JsonlLogger(path)
    for step in range(3):
        logger.write(step, {"score": 0.25 + step})
    logger.close()
    whole = path.read_text()
    path.write_text(whole.replace("1.25", "9.25"))
    with pytest.raises(LoggerError, match=r"line 2 is no row of metrics \(another checksum\): remove it, or restore"):
        read_jsonl(path)
    without = "".join(f'{{"step": {step}, "score": {0.25 + step}}}\n' for step in range(3))
    path.write_text(without)
    assert read_jsonl(path) == [{"step": step, "score": 0.25 + step} for step in range(3)]
    JsonlLogger(path, resume_step=2).close()
    assert path.read_text() == whole, "a resumed run gives earlier rows their checksums"


def test_a_byte_that_is_no_text_is_damage_like_any_other(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b'{"step": 1}\n{"step": 2, "\xff": 1}\n')
    with pytest.raises(
        LoggerError, match=r"line 2 is no row of metrics \('utf-8' codec .*\): remove it, or restore the file"
    ):
        read_jsonl(path)
    path.write_bytes(b'{"step": 1}\n{"step": 2, "\xff')
    assert read_jsonl(path) == [{"step": 1}], "the last row was cut off"
    path.write_bytes(b"step,a\xff\n1,2\n")
    with pytest.raises(LoggerError, match="no table of metrics: remove the file"):
        CsvLogger(path, resume_step=3)
    with pytest.raises(LoggerError, match="cannot be read"):
        read_jsonl(tmp_path)


class Recorder:
    def __init__(self, fails=False):
        self.fails, self.rows, self.closed = fails, [], False

    def write(self, step, metrics):
        self.rows.append((step, metrics))

    def close(self):
        self.closed = True
        if self.fails:
            raise OSError("disk")


def test_many_loggers_get_the_same_row_and_are_all_closed():
    first, second = Recorder(fails=True), Recorder()
    logger = MultiLogger([first, second])
    logger.write(1, {"a": jnp.float32(2)})
    assert first.rows == second.rows == [(1, {"a": 2.0})]
    assert type(first.rows[0][1]["a"]) is float
    with pytest.raises(OSError, match="disk"):
        logger.close()
    assert second.closed
