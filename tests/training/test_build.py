"""Every preset builds and steps, compiled once, at counts small enough for a test."""

import jax
import numpy as np
import pytest

from groove.training.build import build, make_groups
from groove.training.settings.presets import PRESETS, preset
from groove.training.settings.validate import validate
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import replace, replace_all

SMALL = {"devices": 1, "slots.workers": 2, "slots.steps": 4, "slots.episodes": 2, "run.log_every": 2}
SMALL_OF = {  # meta-optimizer -> further sizes
    "gradient": {"slots.count": 8, "rules.lpg.hidden": 4},
    "es": {"es.population": 8, "levels.min_lifetime": 2, "levels.max_lifetime": 3},
}


CURRICULA = dict(zip(PRESETS, ["dr", "dr", "ar@varied", "ar@networks=1,dr=1", "ar"], strict=True))
SLOW = ("paper", "release", "laptop", "controls")  # they compile for long


@pytest.mark.parametrize(
    ("name", "curriculum"),
    [pytest.param(*item, marks=[pytest.mark.slow] * (item[0] in SLOW)) for item in CURRICULA.items()],
)
def test_every_preset_builds_and_steps_without_recompiling(name, curriculum):
    config = replace(preset(name), "curriculum", curriculum)
    config = replace_all(config, SMALL | SMALL_OF[config.meta.optimizer])
    validate(config)
    trainer = build(config).trainer
    state = trainer.init(jax.random.key(0))
    for n in (1, 2):
        state, metrics = trainer.run(state, n)
    assert int(state.step) == 3
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.device_get(state.eta)))
    assert float(metrics.get("skipped", np.zeros(2))[1]) == 0.0
    assert trainer.compilations() == 1


@pytest.mark.parametrize("devices", [1, 2])
def test_kinds_share_the_pairs_whatever_the_devices(devices):
    config = replace_all(preset("controls"), {"curriculum": "ar@varied=0.35,worlds=0.4,dr=0.25", "devices": devices})
    groups = make_groups(config)
    assert [(group.name, group.size) for group in groups] == [("varied", 11), ("worlds", 13), ("tables", 8)]
    assert [group.curriculum.name for group in groups] == ["ar"] * 3
    assert len({id(group.setup.rule) for group in groups}) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"curriculum": "broad=1,dr=1"}, "needs agents of 2 kinds, which meta.optimizer=es alone trains at once"),
        ({"curriculum": "broad=99,dr=1", "meta.optimizer": "es"}, r'"dr" gets none of the 4 pairs of a generation'),
    ],
)
def test_kinds_that_cannot_be_trained_at_once_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        make_groups(replace_all(preset("smoke"), fields))


@pytest.mark.parametrize(
    ("fields", "recorded", "antagonists"),
    [
        ({"curriculum": "ar"}, 8, 1),
        ({"curriculum": "ar", "slots.count": 64}, 16, 1),
        ({"curriculum": "ar", "record.lifetimes": 0}, 0, 1),
        ({"curriculum": "dr"}, 0, 0),
        ({"curriculum": "dr", "record.returns": True}, 8, 1),
        ({"curriculum": "pvl", "record.returns": True}, 8, 1),
        ({"curriculum": "ar@random_grid"}, 0, 1),  # its levels have no features
    ],
)
def test_levels_are_recorded_where_returns_and_features_are_known(fields, recorded, antagonists):
    (group,) = make_groups(replace_all(preset("smoke"), {"plr.buffer_size": 256} | fields))
    assert (group.setup.recorded, len(group.setup.antagonists)) == (recorded, antagonists)


def test_a_record_of_levels_without_features_is_refused_if_asked_for():
    fields = {"curriculum": "random_grid", "record.returns": True}
    with pytest.raises(ConfigError, match=r'"random_grid" have no features to record: leave out record\.returns'):
        make_groups(replace_all(preset("smoke"), fields))
