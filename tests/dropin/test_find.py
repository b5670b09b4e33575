"""Rules by name: files, labels, and identities."""

import shutil

import jax
import numpy as np
import pytest

from groove.dropin.find import find_rule, find_rules, named_rule
from groove.dropin.load import load
from groove.dropin.rule_file import save_rule
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig
from groove.training.settings.presets import preset
from groove.utils.errors import GrooveError
from groove.utils.typed_fields import to_dict

CONFIG = LPGConfig(hidden=4, prediction_width=3)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "a-run"
    folder.mkdir()
    for name, seed in (("rule", 0), ("best_rule", 1)):
        eta = jax.device_get(make_lpg(CONFIG).init(jax.random.key(seed)))
        values = to_dict(preset("smoke"))
        about = {"rule": "lpg", "lpg": vars(CONFIG), "meta_steps": 7, "trained_with": values}
        save_rule(folder / f"{name}.safetensors", eta, about)
    return folder


def test_runs_files_and_labels(run):
    whole = find_rule(str(run))
    assert (whole.name, whole.rule.name, whole.about["curriculum"], whole.about["meta_steps"]) == (
        "a-run",
        "lpg",
        "ar",
        7,
    )
    same = find_rule(f"mine={run}/rule.safetensors")
    assert (same.name, same.identity, same.kind) == ("mine", whole.identity, whole.kind)
    best = find_rule(f"{run}/best_rule.safetensors")
    assert best.name == "best_rule"
    assert best.kind == whole.kind  # one program serves both
    assert best.identity != whole.identity
    eta = make_lpg(CONFIG).init(jax.random.key(0))
    jax.tree.map(np.testing.assert_array_equal, whole.eta, jax.device_get(eta))


def test_hand_written_rules_have_identities_of_their_own():
    rules = find_rules(["a2c", "ppo", "random"])
    assert [rule.name for rule in rules] == ["a2c", "ppo", "random"]
    assert len({rule.identity for rule in rules}) == 3
    assert all(rule.eta == () for rule in rules)


def test_settings_in_brackets_make_another_rule(run):
    usual, other = find_rule("ppo"), find_rule("ppo[epochs=8;clip=0.1]")
    assert other.name == "ppo[epochs=8;clip=0.1]"
    assert "epochs=8, minibatches=4" in other.about["settings"]
    assert len({usual.identity, other.identity}) == 2
    # a setting that repr leaves out makes a program of its own, too
    assert find_rule("slow=ppo[table_learning_rate=1.0]").kind != usual.kind
    untrained = find_rule(f"{run}[prediction_coefficient=0.25]")
    assert untrained.config.prediction_coefficient == 0.25
    assert find_rule("ppo[epochs=4]").identity == usual.identity


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("ppo[epoch=8]", "epochs"),
        ("ppo[epochs=0]", "ppo.epochs = 0 must be between 1 and 10000"),
        ("ppo[epochs=many]", "epochs"),
        ("ppo[epochs]", "is not an assignment"),
        ("a2c[learning_rate=nan]", 'the rule "a2c" has no setting "learning_rate": its settings are trace, entropy_co'),
        ("random[x=1]", 'the rule "random" has no setting "x": its settings are none'),
        ("a2c[trace=nan]", "a2c.trace = nan must be between 0 and 1, and finite"),
        ("a2c[]", r'"a2c\[\]" holds an empty setting: write NAME\[FIELD=VALUE;FIELD=VALUE\]'),
        ("ppo[epochs=2;]", "holds an empty setting"),
        ("ppo[epochs=2;epochs=3]", r"ppo\[\.\.\.\] lists epochs twice"),
        ("RUN[clip=0.1]", "lpg.clip is read by rules with base=ppo only"),
    ],
)
def test_wrong_settings_in_brackets_are_refused(run, name, complaint):
    with pytest.raises(GrooveError, match=complaint):
        find_rule(name.replace("RUN", str(run)))


def test_one_label_may_hold_several_rules_but_a_name_by_accident_may_not(run, tmp_path):
    other = _other(run, tmp_path / "a-run").parent
    pooled = find_rules([f"groove={run}", f"groove={run}/best_rule.safetensors"])
    assert [rule.name for rule in pooled] == ["groove", "groove"]
    with pytest.raises(ValueError, match='two rules are called "a-run"; give them labels'):
        find_rules([str(run), f"{other}/a-run"])
    with pytest.raises(ValueError, match="is there twice"):
        find_rules([str(run), str(run)])


@pytest.mark.parametrize("folder", ["seed=3", "dr=0.5,mazes=0.5-laptop-0", "curriculum=lpg", "=x"])
def test_an_equals_sign_in_a_folder_is_no_label(run, tmp_path, folder, monkeypatch):
    shutil.copytree(run, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    whole = find_rule(str(run))
    for name, shown in ((folder, folder), (f"mine={folder}", "mine"), (f"mine={tmp_path / folder}", "mine")):
        rule = find_rule(name)
        assert (rule.name, rule.identity) == (shown, whole.identity)
    assert named_rule(folder).name == folder
    with pytest.raises(ValueError, match="two rules are called"):
        find_rules([folder, str(_other(run, tmp_path / "elsewhere" / folder))])


def _other(run, folder):
    folder.mkdir(parents=True)
    shutil.copy(run / "best_rule.safetensors", folder / "rule.safetensors")
    return folder


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("a2", r'there is no rule "a2": .* \(did you mean "a2c"\?\)'),
        ("nowhere/run", "the directory of a run, or a .safetensors file"),
        ("nowhere.safetensors", "does not exist"),
        ("=a2c", "has no label"),
    ],
)
def test_unknown_rules_are_one_line(name, complaint):
    with pytest.raises(ValueError, match=complaint):
        find_rule(name)


@pytest.mark.parametrize("name", [None, 5, True, [], ["groove"], b"groove", {"groove": 1}])
def test_a_rule_has_a_name_or_a_path(name):
    for find in (named_rule, load):
        with pytest.raises(GrooveError, match="the rule must be one name or path, not"):
            find(name)


def test_a_learned_rule_with_settings_is_loaded():
    loaded = load("paper-lpg[prediction_coefficient=0.1]")
    assert loaded.config.prediction_coefficient == 0.1
    assert loaded.card == load("paper-lpg").card


def test_a_directory_without_a_rule_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"rule.safetensors does not exist"):
        find_rule(str(tmp_path))


def test_a_file_of_something_else_is_refused(tmp_path):
    save_rule(tmp_path / "x.safetensors", {"a": {"b": np.zeros(2)}}, {"rule": "other"})
    with pytest.raises(ValueError, match="does not hold a learned rule"):
        find_rule(str(tmp_path / "x.safetensors"))


def test_no_rules_is_a_mistake():
    with pytest.raises(ValueError, match="no rules were given"):
        find_rules([])
