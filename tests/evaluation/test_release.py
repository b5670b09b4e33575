"""Releases: the seed that validates best, with a card that says what it is and how it did."""

import dataclasses
import json

import jax
import numpy as np
import pytest

import groove
from groove.dropin.find import find_rule
from groove.dropin.rule import load
from groove.dropin.rule_file import save_rule
from groove.evaluation.release import release
from groove.evaluation.results import Results
from groove.lpg.lpg import make_lpg
from groove.training.presets import preset
from groove.training.run_dir import RunDir
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import replace, to_dict


def _run(path, seed, score, value):
    config = replace(preset("smoke"), "seed", seed)
    run = RunDir.create(path, to_dict(config), min_free_bytes=0)
    row = {"step": 20, "env_steps": 3e6, "seconds": 90.0, "validation/normalised_return": score}
    row |= {"validation/normalised_low": score - 0.1, "validation/normalised_high": score + 0.1}
    row["validation/untrained_normalised"] = 0.3
    earlier = row | {"step": 10, "validation/normalised_return": 1 - score}
    run.metrics_jsonl.write_text(json.dumps(earlier) + "\n" + json.dumps(row) + "\n")
    run.summary.write_text(json.dumps(row))
    for step, file in ((20, run.rule), (10, run.best_rule)):
        eta = make_lpg(config.lpg).init(jax.random.key(0))
        eta = jax.tree.map(lambda x, step=step: np.full(x.shape, value + step, np.float32), eta)
        save_rule(file, eta, {"rule": "lpg", "lpg": dataclasses.asdict(config.lpg), "meta_steps": step})
    return str(path)


@pytest.fixture
def stored(tmp_path):
    results = Results(tmp_path / "results")
    for i, rule in enumerate(("mine", "a2c", "random")):
        line = {"cell": rule, "task": "minatar/Breakout", "budget": "laptop", "rule": rule, "seeds": [0, 1]}
        line |= {"rule_identity": rule}
        results.append("minatar", line | {"updates": [1], "env_steps": [1280], "returns": [[[3.0 - i], [3.5 - i]]]})
    return str(results.folder)


def test_the_best_seed_is_released_with_its_card(tmp_path, stored):
    runs = [_run(tmp_path / f"run{seed}", seed, score, seed) for seed, score in ((1, 0.8), (2, 0.9), (3, 0.7))]
    path = release("mine", runs, str(tmp_path / "weights"), stored, ["minatar"], ["mine", "a2c", "random"], "## Limits")
    rule = load(str(path))
    assert all((x == 22).all() for x in jax.tree.leaves(rule.eta))
    assert rule.about["released"] == {"name": "mine", "groove": groove_version(), "license": "Apache-2.0"}
    for said in ('groove.load("mine")', "seed 1: 0.80, seed 2: 0.90", "| 20 | 0.90 [0.80, 1.00] |", "## Limits"):
        assert said in rule.card
    assert "minatar/Breakout | 1.28 k | 3.25" in rule.card
    assert "20; released is the rule after 20" in rule.card
    assert str(tmp_path / "run2") not in rule.card


def test_an_earlier_rule_may_have_validated_better(tmp_path, stored):
    runs = [_run(tmp_path / f"run{seed}", seed, score, seed) for seed, score in ((1, 0.4), (2, 0.3))]
    rules = ["mine", "a2c", "random"]
    rule = load(str(release("mine", runs, str(tmp_path / "w"), stored, ["minatar"], rules, earlier=True)))
    assert all((x == 12).all() for x in jax.tree.leaves(rule.eta))  # 0.7, of the second
    assert "20; released is the rule after 10" in rule.card


def test_seeds_are_chosen_by_development_tasks_and_by_no_held_out_one(tmp_path, stored):
    runs = [_run(tmp_path / f"run{seed}", seed, 0.5, seed) for seed in (1, 2)]
    results = Results(stored)
    for rule, value in (("random", 1.0), ("a2c", 3.0), (runs[0], 2.5), (runs[1], 2.0)):
        identity = find_rule(rule).identity
        line = {"cell": identity, "task": "development/tables", "budget": "laptop", "rule": rule, "seeds": [0]}
        line |= {"rule_identity": identity, "updates": [1], "env_steps": [1280], "returns": [[[value]]]}
        results.append("development", line)
    arguments = ("mine", runs, str(tmp_path / "w"), stored, ["minatar"], ["mine", "a2c", "random"])
    rule = load(str(release(*arguments, by=["development/tables"])))
    assert all((x == 21).all() for x in jax.tree.leaves(rule.eta))
    assert "seed 1: 0.75, seed 2: 0.50; released is the best by the mean of development/tables" in rule.card
    with pytest.raises(ConfigError, match="is held out"):
        release(*arguments, by=["minatar/Breakout"])
    with pytest.raises(ConfigError, match="on development/networks"):  # the suite is its tasks
        release(*arguments, by=["development"])


def groove_version():
    from importlib.metadata import version

    return version("groove-rl")


def test_what_is_no_finished_run_is_refused_and_nothing_written(tmp_path, stored):
    with pytest.raises(ConfigError, match="does not hold a finished run"):
        release("mine", [str(tmp_path)], str(tmp_path / "weights"), stored, ["minatar"], ["a2c"])
    run = _run(tmp_path / "run", 1, 0.5, 1.0)
    RunDir(tmp_path / "run").summary.write_text("{}")
    with pytest.raises(ConfigError, match="never validated"):
        release("mine", [run], str(tmp_path / "weights"), stored, ["minatar"], ["a2c"])
    assert not (tmp_path / "weights").exists()


def test_released_rules_are_small_sound_and_have_cards():
    from groove.dropin.rule_file import released_rules

    assert {"groove", "lpg", "ta-lpg"} <= set(released_rules())
    for name, path in released_rules().items():
        rule = groove.load(name)
        assert path.stat().st_size < 2_000_000
        assert f'groove.load("{name}")' in rule.card
        assert rule.config.lifetime_conditioning == (name == "ta-lpg")
