"""Overrides are applied in order and by today's names; a run settles what it decides once."""

import resource

import jax
import pytest

from groove.training.settings.prepare import override, prepare_new, prepare_resumed, settle
from groove.training.settings.presets import preset
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import assign


@pytest.fixture(autouse=True)
def _started():
    """Start the backend, so that requests for devices leave the eight devices of the tests as they are."""
    jax.devices()


def test_a_run_settles_its_devices_and_its_decay_once():
    first = settle(preset("smoke"), devices=2, decay_steps=20)
    assert (first.devices, first.gradient.decay_steps) == (2, 20)
    further = settle(assign(first, "run.steps=50"), devices=4, decay_steps=50)
    assert (further.devices, further.gradient.decay_steps) == (2, 20)


def test_overrides_take_values_and_their_texts():
    config = override(preset("smoke"), {"run.steps": 7, "seed": "3", "antagonists": ["a2c", "ppo"], "run.minutes": 2})
    assert (config.run.steps, config.seed, config.antagonists, config.run.minutes) == (7, 3, ("a2c", "ppo"), 2.0)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("meta.learning_rate", "meta.learning_rate is now gradient.learning_rate: set gradient.learning_rate instead"),
        ("lpg.hidden", "lpg.hidden is now rules.lpg.hidden"),
        ("agent.learning_rate", "agent.learning_rate is now table_agent.learning_rate"),
        ("meta.learning_rte", 'did you mean "gradient.learning_rate"'),
        ("preset", "choose the preset itself"),
    ],
)
def test_a_wrong_field_is_refused_with_the_right_one(path, complaint):
    with pytest.raises(ConfigError, match=complaint):
        override(preset("smoke"), {path: "1"})


def test_a_precision_of_another_backend_is_refused():
    assert prepare_new("smoke", {"precision": "bf16"}).precision == "bf16"
    with pytest.raises(ConfigError, match="precision = tf32 is for GPUs, not for the backend cpu: choose f32 or bf16"):
        prepare_new("smoke", {"precision": "tf32"})


@pytest.mark.parametrize(
    "overrides",
    [
        {"slots.workers": 10**9},
        {"rules.lpg.hidden": 10**6},
        {"plr.buffer_size": 10**9},
        {"slots.count": 2**27, "plr.buffer_size": 2**28},
    ],
)
def test_a_run_that_does_not_fit_into_memory_is_refused_before_anything_is_allocated(overrides):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        ConfigError, match=r"the state of this run takes [\d,]+ GiB, and this machine has \d+ GiB: lower"
    ):
        prepare_new("smoke", {"curriculum": "ar", "devices": 1, **overrides})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB


def test_a_new_run_is_settled_and_checked():
    config = prepare_new("smoke", {"curriculum": "dr", "devices": 1})
    assert (config.curriculum, config.devices, config.gradient.decay_steps) == ("dr", 1, 20)
    assert prepare_new("smoke", {}).devices == 8, "as many devices as divide the slots"
    for overrides in ({"devices": 10**6}, {"network_agent.learning_rate": 0.5}, {"curriculum": "optimal@random_grid"}):
        with pytest.raises(ConfigError):
            prepare_new("smoke", overrides)


def test_a_resumed_run_keeps_its_configuration():
    stored = prepare_new("smoke", {"curriculum": "dr", "devices": 1, "seed": 4})
    assert prepare_resumed(stored, None, {}) == stored
    further = prepare_resumed(stored, None, {"run.steps": 50})
    assert (further.run.steps, further.gradient.decay_steps, further.seed) == (50, 20, 4)
