"""A rule file comes back bit for bit, and what is not a whole rule of ours is refused in one line."""

import json
import os
import pickle
from collections import namedtuple
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open

from groove.dropin.rule_file import RuleFileError, load_rule, released_rules, save_rule
from groove.utils.tensor_file import tensor_bytes

RUNS = Path(__file__).parents[2] / "docs/results/release_runs"
RELEASED = [*released_rules().values(), *sorted(RUNS.rglob("*.safetensors"))]


def _one_line(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


ETA = {
    "lpg/~/gru": {"w_i": np.arange(6, dtype=np.float32).reshape(2, 3).T, "b": np.float32(0.1) * np.ones(4, np.float32)},
    "lpg": {"head/w": np.array([1e-45, -0.0], np.float32), "scale": np.array(2.5, np.float32)},
}
CONFIG = {"lpg": {"hidden": 64, "core": "gru"}, "lr": 3e-4}


def test_a_rule_comes_back_bit_for_bit(tmp_path):
    path = tmp_path / "rule.safetensors"
    save_rule(path, jax.tree.map(jnp.asarray, ETA), CONFIG)
    eta, config = load_rule(path)
    assert config == CONFIG
    assert jax.tree.structure(eta) == jax.tree.structure(ETA)
    for a, b in zip(jax.tree.leaves(eta), jax.tree.leaves(ETA)):
        assert type(a) is np.ndarray
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def test_equal_rules_have_equal_files(tmp_path):
    first, again, turned = (tmp_path / f"{name}.safetensors" for name in ("first", "again", "turned"))
    save_rule(first, ETA, CONFIG)
    save_rule(again, *load_rule(first))
    save_rule(turned, dict(reversed(ETA.items())), dict(reversed(CONFIG.items())))
    assert first.read_bytes() == again.read_bytes() == turned.read_bytes()


def test_parameters_in_tuples_have_the_names_of_their_fields_and_places(tmp_path):
    pair = namedtuple("pair", ["w", "b"])(np.ones((2, 1), np.float32), np.zeros(2, np.float32))
    as_dict = {"layers": {"0": pair._asdict(), "1": {"w": pair.b}}}
    first, again = tmp_path / "first.safetensors", tmp_path / "again.safetensors"
    save_rule(first, {"layers": (pair, {"w": pair.b})}, CONFIG)
    save_rule(again, as_dict, CONFIG)
    assert first.read_bytes() == again.read_bytes()
    jax.tree.map(np.testing.assert_array_equal, load_rule(first)[0], as_dict)


def test_a_rule_is_readable_by_others(tmp_path):
    from safetensors.numpy import load_file

    save_rule(tmp_path / "rule.safetensors", ETA, CONFIG)
    tensors = load_file(tmp_path / "rule.safetensors")
    assert set(tensors) == {"lpg/~/gru/w_i", "lpg/~/gru/b", "lpg/head/w", "lpg/scale"}
    assert np.array_equal(tensors["lpg/~/gru/w_i"], ETA["lpg/~/gru"]["w_i"])
    beside = json.loads((tmp_path / "rule.json").read_text())
    assert beside["config"] == CONFIG
    assert beside["arrays"]["lpg/~/gru/w_i"] == "float32[3, 2]"


def test_a_truncated_or_altered_rule_is_refused(tmp_path):
    path = tmp_path / "rule.safetensors"
    save_rule(path, ETA, CONFIG)
    whole = path.read_bytes()
    for size in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(RuleFileError, match="truncated or no safetensors file") as error:
            load_rule(path)
        assert str(path) in _one_line(error)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(RuleFileError, match="does not match its checksum"):
        load_rule(path)


def test_no_flipped_bit_of_a_rule_file_goes_unnoticed(tmp_path):
    """Flip one bit of every byte, also of the settings and the names of arrays."""
    path = tmp_path / "rule.safetensors"
    save_rule(path, ETA, CONFIG)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 7]) + whole[place + 1 :])
        try:
            eta, config = load_rule(path)
        except RuleFileError:
            continue
        assert config == CONFIG
        jax.tree.map(np.testing.assert_array_equal, eta, ETA)


def test_an_altered_setting_is_refused_and_files_of_version_0_1_load(tmp_path):
    path = tmp_path / "rule.safetensors"
    save_rule(path, ETA, CONFIG)
    with safe_open(path, framework="numpy") as file:
        tensors, about = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    path.write_bytes(tensor_bytes(tensors, about | {"config": about["config"].replace("64", "65")}))
    with pytest.raises(RuleFileError, match="does not match its checksum, so it was altered: get it again"):
        load_rule(path)
    path.write_bytes(tensor_bytes(tensors, {name: text for name, text in about.items() if name != "sha256_about"}))
    assert load_rule(path)[1] == CONFIG


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_rules_of_the_repository_load(path):
    eta, config = load_rule(path)
    assert eta
    assert config["rule"] == "lpg"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"groove_rule_format": "2"}, "format 1 but of 2: upgrade groove"),
        ({"groove_rule_format": None}, "format 1 but of none"),
        ({"config": None}, "lacks its config or names"),
        ({"config": "[1]"}, "lacks its config or names"),
        ({"config": "{"}, "lacks its config or names"),
        ({"names": "{}"}, "lacks its config or names"),
        ({"names": '{"x": ["a"], "y": ["a", "b"]}'}, "lacks its config or names"),
        ({"sha256": None}, "does not match its checksum"),
    ],
)
def test_a_rule_with_other_metadata_is_refused(tmp_path, changes, complaint):
    from safetensors.numpy import save_file

    tensors = {"x": np.zeros(2, np.float32), "y": np.ones(2, np.float32)}
    about = {"groove_rule_format": "1", "config": "{}", "names": '{"x": ["x"], "y": ["y"]}', "sha256": ""} | changes
    save_file(tensors, tmp_path / "r.safetensors", {k: v for k, v in about.items() if v is not None})
    with pytest.raises(RuleFileError, match=complaint) as error:
        load_rule(tmp_path / "r.safetensors")
    _one_line(error)


def test_what_is_no_rule_is_refused(tmp_path):
    with pytest.raises(RuleFileError, match="does not exist"):
        load_rule(tmp_path / "absent.safetensors")
    (tmp_path / "p.safetensors").write_bytes(pickle.dumps(ETA))
    with pytest.raises(RuleFileError, match="no safetensors file"):
        load_rule(tmp_path / "p.safetensors")
    for eta in ({}, {"a": {}}, {"a/b": np.zeros(1), "a": {"b": np.zeros(1)}}):
        with pytest.raises(RuleFileError, match="nested dicts or tuples of arrays with distinct"):
            save_rule(tmp_path / "r.safetensors", eta, {})
    with pytest.raises(RuleFileError, match="cannot be written"):
        save_rule(tmp_path / "absent" / "r.safetensors", ETA, {})


def test_a_rule_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "rule.safetensors"
    save_rule(path, ETA, CONFIG)

    def fail(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(RuleFileError, match="No space left"):
            save_rule(path, jax.tree.map(np.zeros_like, ETA), {"new": 1})
    assert load_rule(path)[1] == CONFIG
    assert sorted(os.listdir(tmp_path)) == ["rule.json", "rule.safetensors"]
    save_rule(path, ETA, {"new": 1})
    assert load_rule(path)[1] == {"new": 1}
