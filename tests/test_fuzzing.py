"""Damaged files of every format: read as they are, or refused in one line; nothing crashes, hangs or grows.

Two kinds of damage: bytes that are flipped, cut off or put in, and values of the content that are replaced while the
checksums are made to fit, as an attacker would.
"""

import json
import tomllib

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open

import groove
from groove.dropin.rule_file import fingerprint, released_rules
from groove.envs.gridworld.level_file import LevelSet, load_levels, save_levels
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, sample_level
from groove.evaluation.levels.level_json import as_json
from groove.evaluation.levels.level_sets import import_levels
from groove.evaluation.results import Results
from groove.sweep.sweep_file import read_sweep
from groove.training.logs.level_record import LevelRecord, load_level_record
from groove.training.run_dir import RunDir
from groove.training.settings.config import Config
from groove.training.settings.presets import preset
from groove.utils.errors import GrooveError
from groove.utils.tensor_file import content_digest, tensor_bytes
from groove.utils.typed_fields import to_dict

FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SWEEP = b"""
config = "smoke"
seeds = [0, 1]
curricula = { groove = "ar", other = { curriculum = "dr", "run.steps" = 3 } }
[grid]
"gradient.updates" = [2, 3]
"""
LINE = {
    "cell": "0123456789abcdef",
    "task": "chain/tabular",
    "budget": "smoke",
    "rule": "a2c",
    "rule_identity": "a2c",
    "settings": {"origin": {"seed": 0}},
    "seeds": [0, 1],
    "updates": [4, 8],
    "env_steps": [80, 160],
    "returns": [[[1.0, 2.0], [3.0, 4.0]]],
    "provenance": {"seconds": 1.0},
}

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 0, 10**9, 10**18, 2**63, 10**30]),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([[], {}, [[]], [None], {"a": None}, [[1], [1, 2]], "../x", "\x00", "e" * 1000]),
    st.integers(1, 2000).map(lambda depth: json.loads("[" * depth + "]" * depth) if depth < 500 else "x" * depth),
)


@st.composite
def damaged_bytes(draw, content):
    """The content with a few bytes flipped, a part cut out, or bytes put in."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.sampled_from(["flip", "cut", "end", "insert"]))
        if kind == "flip" and data:
            data[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del data[place : place + draw(st.integers(1, 64))]
        elif kind == "end":
            del data[place:]
        else:
            data[place:place] = draw(st.binary(min_size=1, max_size=16))
    return bytes(data)


def _places(tree, above=()):
    """The paths of all values in nested dicts and lists."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*above, key)
        yield from _places(value, (*above, key))


@st.composite
def damaged_values(draw, tree):
    """The tree with one or two values replaced, removed, or added under another name."""
    tree = json.loads(json.dumps(tree))
    for _ in range(draw(st.integers(1, 2))):
        *above, last = draw(st.sampled_from(list(_places(tree)) or [("new",)]))
        node = tree
        for key in above:
            node = node[key]
        kind = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if kind == "replace":
            node[last] = draw(values)
        elif kind == "remove":
            del node[last]
        elif isinstance(node, dict):
            node[draw(st.text(max_size=5))] = draw(values)
    return tree


arrays = st.sampled_from(
    [
        np.ones((), np.float32),
        np.ones((0,), np.float32),
        np.ones((3, 7), np.float32),
        np.ones((2,), np.int32),
        np.full((2,), 2**31 - 1, np.int32),
        np.full((2, 100), True),
        np.full((2, 5), np.nan, np.float32),
        np.full((2, 5), -7, np.int32),
    ]
)


@st.composite
def damaged_arrays(draw, tensors):
    """The arrays with one of them replaced, removed, or filled with another value."""
    name = draw(st.sampled_from(sorted(tensors)))
    kind = draw(st.sampled_from(["replace", "remove", "fill"]))
    if kind == "remove":
        return {key: array for key, array in tensors.items() if key != name}
    fill = draw(st.sampled_from([-1, 0, 1, 100, 2**30]))
    return {**tensors, name: draw(arrays) if kind == "replace" else np.full_like(tensors[name], fill)}


def _contents(path):
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


RULE = released_rules()["ta-lpg"]
RULE_TENSORS, RULE_ABOUT = _contents(RULE)


@pytest.fixture(scope="module")
def level_file(tmp_path_factory):
    sizes = GridSizes()
    sample = jax.vmap(lambda key: sample_level(key, LevelDistribution(), sizes))
    levels = jax.tree.map(np.asarray, sample(jax.random.split(jax.random.key(0), 2)))
    path = tmp_path_factory.mktemp("levels") / "levels.safetensors"
    save_levels(path, LevelSet(levels, sizes, np.zeros(2, np.float32), {"source": "test"}))
    return path


def reads_or_refuses(read):
    """Call a reader; return what it read, or None if it refused the file in one line."""
    try:
        return read()
    except GrooveError as error:
        complaint = str(error)
    assert "\n" not in complaint
    assert len(complaint) < 2000
    return None


@FUZZ
@given(data=st.data())
def test_rule_files(tmp_path, data):
    path = tmp_path / "rule.safetensors"
    kind = data.draw(st.sampled_from(["bytes", "config", "names", "arrays"]))
    if kind == "bytes":
        path.write_bytes(data.draw(damaged_bytes(RULE.read_bytes())))
    else:
        about, tensors = dict(RULE_ABOUT), RULE_TENSORS
        if kind == "arrays":
            tensors = data.draw(damaged_arrays(RULE_TENSORS))
        else:
            about[kind] = json.dumps(data.draw(damaged_values(json.loads(about[kind]))))
        path.write_bytes(tensor_bytes(tensors, about | {"sha256": fingerprint(tensors)}))
    rule = reads_or_refuses(lambda: groove.load(path))
    assert rule is None or rule.heads(3)["logits"] == 3


@FUZZ
@given(data=st.data())
def test_level_files(tmp_path, level_file, data):
    path = tmp_path / "levels.safetensors"
    kind = data.draw(st.sampled_from(["bytes", "about", "arrays"]))
    if kind == "bytes":
        path.write_bytes(data.draw(damaged_bytes(level_file.read_bytes())))
    else:
        tensors, about = _contents(level_file)
        del about["sha256"]  # as files of version 0.1, whose content alone can be refused
        if kind == "arrays":
            tensors = data.draw(damaged_arrays(tensors))
        else:
            about = about | {"about": json.dumps(data.draw(damaged_values(json.loads(about["about"]))))}
        path.write_bytes(tensor_bytes(tensors, about))
    levels = reads_or_refuses(lambda: load_levels(path))
    assert levels is None or len(levels) in (1, 2)


@FUZZ
@given(data=st.data())
def test_records_of_levels(tmp_path, data):
    path = tmp_path / "level_record.safetensors"
    rows = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    LevelRecord.empty(["size", "walls"]).add(rows, before=0, seed=0, most=9).save(path)
    kind = data.draw(st.sampled_from(["bytes", "names", "arrays"]))
    if kind == "bytes":
        path.write_bytes(data.draw(damaged_bytes(path.read_bytes())))
    else:
        tensors, about = _contents(path)
        if kind == "arrays":
            tensors = data.draw(damaged_arrays(tensors))
        else:
            about["names"] = json.dumps(data.draw(damaged_values(json.loads(about["names"]))))
        path.write_bytes(tensor_bytes(tensors, about | {"sha256": content_digest(tensors, about["names"])}))
    record = reads_or_refuses(lambda: load_level_record(path))
    assert record is None or record.features.shape == (len(record), len(record.names))


@FUZZ
@given(data=st.data())
def test_level_sets_as_json(tmp_path, level_file, data):
    path = tmp_path / "levels.json"
    content = as_json(load_levels(level_file))
    if data.draw(st.booleans()):
        path.write_bytes(data.draw(damaged_bytes(json.dumps(content).encode())))
    else:
        path.write_text(json.dumps(data.draw(damaged_values(content))))
    levels = reads_or_refuses(lambda: import_levels(path))
    assert levels is None or len(levels) == 2


@FUZZ
@given(data=st.data())
def test_results(tmp_path, data):
    path = tmp_path / "chain.jsonl"
    path.unlink(missing_ok=True)
    store = Results(tmp_path, notice=lambda text: None)
    store.append("chain", LINE)
    if data.draw(st.booleans()):
        path.write_bytes(data.draw(damaged_bytes(path.read_bytes())))
    else:
        path.unlink()
        store.append("chain", data.draw(damaged_values(LINE)))
    cells = reads_or_refuses(store.cells)
    assert cells is None or all(cell.final.ndim == 2 for cell in cells)


@FUZZ
@given(data=st.data())
def test_configurations(tmp_path, data):
    run = RunDir(tmp_path)
    content = {"config": to_dict(preset("smoke")), "starts": []}
    if data.draw(st.booleans()):
        run.config.write_bytes(data.draw(damaged_bytes(json.dumps(content).encode())))
    else:
        run.config.write_text(json.dumps(data.draw(damaged_values(content))))
    config = reads_or_refuses(run.read_config)
    assert config is None or isinstance(config, Config)


@FUZZ
@given(data=st.data())
def test_sweeps(tmp_path, data):
    path = tmp_path / "sweep.toml"
    content = data.draw(damaged_bytes(SWEEP))
    path.write_bytes(content)
    trainings = reads_or_refuses(lambda: read_sweep(path))
    if trainings is not None:
        tomllib.loads(content.decode())
        assert trainings
