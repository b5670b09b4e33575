"""Level sets: sorted by score, the same after export and import, with new lifetimes, drawn, and refused in one line."""

import json

import jax
import numpy as np
import pytest

from groove.envs.gridworld.level_file import load_levels, save_levels
from groove.evaluation.levels.level_sets import (
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


def _set(*place):
    """Return a change of values: the last of `place` is put where the others, keys and indices, lead."""
    *above, last, value = place

    def change(content):
        for key in above:
            content = content[key]
        content[last] = value

    return change


EDITS = {
    "a fraction": (_set("levels", 1, "max_steps", 10.9), r"levels\.1\.max_steps: Input should be a valid integer"),
    "a large number": (
        _set("levels", 0, "lifetime", 2**40),
        r"levels\.0\.lifetime: Input should be less than 2147483648",
    ),
    "a large reward": (_set("levels", 0, "object_reward", 1, 1e39), r"levels\.0\.object_reward\.1: .* less than"),
    "text": (_set("levels", 0, "size", "5"), r"levels\.0\.size: Input should be a valid integer"),
    "a number as a wall": (_set("levels", 0, "walls", 3, 1), r"levels\.0\.walls\.3: Input should be a valid boolean"),
    "a misspelt field": (
        _set("levels", 2, "lifetme", 5),
        r'levels\.2\.lifetme is no field \(did you mean "lifetime"\?\)',
    ),
    "a misspelt key": (_set("score", []), r'score is no field \(did you mean "scores"\?\)'),
    "a misspelt size": (_set("sizes", "sides", 6), r'sizes\.sides is no field \(did you mean "side"\?\)'),
    "a missing field": (lambda content: content["levels"][3].pop("start"), r"without levels\.3\.start"),
    "a huge side": (_set("sizes", "side", 10**6), r"sizes\.side = 1000000 must be between 3 and 99"),
    "a huge number of objects": (_set("sizes", "objects", 2**40), r"sizes\.objects = \d+ must be between 1 and 16"),
    "another side": (_set("sizes", "side", 7), r"levels\.0\.walls has 36 entries, not 49 \(side x side\)"),
    "objects that are missing": (_set("levels", 1, "p_respawn", []), r"levels\.1\.p_respawn has 0 entries, not 3"),
    "a list as origin": (_set("about", [1]), r"about: Input should be a valid dictionary"),
    "scores that are missing": (_set("scores", [1.0]), r"scores has 1 entries for 4 levels"),
    "an infinite score": (_set("scores", 0, float("inf")), r"bad\.json .*Infinity is no finite number of 64 bits"),
    "a number of thousands of digits": (_set("scores", 0, 10**4000), r"bad\.json .* is no finite number of 64 bits"),
    "a start in a wall": (_set("levels", 2, "start", 35), r"bad\.json, level 2: level\.start = 35 is in a wall"),
    "no level": (lambda content: content.update(levels=[], scores=[]), "needs at least one level"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_mistake_in_edited_levels_is_one_line_that_names_the_place(edit, tmp_path):
    path = export_levels(four_levels(), tmp_path / "bad.json")
    content = json.loads(path.read_text())
    change, complaint = EDITS[edit]
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(GrooveError, match=complaint) as error:
        import_levels(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_edited_levels_may_have_whole_numbers_as_rewards_and_lack_an_origin(tmp_path):
    path = export_levels(four_levels(), tmp_path / "levels.json")
    content = json.loads(path.read_text())
    content["levels"][0]["object_reward"][0] = 1
    del content["about"]
    path.write_text(json.dumps(content))
    levels = import_levels(path)
    assert levels.levels.object_reward[0, 0] == 1.0
    assert levels.levels.object_reward.dtype == np.float32
    assert levels.about == {}


def test_a_missing_source_is_one_line(tmp_path):
    with pytest.raises(GrooveError, match="does not exist"):
        read_levels(tmp_path / "no.safetensors")
    with pytest.raises(GrooveError, match="cannot be read"):
        import_levels(tmp_path / "no.json")
    with pytest.raises(GrooveError, match="--top = -1"):
        read_levels(tmp_path / "no.safetensors", top=-1)
