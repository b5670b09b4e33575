"""Each group of lifetimes that is recorded has a record and a file of its own."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np

from groove.training.logs.level_record import load_level_record
from groove.training.logs.level_records import LevelRecords
from groove.training.run_dir import RunDir
from groove.training.settings.presets import preset


def group(name, recorded):
    env = SimpleNamespace(describe=lambda level: {f"{name}_size": level}, sample_level=lambda key: jnp.zeros(()))
    return SimpleNamespace(name=name, setup=SimpleNamespace(env=env, recorded=recorded))


def test_groups_have_records_of_their_own(tmp_path):
    groups = [group("broad", 2), group("tables", 2), group("plain", 0)]
    records = LevelRecords(preset("smoke"), groups, RunDir(tmp_path))
    rows = np.ones((3, 2, 3), np.float32)
    metrics = {"regret_sum": np.zeros(3), "broad/level_record": rows, "tables/level_record": 2 * rows}
    assert list(records.take(metrics, 0)) == ["regret_sum"]
    records.save()
    files = RunDir(tmp_path).level_records()
    assert {name: file.name for name, file in files.items()} == {
        "broad": "level_record-broad.safetensors",
        "tables": "level_record-tables.safetensors",
    }
    stored = {name: load_level_record(file) for name, file in files.items()}
    assert {name: (len(each), each.names, each.returns[0, 0]) for name, each in stored.items()} == {
        "broad": (6, ("broad_size",), 1.0),
        "tables": (6, ("tables_size",), 2.0),
    }
