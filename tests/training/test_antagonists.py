"""Antagonists by name: what exists, what a run records, and a learned rule that stays fixed."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

from groove.dropin.find import named_rule
from groove.dropin.rule_file import released_rules
from groove.lifetimes import lifetime
from groove.meta.antagonists import advance_antagonists
from groove.meta.slots import Levels, begin_lives
from groove.training.antagonists import check_antagonist, pin_antagonist, short_name
from groove.training.build import make_groups
from groove.training.run import meta_train
from groove.training.run_dir import RunDir
from groove.training.settings.prepare import prepare_new, prepare_resumed
from groove.utils.errors import ConfigError, GrooveError
from tests._helpers.rules import write_rule


@pytest.fixture(autouse=True)
def _started():
    """Start the backend, so that requests for devices leave the eight devices of the tests as they are."""
    jax.devices()


def test_what_a_run_records_names_the_rule_for_good(tmp_path, monkeypatch):
    path = Path(write_rule(tmp_path / "mine.safetensors"))
    monkeypatch.chdir(tmp_path)
    digest = named_rule(path).identity
    assert pin_antagonist("rule:mine.safetensors") == f"rule:{path}#{digest}"
    assert pin_antagonist(f"rule:{path}#{digest}") == f"rule:{path}#{digest}"
    name = next(iter(released_rules()))
    assert re.fullmatch(rf"rule:{name}#[0-9a-f]{{16}}", pin_antagonist(f"rule:{name}"))
    assert re.fullmatch(r"rule:ppo\[epochs=2\]#[0-9a-f]{16}", pin_antagonist("rule:ppo[epochs=2]"))
    assert [pin_antagonist(name) for name in ("a2c", "optimal")] == ["a2c", "optimal"]
    assert short_name(f"rule:{path}#{digest}") == "mine.safetensors"
    assert [short_name(name) for name in ("rule:groove#0123456789abcdef", "a2c")] == ["groove", "a2c"]


def test_a_run_is_not_resumed_with_another_rule(tmp_path):
    path = tmp_path / "mine.safetensors"
    write_rule(path)
    stored = prepare_new("smoke", {"antagonists": f"rule:{path}"})
    assert prepare_resumed(stored, None, {}) == stored
    write_rule(path, spread=0.2)
    with pytest.raises(ConfigError, match="is not the rule that it was"):
        prepare_resumed(stored, None, {})


def test_a_rule_that_moved_is_named_anew_when_the_run_goes_on(tmp_path):
    old, new = tmp_path / "old.safetensors", tmp_path / "elsewhere" / "new.safetensors"
    write_rule(old)
    stored = prepare_new("smoke", {"antagonists": f"rule:{old}"})
    RunDir.create(tmp_path / "run", stored)
    new.parent.mkdir()
    for suffix in (".safetensors", ".json"):
        old.with_suffix(suffix).rename(new.with_suffix(suffix))
    with pytest.raises(ConfigError, match=r"old.safetensors\" does not exist: .* --antagonist a2c,rule:PATH"):
        prepare_resumed(stored, None, {})
    moved = prepare_resumed(stored, None, {"antagonists": f"rule:{new}"})
    RunDir.resume(tmp_path / "run", moved)
    assert RunDir(tmp_path / "run").read_config() == moved
    write_rule(new, spread=0.2)
    with pytest.raises(GrooveError, match="antagonists was"):
        RunDir.resume(tmp_path / "run", prepare_resumed(stored, None, {"antagonists": f"rule:{new}"}))


@pytest.mark.parametrize(
    ("names", "same"),
    [
        ("a2c,rule:a2c", "a2c and rule:a2c"),
        ("ppo,rule:ppo[epochs=4]", "ppo and rule:ppo[epochs=4]"),
        ("rule:first.safetensors,rule:second.safetensors", "first.safetensors and rule:second.safetensors"),
    ],
)
def test_one_antagonist_under_two_names_is_refused(names, same, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("first", "second"):
        write_rule(tmp_path / f"{name}.safetensors")
    with pytest.raises(ConfigError, match=re.escape(same) + " are the same rule: name it once"):
        prepare_new("smoke", {"antagonists": names})
    assert prepare_new("smoke", {"antagonists": "ppo,rule:ppo[epochs=2]"}).antagonists[0] == "ppo"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a3c", '(did you mean "a2c"?)'),
        ("rule:", "names no rule"),
        ("rule:nosuch", 'there is no rule "nosuch"'),
        ("rule:ppo[epoch=2]", '(did you mean "epochs"?)'),
        ("rule:damaged.safetensors", "damaged.safetensors"),
    ],
)
def test_an_antagonist_that_does_not_exist_is_refused_before_a_run_begins(name, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged.safetensors").write_bytes(b"no rule")
    with pytest.raises(GrooveError, match=re.escape(said)):
        check_antagonist(name)
    with pytest.raises(GrooveError, match=re.escape(said)):
        prepare_new("smoke", {"antagonists": name})


def test_a_learned_antagonist_lives_as_its_rule_trains_agents_anywhere(tmp_path):
    path = write_rule(tmp_path / "mine.safetensors")
    config = prepare_new("smoke", {"antagonists": f"a2c,rule:{path}", "curriculum": "ar"})
    (group,) = make_groups(config)
    setup, found = group.setup, named_rule(path)
    level = jax.vmap(setup.env.sample_level)(jax.random.split(jax.random.key(1), 2))
    lengths, keys = np.full(2, 4, np.int32), jax.random.split(jax.random.key(2), 2)
    lives = jax.jit(lambda: begin_lives(setup, Levels(level, np.arange(2), np.ones(2)), lengths, keys))()
    after, _ = jax.jit(lambda lives: advance_antagonists(setup, lives, level, 3))(lives)

    agent = setup.antagonists[1].agent
    alone, _ = jax.jit(lambda eta, life: lifetime.live(setup.env, agent, found.rule, eta, life, level, setup.steps, 3))(
        found.eta, lives.antagonists[1]
    )
    moved = False
    for a, b, c in zip(
        *(jax.tree.leaves(life.learner.params) for life in (alone, after.antagonists[1], lives.antagonists[1])),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        moved = moved or not np.array_equal(b, c)
    assert moved


def test_an_untrained_rule_on_the_base_a2c_is_the_antagonist_a2c(tmp_path):
    path = write_rule(tmp_path / "base.safetensors", spread=0.0, base="a2c", scale_rewards=False)
    config = prepare_new("smoke", {"antagonists": f"a2c,rule:{path}", "curriculum": "ar"})
    setup = make_groups(config)[0].setup
    level = jax.vmap(setup.env.sample_level)(jax.random.split(jax.random.key(1), 2))
    lengths, keys = np.full(2, 4, np.int32), jax.random.split(jax.random.key(2), 2)
    lives = jax.jit(lambda: begin_lives(setup, Levels(level, np.arange(2), np.ones(2)), lengths, keys))()
    after, _ = jax.jit(lambda lives: advance_antagonists(setup, lives, level, 3))(lives)
    a2c, same = (life.learner.params for life in after.antagonists)
    for head in ("logits", "value"):
        np.testing.assert_allclose(same[head], a2c[head], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["gradient", "es"])
def test_the_learned_rule_itself_is_an_antagonist_and_its_copies_survive_a_resumption(tmp_path, optimizer):
    changes = {
        "antagonists": "a2c,self:0.5",
        "meta.optimizer": optimizer,
        "run.log_every": 1,
        "run.checkpoint_every": 3,
        "validation.levels": 1,
    }
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    meta_train("ar", "smoke", run_dir=whole, overrides={**changes, "run.steps": 5}, progress=False)
    meta_train("ar", "smoke", run_dir=halves, overrides={**changes, "run.steps": 3}, progress=False)
    meta_train(run_dir=halves, overrides={"run.steps": 5}, resume=True, progress=False)
    rules = [named_rule(run).eta for run in (whole, halves)]
    jax.tree.map(np.testing.assert_array_equal, *rules)


@pytest.mark.parametrize("name", ["self:", "self:0", "self:1", "self:x", "self:nan"])
def test_a_share_that_is_none_is_refused(name):
    with pytest.raises(ConfigError, match=r"with a share between 0 and 1, as in self:0\.5"):
        prepare_new("smoke", {"antagonists": name})


def test_self_is_self_half():
    assert prepare_new("smoke", {"antagonists": "self,a2c"}).antagonists == ("self:0.5", "a2c")
    with pytest.raises(ConfigError, match="are the same rule: name it once"):
        prepare_new("smoke", {"antagonists": "self,self:0.50"})
