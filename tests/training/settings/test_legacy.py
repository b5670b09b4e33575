"""Configurations of version 0.0 are read under today's names, or refused."""

import json

import pytest

from groove.training.settings.config import RunConfig
from groove.training.settings.legacy import earlier_names, new_name, read_config, upgrade
from groove.training.settings.presets import preset
from groove.training.settings.validate import validate
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import flatten, replace_all, to_dict
from tests._helpers.old_runs import META_OPTIMIZERS, unpack_run


@pytest.mark.parametrize("name", META_OPTIMIZERS)
def test_stored_configurations_are_todays_presets(tmp_path, name):
    stored = json.loads((unpack_run(name, tmp_path) / "config.json").read_text())["config"]
    config = read_config(stored)
    settled = {"devices": 2, "meta.optimizer": META_OPTIMIZERS[name], "run.report_seconds": RunConfig.report_seconds}
    settled |= {"gradient.decay_steps": 20} if name == "ar" else {}
    assert config == replace_all(preset("smoke"), settled)
    validate(config)


def test_todays_names_stay_as_they_are():
    values = to_dict(preset("laptop"))
    assert upgrade(values) == flatten(values)
    assert new_name("gradient.learning_rate") is None


def test_ppo_of_a_run_from_before_the_scale_of_rewards_has_none():
    values = flatten(to_dict(preset("smoke"))) | {"antagonists": ["a2c", "ppo"]}
    for scaled in (True, False):
        assert read_config({**values, "rules.ppo.scale_rewards": scaled}).rules["ppo"].scale_rewards == scaled
    del values["rules.ppo.scale_rewards"]
    assert not read_config(values).rules["ppo"].scale_rewards
    assert read_config({**values, "antagonists": ["a2c"]}).rules["ppo"].scale_rewards  # a setting that is not read


def test_renamed_fields_are_found_in_both_directions():
    assert new_name("meta.learning_rate") == "gradient.learning_rate"
    assert new_name("lpg.hidden") == "rules.lpg.hidden"
    names = earlier_names(flatten(to_dict(preset("smoke"))))
    assert names["agent.widths"] == "table_agent.widths"
    assert names["ppo_agent.learning_rate"] == "rules.ppo.table_learning_rate"
    assert all(new_name(old) == today for old, today in names.items())


def test_a_learned_rule_that_is_not_registered_is_refused():
    for name in ("lgp", "a2c"):  # unknown; written by hand
        with pytest.raises(ConfigError, match=f'unknown learned rule "{name}"'):
            read_config({"rule": name})


def test_a_setting_that_cannot_be_reproduced_is_refused():
    assert upgrade({"ppo_agent": {"optimizer": "sgd"}}) == {}
    with pytest.raises(ConfigError, match=r"ppo_agent.optimizer = adam was set by an earlier version"):
        upgrade({"ppo_agent": {"optimizer": "adam"}})
