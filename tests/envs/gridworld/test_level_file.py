"""Level files: a written set is read back, and anything else is refused in one line."""

import dataclasses
import hashlib
import json

import jax
import numpy as np
import pytest
from safetensors import safe_open

from groove.envs.gridworld.level_file import LevelFileError, LevelSet, load_levels, pinned, resize, save_levels
from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution, sample_level
from groove.utils.tensor_file import tensor_bytes

SIZES = GridSizes(side=6, objects=3)
DIST = LevelDistribution(max_size=6, max_objects=3, walls=4)


@pytest.fixture(scope="module")
def level_set():
    levels = jax.vmap(lambda k: sample_level(k, DIST, SIZES))(jax.random.split(jax.random.key(0), 5))
    scores = np.asarray([3.0, np.nan, 1.0, 2.0, -1.0], np.float32)
    return LevelSet(jax.tree.map(np.asarray, levels), SIZES, scores, {"run": "a test"})


def test_round_trip(tmp_path, level_set):
    save_levels(tmp_path / "l.safetensors", level_set)
    again = load_levels(tmp_path / "l.safetensors")
    assert (again.sizes, again.about, len(again)) == (SIZES, {"run": "a test"}, 5)
    np.testing.assert_array_equal(again.scores, level_set.scores)
    for field in dataclasses.fields(GridLevel):
        a, b = getattr(again.levels, field.name), getattr(level_set.levels, field.name)
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


def test_files_of_format_1_have_no_step_reward(tmp_path, level_set):
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "l.safetensors"
    save_levels(path, level_set)
    arrays = load_file(path)
    del arrays["step_reward"]
    about = {"sizes": dataclasses.asdict(SIZES)}
    save_file(arrays, path, {"groove_levels_format": "1", "about": json.dumps(about)})
    assert load_levels(path).levels.step_reward.tolist() == [0.0] * 5
    save_file(arrays, path, {"groove_levels_format": "2", "about": json.dumps(about)})
    with pytest.raises(LevelFileError, match="lacks step_reward"):
        load_levels(path)


def test_an_altered_file_is_refused_and_files_without_a_checksum_load(tmp_path, level_set):
    path = tmp_path / "l.safetensors"
    save_levels(path, level_set)
    with safe_open(path, framework="numpy") as file:
        arrays, header = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    longer = {**arrays, "lifetime": arrays["lifetime"] + 1}
    other = header | {"about": header["about"].replace("a test", "a jest")}
    for content in ((longer, header), ({**arrays, "score": arrays["score"] + 1}, header), (arrays, other)):
        path.write_bytes(tensor_bytes(*content))
        with pytest.raises(LevelFileError, match="does not match its checksum, so it was altered; export the levels"):
            load_levels(path)
    del header["sha256"]  # as in version 0.1
    path.write_bytes(tensor_bytes(arrays, header))
    assert load_levels(path).about == level_set.about


def test_levels_are_taken_in_order(level_set):
    assert level_set.take([3, 0]).scores.tolist() == [2.0, 3.0]


def test_levels_do_not_shrink(level_set):
    with pytest.raises(LevelFileError, match=r"raise sizes.side"):
        resize(level_set, GridSizes(side=5, objects=3))


def _spoil(level_set, **changes):
    return dataclasses.replace(level_set, levels=dataclasses.replace(level_set.levels, **changes))


def test_the_digest_is_that_of_the_levels(tmp_path, level_set):
    first, again, other = (tmp_path / f"{name}.safetensors" for name in ("first", "again", "other"))
    save_levels(first, level_set)
    save_levels(again, dataclasses.replace(level_set, about={"run": "another"}, scores=level_set.scores + 1))
    save_levels(other, _spoil(level_set, lifetime=level_set.levels.lifetime + 1))
    digests = [pinned(str(path)).rpartition("#")[2] for path in (first, again, other)]
    assert digests[0] == digests[1] != digests[2]
    assert load_levels(f"{again}#{digests[0]}").sizes == level_set.sizes
    with pytest.raises(LevelFileError, match="is not the level set it was"):
        load_levels(f"{other}#{digests[0]}")


def test_runs_of_earlier_versions_recorded_the_digest_of_the_file(tmp_path, level_set):
    path = tmp_path / "levels.safetensors"
    save_levels(path, level_set)
    old = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    assert len(load_levels(f"{path}#{old}")) == len(level_set)


def test_invalid_levels_are_neither_written_nor_read(tmp_path, level_set):
    path = tmp_path / "l.safetensors"
    with pytest.raises(LevelFileError, match="NaN"):
        save_levels(path, _spoil(level_set, object_reward=np.full((5, 3), np.nan, np.float32)))
    with pytest.raises(LevelFileError, match=r"start is int32\[2\], not int32\[5\]"):
        save_levels(path, _spoil(level_set, start=level_set.levels.start[:2]))
    with pytest.raises(LevelFileError, match=r"object_reward is float32\[5, 2\], not float32\[5, 3\]"):
        save_levels(path, _spoil(level_set, object_reward=level_set.levels.object_reward[:, :2]))
    with pytest.raises(LevelFileError, match=r"size is float32\[5\], not int32\[5\]"):
        save_levels(path, _spoil(level_set, size=level_set.levels.size.astype(np.float32)))
    assert not path.exists()
    with pytest.raises(LevelFileError, match="does not exist"):
        load_levels(path)
    path.write_bytes(b"no")
    with pytest.raises(LevelFileError, match="cannot be read"):
        load_levels(path)
    from safetensors.numpy import save_file

    save_file({"size": np.ones(1)}, path)
    with pytest.raises(LevelFileError, match="not a level set of format 2"):
        load_levels(path)
    save_file({"size": np.ones(1)}, path, metadata={"groove_levels_format": "1"})
    with pytest.raises(LevelFileError, match="lacks walls"):
        load_levels(path)
