"""launch/levels.py: what it exports it imports, and what it cannot do it says in one line."""

import json

import jax
import numpy as np
import pytest

from groove.cli.levels import levels
from groove.envs.gridworld.level_file import LevelSet, load_levels, save_levels
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, sample_level

SIZES = GridSizes(side=6, objects=3)


@pytest.fixture
def file(tmp_path):
    dist = LevelDistribution(max_size=6, max_objects=3, walls=4)
    drawn = jax.vmap(lambda k: sample_level(k, dist, SIZES))(jax.random.split(jax.random.key(0), 4))
    scores = np.asarray([1.0, np.nan, 3.0, 2.0], np.float32)
    save_levels(
        tmp_path / "all.safetensors", LevelSet(jax.tree.map(np.asarray, drawn), SIZES, scores, {"of": "a test"})
    )
    return tmp_path / "all.safetensors"


def test_export_takes_the_best_and_json_is_a_round_trip(file, tmp_path, capsys):
    best, text, back = (str(tmp_path / name) for name in ("best.safetensors", "best.json", "back.safetensors"))
    assert levels("export", str(file), best, top=3) == 0
    assert levels("export", best, text, top=0) == 0
    assert levels("import", text, back, top=0) == 0
    assert "3 levels in" in capsys.readouterr().out
    again, chosen, whole = load_levels(back), load_levels(best), load_levels(file)
    assert again.scores.tolist() == chosen.scores.tolist() == [3.0, 2.0, 1.0]
    assert again.about == {"of": "a test"}
    for a, b, c in zip(*(jax.tree.leaves(x.levels) for x in (again, chosen, whole)), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c[[2, 3, 0]])


def test_lifetimes_are_redrawn_the_same_for_the_first_few_and_nothing_else_is(file, tmp_path, capsys):
    def export(name, top, *lifetimes):
        assert levels("export", str(file), str(tmp_path / name), top=top, lifetimes=lifetimes) == 0
        return load_levels(tmp_path / name)

    kept, drawn = export("kept.safetensors", 4), export("drawn.safetensors", 4, "100", "1000")
    lifetimes = np.asarray(drawn.levels.lifetime)
    assert len(set(lifetimes.tolist())) > 1
    assert np.all((lifetimes >= 100) & (lifetimes <= 1000))
    assert drawn.about["lifetimes"] == [100, 1000]
    for name in ("walls", "start", "step_reward"):
        np.testing.assert_array_equal(getattr(drawn.levels, name), getattr(kept.levels, name))
    assert np.asarray(export("two.safetensors", 2, "100", "1000").levels.lifetime).tolist() == lifetimes[:2].tolist()
    for wrong in (("100",), ("1000", "100"), ("0", "5"), ("a", "b")):
        assert levels("export", str(file), str(tmp_path / "no"), top=2, lifetimes=wrong) == 2
        assert "give the shortest and the longest" in capsys.readouterr().err


def test_list_and_draw(file, tmp_path, capsys):
    assert levels("list", str(file), None, top=2) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "nearest_positive" in lines[0]
    assert "3.000" in lines[1]
    assert levels("draw", str(file), str(tmp_path / "l.png"), top=2) == 0
    assert (tmp_path / "l.png").stat().st_size > 1000


def test_what_cannot_be_done_costs_one_line(file, tmp_path, capsys):
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({"levels": [{}]}))
    for command, source, to, said in (
        ("drow", file, tmp_path / "a.png", 'did you mean "draw"'),
        ("draw", file, None, "needs --to"),
        ("export", file, file, "exists"),
        ("export", file, tmp_path / "a.txt", ".safetensors or .json"),
        ("export", tmp_path / "no", tmp_path / "a.json", "does not exist"),
        ("import", bad, tmp_path / "a.safetensors", "is not JSON as"),
    ):
        assert levels(command, str(source), None if to is None else str(to), top=1) == 2
        error = capsys.readouterr().err
        assert said in error, error
        assert error.count("\n") == 1
    assert len(load_levels(file)) == 4
