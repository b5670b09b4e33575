"""Releases: the best seed with its card; everything is checked before the first file is written."""

import os

import jax
import pytest

import groove
from groove.dropin.find import find_rule
from groove.dropin.load import load
from groove.dropin.rule_file import load_rule, released_rules, save_rule
from groove.evaluation.releases.release import release
from groove.evaluation.results import Results
from groove.training.run_dir import RunDir
from groove.training.settings.presets import preset
from groove.utils.errors import ConfigError, GrooveError
from groove.utils.typed_fields import replace, to_dict
from tests._helpers.cells import line
from tests._helpers.finished_runs import finished_run


@pytest.fixture
def stored(tmp_path):
    results = Results(tmp_path / "results")
    for i, rule in enumerate(("mine", "a2c", "random")):
        changes = {"task": "minatar/Breakout", "budget": "laptop", "rule_identity": rule}
        changes |= {"updates": [1], "env_steps": [1280]}
        results.append("minatar", line(rule, (0, 1), rule, [[[3.0 - i], [3.5 - i]]], **changes))
    return str(results.folder)


def _arguments(folder, stored, runs, /, **changes):
    usual = {"to": folder / "weights", "results": stored, "suites": ["minatar"], "rules": ["mine", "a2c", "random"]}
    return {"name": "mine", "runs": runs} | usual | changes


def test_the_best_seed_is_released_with_its_card(tmp_path, stored):
    scores = ((1, 0.8), (2, 0.9), (3, 0.7))
    runs = [str(finished_run(tmp_path / f"run{seed}", seed, score, seed)) for seed, score in scores]
    path = release(**_arguments(tmp_path, stored, runs, notes="## Limits"))
    rule = load(str(path))
    assert all((x == 22).all() for x in jax.tree.leaves(rule.eta))
    assert rule.about["released"] == {"name": "mine", "groove": _version(), "license": "Apache-2.0"}
    for said in ('groove.load("mine")', "seed 1: 0.80, seed 2: 0.90", "| 20 | 0.90 [0.80, 1.00] |", "## Limits"):
        assert said in rule.card
    assert "minatar/Breakout | 1.28 k | 3.25" in rule.card
    assert "20; released is the rule after 20" in rule.card
    assert str(tmp_path / "run2") not in rule.card


def test_a_released_rule_is_replaced_only_if_asked(tmp_path, stored):
    arguments = _arguments(tmp_path, stored, [str(finished_run(tmp_path / "run1", 1, 0.5, 1))])
    before = release(**arguments).read_bytes()
    arguments["runs"] = [str(finished_run(tmp_path / "run2", 2, 0.5, 2))]
    with pytest.raises(ConfigError, match=r'holds a rule "mine" already.*--force'):
        release(**arguments)
    assert (tmp_path / "weights" / "mine.safetensors").read_bytes() == before
    assert release(**arguments, replace=True).read_bytes() != before


def test_an_earlier_rule_may_have_validated_better(tmp_path, stored):
    runs = [finished_run(tmp_path / f"run{seed}", seed, score, seed) for seed, score in ((1, 0.4), (2, 0.3))]
    rule = load(str(release(**_arguments(tmp_path, stored, runs, earlier=True))))
    assert all((x == 12).all() for x in jax.tree.leaves(rule.eta))  # run 2 validates at 0.7 after 10 meta-steps
    assert "20; released is the rule after 10" in rule.card


def test_seeds_are_chosen_by_development_tasks_and_by_no_held_out_task(tmp_path, stored):
    runs = [str(finished_run(tmp_path / f"run{seed}", seed, 0.5, seed)) for seed in (1, 2)]
    results = Results(stored)
    for rule, value in (("random", 1.0), ("a2c", 3.0), (runs[0], 2.5), (runs[1], 2.0)):
        identity = find_rule(rule).identity
        changes = {"task": "development/tables", "budget": "laptop", "rule_identity": identity}
        changes |= {"updates": [1], "env_steps": [1280]}
        results.append("development", line(identity, (0,), rule, [[[value]]], **changes))
    rule = load(str(release(**_arguments(tmp_path, stored, runs, by=["development/tables"]))))
    assert all((x == 21).all() for x in jax.tree.leaves(rule.eta))
    assert "seed 1: 0.75, seed 2: 0.50; released is the best by the mean of development/tables" in rule.card
    with pytest.raises(ConfigError, match="is held out"):
        release(**_arguments(tmp_path, stored, runs, by=["minatar/Breakout"], replace=True))
    with pytest.raises(ConfigError, match="on development/networks"):  # the suite stands for all its tasks
        release(**_arguments(tmp_path, stored, runs, by=["development"], replace=True))


def test_a_rule_file_stands_for_a_run_whose_directory_is_gone(tmp_path, stored):
    runs = [finished_run(tmp_path / f"run{seed}", seed, 0.5, seed) for seed in (1, 2)]
    rules = [str(RunDir(run).rule) for run in runs]
    with pytest.raises(ConfigError, match=r"does not say how it was trained"):
        release(**_arguments(tmp_path, stored, rules[:1]))
    for seed, file in enumerate(rules, 1):
        eta, about = load_rule(file)
        save_rule(file, eta, about | {"trained_with": to_dict(replace(preset("smoke"), "seed", seed))})
    with pytest.raises(ConfigError, match=r"holds no meta-validation.*--by development"):
        release(**_arguments(tmp_path, stored, rules))
    results = Results(stored)
    for rule, value in (("random", 1.0), ("a2c", 3.0), (rules[0], 2.0), (rules[1], 2.5)):
        identity = find_rule(rule).identity
        changes = {"task": "development/tables", "budget": "laptop", "rule_identity": identity}
        changes |= {"updates": [1], "env_steps": [1280]}
        results.append("development", line(identity, (0,), rule, [[[value]]], **changes))
    choose = {"by": ["development/tables"]}
    mixed = [str(runs[0]), rules[1]]  # directories and files may be compared
    card = load(str(release(**_arguments(tmp_path, stored, mixed, **choose)))).card
    assert "seed 1: 0.50, seed 2: 0.75" in card
    assert "20; released is the rule after 20" in card
    assert not {"## Meta-validation", "| commit |", "| wall time |"} & set(card.splitlines())
    with pytest.raises(ConfigError, match="holds no meta-validation"):
        release(**_arguments(tmp_path, stored, rules, earlier=True, replace=True, **choose))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "../mine"}, "must be a plain name"),
        ({"name": ""}, "must be a plain name"),
        ({"name": "a\nb"}, "must be a plain name"),
        ({"runs": []}, "no runs were given"),
        ({"suites": ["minatr"]}, 'did you mean "minatar"'),
        ({"suites": ["gridworld"]}, "holds no results of mine, a2c, random on gridworld"),
        ({"by": ["developmnt"]}, 'did you mean "development"'),
        ({"to": "occupied"}, "choose another --to"),
    ],
)
def test_a_mistake_costs_one_line_and_writes_nothing(changes, complaint, tmp_path, stored, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "occupied").write_text("")
    run = finished_run(tmp_path / "run", 1, 0.5, 1.0)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(GrooveError, match=complaint) as refused:
        release(**_arguments(tmp_path, stored, [run], **changes))
    assert "\n" not in str(refused.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_released_rule_is_not_replaced_if_its_tables_cannot_be_made(tmp_path, stored):
    run = finished_run(tmp_path / "run", 1, 0.5, 1.0)
    path = release(**_arguments(tmp_path, stored, run))
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    other = finished_run(tmp_path / "other", 2, 0.9, 9.0)
    with pytest.raises(GrooveError, match="holds no results"):
        release(**_arguments(tmp_path, stored, other, suites=["gridworld"], replace=True))
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_a_disk_that_is_full_leaves_the_released_rule_as_it_was(tmp_path, stored, monkeypatch):
    path = release(**_arguments(tmp_path, stored, finished_run(tmp_path / "run", 1, 0.5, 1.0)))
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    other, real, calls = finished_run(tmp_path / "other", 2, 0.9, 9.0), os.fsync, []

    def fail_at_the_card(handle):
        calls.append(handle)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fail_at_the_card)
    with pytest.raises(GrooveError, match="cannot be written"):
        release(**_arguments(tmp_path, stored, other, replace=True))
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_released_rules_are_small_sound_and_have_cards():
    assert {"groove", "lpg", "paper-groove", "paper-lpg", "ta-lpg"} <= set(released_rules())
    for name, path in released_rules().items():
        rule = groove.load(name)
        assert path.stat().st_size < 2_000_000
        assert f'groove.load("{name}")' in rule.card
        assert rule.config.lifetime_conditioning == (name == "ta-lpg")
        assert rule.config.controls == (name in {"groove", "lpg"})


def _version():
    from importlib.metadata import version

    return version("groove-rl")
