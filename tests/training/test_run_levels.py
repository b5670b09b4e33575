"""Directories without levels of a run are refused; tests/cli/test_meta_train.py restores the levels of a real run."""

import pytest

from groove.training.run_dir import RunDir
from groove.training.run_levels import levels_of_run
from groove.training.settings.presets import preset
from groove.utils.errors import GrooveError


def test_a_directory_without_a_run_is_refused(tmp_path):
    with pytest.raises(GrooveError) as refused:
        levels_of_run(tmp_path)
    assert str(tmp_path) in str(refused.value)


def test_a_run_without_a_checkpoint_is_refused(tmp_path):
    RunDir.create(tmp_path / "run", preset("smoke"), min_free_bytes=0)
    with pytest.raises(GrooveError, match="checkpoint"):
        levels_of_run(tmp_path / "run")
