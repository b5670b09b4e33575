"""Rule files that were altered with a valid checksum: one clear error, no code run, nothing large allocated."""

import importlib.util
import json
import resource

import numpy as np
import pytest
from safetensors import safe_open

import groove
from groove.dropin.rule_file import fingerprint, released_rules
from groove.utils.tensor_file import tensor_bytes

with safe_open(released_rules()["ta-lpg"], framework="numpy") as _file:
    TENSORS = {name: _file.get_tensor(name) for name in _file.keys()}  # noqa: SIM118
    METADATA = _file.metadata()
CONFIG, NAMES = json.loads(METADATA["config"]), json.loads(METADATA["names"])
FIRST = sorted(TENSORS)[0]
LOADERS = [groove.load]
if importlib.util.find_spec("torch"):
    import groove.torch

    LOADERS.append(groove.torch.load)
DEEP = "[" * 100_000


def of_rule(**settings):
    """Metadata in which settings of the rule are replaced."""
    return {"config": json.dumps(CONFIG | {"lpg": CONFIG["lpg"] | settings})}


METADATA_ATTACKS = {
    "deep config": {"config": DEEP},
    "deep names": {"names": '{"a":' * 100_000},
    "config of another type": {"config": "[]"},
    "keys that are numbers": {"names": json.dumps({key: [1, 2] for key in NAMES})},
    "keys that are text": {"names": json.dumps(dict.fromkeys(NAMES, "x"))},
    "equal keys": {"names": json.dumps({key: ["a", "b"] for key in NAMES})},
    "no settings": {"config": json.dumps(CONFIG | {"lpg": {}})},
    "settings of another type": {"config": json.dumps(CONFIG | {"lpg": []})},
    "another kind": {"config": json.dumps(CONFIG | {"rule": [1]})},
    **{f"hidden {value}": of_rule(hidden=value) for value in (10**4, 10**9, 10**18, -1, "x", None, 1e300, True)},
    "another width": of_rule(prediction_width=3),
    "another base": of_rule(base="ppo"),
    "another core": of_rule(core="lstm"),
    "an unknown core": of_rule(core="x"),
    "an unknown setting": of_rule(bogus=3),
    "a discount of text": of_rule(discount="x"),
    "a negative discount": of_rule(discount=-2),
    "a flag that is a number": of_rule(normalise=3),
}
ARRAY_ATTACKS = {
    "no dimensions": np.ones((), np.float32),
    "another shape": np.ones((3, 7), np.float32),
    "whole numbers": TENSORS[FIRST].astype(np.int32),
    "doubles": TENSORS[FIRST].astype(np.float64),
    "NaN": np.full_like(TENSORS[FIRST], np.nan),
    "infinity": np.full_like(TENSORS[FIRST], np.inf),
    "missing": None,
}


def refusal(load, path, tensors, metadata):
    path.write_bytes(tensor_bytes(tensors, METADATA | {"sha256": fingerprint(tensors)} | metadata))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError) as error:  # noqa: PT011
        load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024  # KiB
    assert len(str(error.value)) < 500
    return str(error.value)


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("attack", METADATA_ATTACKS)
def test_altered_descriptions_are_refused(tmp_path, load, attack):
    refusal(load, tmp_path / "rule.safetensors", TENSORS, METADATA_ATTACKS[attack])


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("attack", ARRAY_ATTACKS)
def test_altered_arrays_are_refused(tmp_path, load, attack):
    tensors = {name: ARRAY_ATTACKS[attack] if name == FIRST else tensor for name, tensor in TENSORS.items()}
    tensors = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    names = {"names": json.dumps({name: NAMES[name] for name in tensors})}
    message = refusal(load, tmp_path / "rule.safetensors", tensors, names)
    assert "rule.safetensors" in message


@pytest.mark.parametrize("curriculum", [3, None, [], {"a": [1]}])
def test_an_origin_of_another_type_does_not_matter(tmp_path, curriculum):
    config = CONFIG | {"trained_with": CONFIG["trained_with"] | {"curriculum": curriculum}}
    path = tmp_path / "rule.safetensors"
    path.write_bytes(tensor_bytes(TENSORS, METADATA | {"config": json.dumps(config)}))
    assert groove.load(path).config == groove.load("ta-lpg").config


@pytest.mark.parametrize("load", LOADERS)
def test_the_file_as_it_was_is_accepted(tmp_path, load):
    path = tmp_path / "rule.safetensors"
    path.write_bytes(tensor_bytes(TENSORS, METADATA))
    load(path)
