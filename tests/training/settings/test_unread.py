"""Settings that a run would not read are refused; settings that it reads are not."""

import re

import pytest

from groove.training.build import make_groups
from groove.training.settings.presets import preset
from groove.training.settings.unread import refuse_unread_agent
from groove.training.settings.validate import validate
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import assign


@pytest.mark.parametrize(
    ("curriculum", "assignment", "reader"),
    [
        ("dr", "plr.robust=true", "plr.robust is read by curricula that replay"),
        ("mazes", "antagonists=ppo", "antagonists is read by curricula whose score needs an antagonist"),
        ("pvl", "antagonists=optimal", "antagonists is read by curricula whose score needs an antagonist"),
        (
            "ar",
            "rules.ppo.clip=0.1",
            "rules.ppo.clip is read by runs in which ppo is",
        ),
        (
            "ar meta.optimizer=es",
            "gradient.learning_rate=1e-3",
            "gradient.learning_rate is read by meta.optimizer",
        ),
        ("ar", "es.sigma=0.2", "es.sigma is read by meta.optimizer=es"),
        ("ar meta.optimizer=es", "rules.lpg.y_hat_l2=0.1", "rules.lpg.y_hat_l2 is read by meta.optimizer=gradient"),
        ("ar meta.optimizer=es", "slots.stagger=4", "slots.stagger is read by meta.optimizer=gradient"),
        ("ar meta.optimizer=es", "critic.trace=0.5", "critic.trace is read by meta.optimizer=gradient and scores"),
        ("ar", "plr.edit_probability=0.5", "plr.edit_probability is read by curricula that edit levels"),
        ("ar", "paired.bins=4", "paired.bins is read by curricula that design levels, such as paired"),
        ("paired", "paired.hidden=8", "paired.hidden is read by paired.generator=autoregressive"),
        ("paired paired.generator=autoregressive", "paired.bins=4", "paired.bins is read by paired.generator=factored"),
        ("paired", "paired.cloning_weight=1", "paired.cloning_weight is read by paired.cloning=student and both"),
        ("paired:pvl", "paired.cloning=student", "paired.cloning is read by meta.optimizer=gradient with a score"),
        ("paired meta.optimizer=es", "paired.cloning=both", "paired.cloning is read by meta.optimizer=gradient"),
        ("ncc", "plr.temperature=0.5", "plr.temperature is read by plr.prioritization=rank"),
        ("ncc", "plr.prioritization=topk", "plr.prioritization is read by curricula that replay, except ncc"),
        ("ar", "ncc.entropy=0.2", "ncc.entropy is read by the curriculum ncc"),
        ("ar", "archive.tries=2", "archive.tries is read by the curriculum archive"),
        ("ar", "colearn.weight=1", "colearn.weight is read by the curriculum colearn"),
        ("archive", "plr.min_fill=0.2", "plr.min_fill is read by curricula that replay, except archive"),
        ("paired", "plr.temperature=0.5", "plr.temperature is read by curricula that replay"),
        ("paired", "plr.min_fill=0.5", "plr.min_fill is read by curricula that replay, and paired.edit_probability"),
        ("paired", "plr.edit_probability=0.5", "plr.edit_probability is read by curricula that edit levels"),
        ("ar gradient.normalise_slots=true", "gradient.micro_batch=4", "gradient.micro_batch is read by gradient"),
        ("ar meta.optimizer=es", "es.final_sigma=0.01", "es.final_sigma is read by es.sigma_decay below 1"),
        ("dr", "record.lifetimes=10", "record.lifetimes is read by curricula whose score needs an antagonist"),
        ("ar record.lifetimes=0", "record.returns=true", "record.returns is read by runs with record.lifetimes above"),
        ("ar meta.optimizer=es", "rules.lpg.max_target_gradient=0.5", "max_target_gradient is read by meta.optimizer"),
        (
            "ar gradient.normalise_slots=true",
            "gradient.age_exponent=2",
            "age_exponent is read by gradient.normalise",
        ),
        ("ar plr.prioritization=topk", "plr.temperature=0.5", "plr.temperature is read by plr.prioritization=rank"),
    ],
)
def test_settings_that_nothing_would_read_are_refused(curriculum, assignment, reader):
    config = preset("smoke")
    for word in f"curriculum={curriculum}".split():
        config = assign(config, word)
    validate(config)
    with pytest.raises(ConfigError, match=re.escape(reader)):
        validate(assign(config, assignment))


@pytest.mark.parametrize("curriculum", ["ar", "accel:relative@mazes", "repaired"])
def test_settings_that_are_read_are_not_refused(curriculum):
    config = assign(preset("smoke"), f"curriculum={curriculum}")
    by_ppo, by_es = ("antagonists=a2c,ppo", "rules.ppo.clip=0.1"), ("meta.optimizer=es", "es.sigma=0.2")
    for assignment in (*by_ppo, "plr.robust=true", *by_es):
        config = assign(config, assignment)
        validate(config)


def test_edited_levels_of_a_generator_are_chosen_by_the_settings_of_replay():
    config = assign(assign(preset("smoke"), "curriculum=paired"), "paired.edit_probability=0.5")
    for assignment in ("plr.temperature=1.0", "plr.staleness_coefficient=0.5", "plr.min_fill=0.3"):
        config = assign(config, assignment)
        validate(config)


def test_a_record_of_returns_reads_the_antagonists():
    config = assign(assign(preset("smoke"), "curriculum=dr"), "record.returns=true")
    for assignment in ("antagonists=ppo", "record.lifetimes=10"):
        config = assign(config, assignment)
        validate(config)


def test_a_critic_that_a_score_needs_may_be_set_under_es():
    config = assign(assign(assign(preset("smoke"), "meta.optimizer=es"), "curriculum=pvl"), "critic.trace=0.5")
    validate(config)


def test_the_settings_of_a_generator_and_of_cloning_are_read():
    config = assign(preset("smoke"), "curriculum=repaired")
    for assignment in ("generator=autoregressive", "hidden=8", "noise=4", "cloning=both", "cloning_period=2"):
        config = assign(config, f"paired.{assignment}")
        validate(config)


@pytest.mark.parametrize(("curriculum", "is_read"), [("dr", False), ("networks", True), ("dr=0.5,networks=0.5", True)])
def test_network_agents_are_read_only_where_observations_are_arrays(curriculum, is_read):
    config = assign(assign(preset("smoke"), f"curriculum={curriculum}"), "network_agent.learning_rate=0.5")
    config = assign(config, "meta.optimizer=es")
    envs = [group.setup.env for group in make_groups(config)]
    if is_read:
        refuse_unread_agent(config, envs)
    else:
        with pytest.raises(ConfigError, match=r"network_agent.learning_rate is read by sources whose observations"):
            refuse_unread_agent(config, envs)


def test_tables_are_always_read_because_validation_trains_them():
    config = assign(assign(preset("smoke"), "curriculum=networks"), "table_agent.learning_rate=30")
    refuse_unread_agent(config, [group.setup.env for group in make_groups(config)])


def test_a_run_that_is_resumed_keeps_settings_that_it_does_not_read():
    """Presets of earlier versions may have had other values of settings that the run does not read."""
    stored = assign(preset("smoke"), "rules.ppo.scale_rewards=false")
    with pytest.raises(ConfigError, match="scale_rewards is read by runs in which ppo"):
        validate(stored)
    validate(stored, stored)
    with pytest.raises(ConfigError, match=r"rules\.ppo\.clip is read by runs in which ppo"):
        validate(assign(stored, "rules.ppo.clip=0.1"), stored)
