"""A run is loaded from its directory, also one of version 0.0, and the directory stays as it is."""

import numpy as np
import pytest

from groove.training.run_dir import RunError
from groove.training.saved_run import load_run
from groove.training.trained_levels import can_be_saved, trained_levels
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


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"no config.json"):
        load_run(tmp_path)
