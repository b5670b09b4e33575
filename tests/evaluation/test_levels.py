"""Level sets: sorted by score, the same after export and import, with new lifetimes, drawn, and refused in one line."""

import json

import jax
import numpy as np
import pytest

from groove.envs.gridworld.level_file import load_levels, save_levels
from groove.evaluation.levels import (
    draw_level_set,
    export_levels,
    import_levels,
    level_features,
    read_levels,
    with_lifetimes,
)
from groove.utils.errors import GrooveError
from tests._helpers.level_sets import four_levels


@pytest.fixture
def file(tmp_path):
    save_levels(tmp_path / "all.safetensors", four_levels())
    return tmp_path / "all.safetensors"


def test_the_best_levels_come_first_and_levels_without_a_score_last(file):
    assert read_levels(file, top=2).scores.tolist() == [3.0, 2.0]
    np.testing.assert_array_equal(read_levels(str(file)).scores, [3.0, 2.0, 1.0, np.nan])


def test_export_and_import_are_a_round_trip(file, tmp_path):
    best = read_levels(file, top=3)
    text = export_levels(best, tmp_path / "best.json")
    back = export_levels(import_levels(text), tmp_path / "back.safetensors")
    again = load_levels(back)
    assert again.scores.tolist() == best.scores.tolist() == [3.0, 2.0, 1.0]
    assert again.about == {"of": "a test"}
    for a, b, c in zip(*(jax.tree.leaves(x.levels) for x in (again, best, four_levels())), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c[[2, 3, 0]])


def test_paths_may_begin_at_home(file, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert export_levels(read_levels("~/all.safetensors"), "~/new.json") == tmp_path / "new.json"
    assert len(import_levels("~/new.json")) == 4


def test_lifetimes_are_redrawn_the_same_for_the_first_few_and_nothing_else_is():
    kept = four_levels()
    drawn = with_lifetimes(kept, 100, 1000)
    lifetimes = np.asarray(drawn.levels.lifetime)
    assert len(set(lifetimes.tolist())) > 1
    assert np.all((lifetimes >= 100) & (lifetimes <= 1000))
    assert drawn.about["lifetimes"] == [100, 1000]
    for name in ("walls", "start", "step_reward"):
        np.testing.assert_array_equal(getattr(drawn.levels, name), getattr(kept.levels, name))
    two = with_lifetimes(kept.take([0, 1]), 100, 1000)
    assert np.asarray(two.levels.lifetime).tolist() == lifetimes[:2].tolist()


@pytest.mark.parametrize(
    ("low", "high", "complaint"),
    [
        (1000, 100, "give the shortest and the longest"),
        (0, 5, "--lifetimes = 0 must be at least 1"),
        (5, 3_000_000_000, "--lifetimes = 3000000000 must be at least 1, and at most 100,000,000"),
        (1.5, 3, "--lifetimes = 1.5 must be an integer"),
    ],
)
def test_lifetimes_out_of_range_are_refused(low, high, complaint):
    with pytest.raises(GrooveError, match=complaint):
        with_lifetimes(four_levels(), low, high)


def test_features_are_one_number_per_level():
    features = level_features(four_levels())
    assert next(iter(features)) == "score"
    assert "nearest_positive" in features
    assert {values.shape for values in features.values()} == {(4,)}


def test_levels_are_drawn(tmp_path):
    assert draw_level_set(four_levels(), tmp_path / "levels.png").stat().st_size > 1000


def test_files_are_replaced_only_by_force(file):
    before = file.read_bytes()
    with pytest.raises(GrooveError, match=r"exists; choose another --to, or replace it with --force"):
        export_levels(read_levels(file, top=1), file)
    assert file.read_bytes() == before
    assert len(load_levels(export_levels(read_levels(file, top=1), file, force=True))) == 1


@pytest.mark.parametrize(
    ("write", "name", "complaint"),
    [
        (export_levels, "a.txt", "end the file's name in .safetensors or .json"),
        (draw_level_set, "a.gif", "end the file's name in .png, .pdf or .svg"),
        (export_levels, "nowhere/a.json", "does not exist; make it"),
        (export_levels, "folder.json", "exists; choose another --to"),
    ],
)
def test_a_file_that_cannot_be_written_is_one_line(write, name, complaint, tmp_path):
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(GrooveError, match=complaint):
        write(four_levels(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.json"]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"levels": []}', json.dumps({"levels": [{}], "sizes": {}, "scores": []}), '{"levels": 1}']
)
def test_other_json_is_refused(content, tmp_path):
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(GrooveError, match="is not JSON as"):
        import_levels(tmp_path / "bad.json")


def test_a_missing_source_is_one_line(tmp_path):
    with pytest.raises(GrooveError, match="does not exist"):
        read_levels(tmp_path / "no.safetensors")
    with pytest.raises(GrooveError, match="cannot be read"):
        import_levels(tmp_path / "no.json")
    with pytest.raises(GrooveError, match="--top = -1"):
        read_levels(tmp_path / "no.safetensors", top=-1)
