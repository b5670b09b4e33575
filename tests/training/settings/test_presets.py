"""Presets can run, survive JSON, and are found by name."""

import json

import pytest

from groove.training.settings.legacy import read_config
from groove.training.settings.presets import PRESETS, preset
from groove.training.settings.validate import validate
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import to_dict


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid_and_survive_json(name):
    config = preset(name)
    validate(config)
    assert read_config(json.loads(json.dumps(to_dict(config)))) == config


def test_unknown_preset():
    with pytest.raises(ConfigError, match='did you mean "laptop"'):
        preset("labtop")
