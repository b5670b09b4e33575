"""Sweep files: every combination once, and one clear complaint about what cannot work."""

import pytest

from groove.sweep.sweep_file import read_sweep
from groove.utils.errors import ConfigError


def _read(tmp_path, text):
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    return read_sweep(path)


def test_every_combination_is_trained_once(tmp_path):
    trainings = _read(
        tmp_path,
        """
        config = "smoke"
        seeds = [0, 3]
        curricula.groove = { curriculum = "ar", antagonists = ["a2c", "ppo"], plr.robust = true }
        curricula.uniform = "dr"
        set = { "run.steps" = 10 }
        [grid]
        gradient.updates = [2, 3]
        """,
    )
    assert len({t.name for t in trainings}) == len(trainings) == 8
    assert trainings[0].title == "groove, gradient.updates=2, meta-seed 0"
    assert {(t.curriculum, t.seed, t.config.gradient.updates) for t in trainings} == {
        (curriculum, seed, updates) for curriculum in ("ar", "dr") for seed in (0, 3) for updates in (2, 3)
    }
    assert all(t.config.run.steps == 10 for t in trainings)
    assert all((t.config.antagonists, t.config.plr.robust) == (("a2c", "ppo"), True) for t in trainings[:4])
    assert not any(t.config.plr.robust for t in trainings[4:])


def test_a_setting_of_all_trainings_is_left_out_of_those_that_would_not_read_it(tmp_path):
    text = "config = 'smoke'\ncurricula = ['ar', 'dr']\n[set]\nplr.buffer_size = 48\nrun.steps = 20"
    ar, dr = _read(tmp_path, text)
    assert (ar.config.plr.buffer_size, ar.config.run.steps) == (48, 20)
    assert dr.overrides == ("run.steps=20",)
    with pytest.raises(ConfigError, match=r"dr: plr.buffer_size is read by curricula that replay, such as ar only"):
        _read(tmp_path, text.replace("'ar', ", ""))
    with pytest.raises(ConfigError, match=r"b: plr.robust is read by curricula that replay"):
        _read(tmp_path, "curricula.a = 'ar'\ncurricula.b = { curriculum = 'dr', plr.robust = true }")


def test_what_is_left_out_has_defaults(tmp_path):
    (training,) = _read(tmp_path, "seeds = 1")
    assert (training.preset, training.curriculum, training.seed, training.label) == ("laptop", "ar", 0, "ar")
    assert len(_read(tmp_path, "seeds = 1\nset = {}\ngrid = {}")) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("seed = 1", r'unknown key "seed" \(did you mean "seeds"\?\)'),
        ("config = 'smok'", r'unknown config "smok" \(did you mean "smoke"\?\)'),
        ("config = ['smoke']", r"config = \['smoke'\] is no text; choose one of paper, "),
        ("config = { a = 1 }", r"config = {'a': 1} is no text"),
        ("config = 1", "config = 1 is no text"),
        ("config = 'smoke'\ncurricula = ['dr', 'paired@chain']", 'paired@chain: .*"chain" cannot be designed'),
        ("config = 'smoke'\ncurricula = ['ncc@set:nosuch']", "ncc@set:nosuch: nosuch does not exist"),
        ("config = 'smoke'\ncurricula = ['ncc:']", 'ncc:: "ncc:" names no score'),
        ("config = 'smoke'\nset.antagonists = ['a2c', 'rule:a2c']", "antagonists a2c and rule:a2c are the same rule"),
        ("curricula = ['']", "curricula is a list"),
        ("curricula = { '' = 'ar' }", "a name in curricula is empty"),
        ("curricula = { ' ' = 'ar' }", "a name in curricula is empty"),
        ("seeds = 0", "seeds is a number of meta-seeds"),
        ("seeds = true", "seeds is a number of meta-seeds"),
        ("seeds = [1, 0, 1]", "seeds lists 1 twice: list it once"),
        ("seeds = 1000000000", "seeds = 1000000000 must be at most 10,000"),
        ("seeds = -2", "seeds is a number of meta-seeds"),
        ("seeds = []", "seeds is a number of meta-seeds"),
        ("seeds = [-1]", "seed"),
        ("curricula = 'ar'", "curricula is a list"),
        ("curricula = []", "curricula is a list"),
        ("curricula = ['arr']", 'arr: .*"arr"'),
        ("curricula.a = { curiculum = 'ar' }", "curricula is a list"),
        ("curricula.a = { curriculum = 'dr', plr.robust = true }", "a: plr.robust is read by curricula that replay"),
        ("set = 1", "set is a table"),
        ("[set]\nrun.step = 1", r'unknown field "run.step" \(did you mean "run.steps"\?\)'),
        ("[grid]\nrun.steps = 3", "run.steps takes a list of values"),
        ("[grid]\nrun.steps = []", "run.steps takes a list of values"),
        ("[grid]\nrun.steps = [5, 5]", "grid: run.steps lists 5 twice: list it once"),
        ("[grid]\nantagonists = [['a2c'], ['ppo'], ['a2c']]", r"grid: antagonists lists \['a2c'\] twice"),
        ("[grid]\nplr.temperature = [1, 1.0]", "ar, plr.temperature=1, meta-seed 0 and .* are the same training"),
        ("curricula = ['ar', 'dr', 'ar']", "curricula lists ar twice"),
        ("curricula = { a = 'ar', b = 'ar' }", "a, meta-seed 0 and b, meta-seed 0 are the same training"),
        ("# nothing", "the file says nothing: give at least one of config, curricula"),
        ("[set]\nseed = 7", "set holds seed, which is no setting of a sweep: list meta-seeds under seeds"),
        ("[grid]\nseed = [7, 8]", "grid holds seed, which is no setting of a sweep: list meta-seeds under seeds"),
        ("[set]\ncurriculum = 'dr'", "set holds curriculum, .*: list curricula under curricula"),
        ("[grid]\ncurriculum = ['ar', 'dr']", "grid holds curriculum, .*: list curricula under curricula"),
        ("curricula.a = { curriculum = 'ar', seed = 3 }", "curricula.a holds seed, which is no setting"),
        ("[set]\npreset = 'smoke'", "set holds preset, .*: name the preset under config"),
        ("[set]\ndevices = 2", "set holds devices, .*: every training has one device"),
        ("[set]\nrun.minutes = 2", "set holds run.minutes, .*: every training runs to its last meta-step"),
        ("[set]\nrun.steps = 5\n[grid]\nrun.steps = [5, 6]", "run.steps is set twice: keep one of set, grid"),
        ("[set]\nrun.steps = 3000000000", "run.steps = 3000000000 must be at most 1,000,000,000"),
        (
            "seeds = 1000\n[grid]\nrun.steps = [1, 2, 3]\nslots.count = [8, 16, 32, 64]",
            "these are 12,000 trainings: name fewer",
        ),
        ("seeds = " + "[" * 5000 + "]" * 5000, r"cannot be read \(nested too deeply\)"),
        ("set = " + "{ a = " * 5000 + "1" + "}" * 5000, r"cannot be read \(nested too deeply\)"),
        (f"[set]\n{'a.' * 5000}a = 1", r"cannot be read \(nested too deeply\)"),
        ("[grid]\nrun.steps = ['many']", 'run.steps takes an integer, not "many"'),
        ("config = ", "cannot be read"),
    ],
)
def test_what_cannot_work_is_refused_at_once(tmp_path, text, complaint):
    with pytest.raises(ConfigError, match=complaint) as refusal:
        _read(tmp_path, text)
    assert "sweep.toml" in str(refusal.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_sweep(tmp_path / "missing.toml")
