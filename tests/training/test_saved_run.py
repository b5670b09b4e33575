"""A run is loaded from its directory, also one of version 0.0, and the directory stays as it is."""

import json

import numpy as np
import pytest

from groove.training.run_dir import RunDir, RunError
from groove.training.saved_run import load_run
from groove.training.settings.presets import preset
from groove.training.trained_levels import can_be_saved, trained_levels
from groove.utils.errors import GrooveError
from tests._helpers.old_runs import META_OPTIMIZERS, unpack_run


@pytest.mark.parametrize("name", META_OPTIMIZERS)
def test_a_run_of_version_0_0_is_loaded(tmp_path, name):
    folder = unpack_run(name, tmp_path / name)
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    run = load_run(folder)
    assert run.step == int(run.state.step) == 20
    assert run.config.meta.optimizer == META_OPTIMIZERS[name]
    assert (run.state.lives == ()) == (name == "es")
    best, scores = trained_levels(run.parts.groups, 0, run.state, run.config.plr.buffer_size)
    assert can_be_saved(best, run.parts.groups[0])
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
    assert np.isfinite(scores).all()
    assert len(scores) == len(best.start) > 3
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("rule", "lgp", r'config.json cannot be read: unknown learned rule "lgp"'),
        ("curriculum", "at", 'did you mean "ar"'),
        ("antagonists", ["a3c"], 'unknown antagonist "a3c"'),
        ("sizes", {"side": 10**9}, "sizes.side = 1000000000 must be between 3 and 99"),
        ("run", {"steps": "x" * 10}, "run.steps takes an integer"),
    ],
)
def test_a_configuration_of_which_no_state_can_be_built_is_refused(tmp_path, field, value, complaint):
    RunDir.create(tmp_path, preset("smoke"), min_free_bytes=0)
    content = json.loads((tmp_path / "config.json").read_text())
    content["config"][field] = value
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(GrooveError, match=complaint):
        load_run(tmp_path)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"no config.json"):
        load_run(tmp_path)
