"""The record is a uniform sample of bounded size, the same whatever the chunks; its file is checked when read."""

import numpy as np
import pytest

from groove.training.logs.level_record import LevelRecord, LevelRecordError, load_level_record

NAN = np.nan
NAMES = ("size", "walls")


def rows_of(steps, rows=3):
    """Records of meta-steps: returns are the step and ten times the step; the last row is always left over."""
    made = np.full((len(steps), rows, 4), NAN, np.float32)
    for i, step in enumerate(steps):
        made[i, :-1] = [step, 10 * step, 1, NAN]
    return made


def recorded(chunks, most, seed=0):
    record, done = LevelRecord.empty(NAMES), 0
    for n in chunks:
        record = record.add(rows_of(range(done + 1, done + n + 1)), done, seed, most)
        done += n
    return record


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True)
        for name in ("step", "place", "returns", "features")
    )


def test_rows_that_are_left_over_are_no_lifetimes():
    record = recorded([2], 10)
    assert record.step.tolist() == [1, 1, 2, 2]
    assert record.returns.tolist() == [[1, 10], [1, 10], [2, 20], [2, 20]]
    assert record.regret().tolist() == [9, 9, 18, 18]
    np.testing.assert_array_equal(record.features, [[1, NAN]] * 4)


def test_the_record_does_not_depend_on_chunks_or_on_where_a_run_was_resumed():
    whole = recorded([50], 20)
    assert len(whole) == 20
    assert same(whole, recorded([7] * 7 + [1], 20))
    ahead = recorded([40], 20)  # a process was killed after 40 meta-steps, and its last checkpoint is of 25
    assert same(whole, ahead.until(25).add(rows_of(range(26, 51)), 25, 0, 20))
    assert not same(whole, recorded([50], 20, seed=1))


def test_the_sample_is_uniform_over_time():
    late = [np.mean(recorded([40], 8, seed).step > 20) for seed in range(300)]
    assert np.mean(late) == pytest.approx(0.5, abs=0.05), "five standard errors are 0.046"


def test_a_file_is_read_back(tmp_path):
    record = recorded([5], 8)
    record.save(tmp_path / "record.safetensors")
    again = load_level_record(tmp_path / "record.safetensors")
    assert again.names == NAMES
    assert same(record, again)
    LevelRecord.empty(NAMES).save(tmp_path / "empty.safetensors")
    assert len(load_level_record(tmp_path / "empty.safetensors")) == 0


@pytest.mark.parametrize("damage", ["flip", "cut", "missing", "words"])
def test_a_damaged_file_is_refused_in_one_line(tmp_path, damage):
    path = tmp_path / "record.safetensors"
    recorded([5], 8).save(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes({"flip": bytes(content), "cut": bytes(content[:-9]), "words": b"record", "missing": b""}[damage])
    if damage == "missing":
        path.unlink()
    with pytest.raises(LevelRecordError, match=r"cannot be read as a record of levels \(.*\): restore it") as refused:
        load_level_record(path)
    assert "\n" not in str(refused.value)
