"""Settings that a run would not read: a value that differs from the preset's is refused, because it has no effect."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from groove.curriculum.registry import METHODS, CurriculumSpec, parse_curriculum
from groove.curriculum.scores import SCORES
from groove.envs.base import Discrete, EnvFamily
from groove.lpg.registry import RULES, learned, make_rule
from groove.meta.outcomes import CRITIC_FIELDS
from groove.training.antagonists import OPTIMAL
from groove.training.settings.config import BASELINE, Config
from groove.training.settings.presets import PRESETS, preset
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import flatten, to_dict


class Reader(NamedTuple):
    """The readers of some fields.

    Attributes:
      fields: a field or a group of fields, by dotted path.
      is_read: whether this run reads the fields.
      by: which runs read the fields, in words.
    """

    fields: str
    is_read: bool
    by: str


def unread(config: Config, stored: Config | None = None) -> dict[str, str]:
    """Return the fields that are not read and differ from their preset's value, and from the stored one.

    Returns:
      The dotted path of each field, and a complaint.
    """
    if config.preset not in PRESETS:
        return {}
    changed, complaints = changed_fields(config, stored), dict[str, str]()
    for reader in (*_by_curriculum(config), *_by_meta_optimizer(config), *_by_rules(config)):
        if not reader.is_read:
            complaints = _complaints(changed, reader, config.curriculum) | complaints
    return complaints


def refuse_unread_agent(config: Config, envs: Sequence[EnvFamily], stored: Config | None = None) -> None:
    """Refuse settings of network agents if the observations of all levels are an index.

    Settings of tables are always read, because validation trains tables.

    Raises:
      ConfigError: with one line per complaint.
    """
    if config.preset in PRESETS and all(isinstance(env.observation, Discrete) for env in envs):
        by = "sources whose observations are an array, such as ar@networks"
        complaints = _complaints(changed_fields(config, stored), Reader("network_agent", False, by), config.curriculum)
        if text := "\n".join(complaints.values()):
            raise ConfigError(text)


def changed_fields(config: Config, stored: Config | None = None) -> list[str]:
    """Return the dotted paths of the fields that differ from the preset's values and, if there are any, the stored."""
    known = [flatten(to_dict(usual)) for usual in (preset(config.preset), stored) if usual is not None]
    values = flatten(to_dict(config))
    return [path for path, value in values.items() if all(value != usual.get(path) for usual in known)]


def parsed_curriculum(config: Config) -> CurriculumSpec | None:
    """Return the parts of the curriculum's name; None if the name is invalid."""
    try:
        return parse_curriculum(config.curriculum)
    except ValueError:
        return None


def _by_curriculum(config: Config) -> Iterator[Reader]:
    spec = parsed_curriculum(config)
    if spec is None:
        return
    method = METHODS.get(spec.method)  # None for a fixed distribution
    replays, edits = method is not None and method.replays, spec.method == "accel"
    yield Reader("antagonists", _measures_regret(config), "curricula whose score needs an antagonist, such as ar")
    regret = "curricula whose score needs an antagonist, such as ar, and runs with record.returns=true"
    yield Reader("record.lifetimes", _measures_regret(config), regret)
    yield Reader("record.returns", config.record.lifetimes > 0, "runs with record.lifetimes above 0")
    has_antagonist = _measures_regret(config) and any(name != OPTIMAL for name in config.antagonists)
    yield Reader("gradient.entropy_floor", has_antagonist, "curricula with an agent as antagonist, such as ar")
    designs = method is not None and method.designs
    yield Reader("paired", designs, "curricula that design levels, such as paired")
    if designs:
        yield from _by_generator(config, has_antagonist)
    learns = method is not None and method.learns
    yield Reader("ncc", learns, "the curriculum ncc")
    has_cells = method is not None and method.has_cells
    yield Reader("colearn", method is not None and method.credits, "the curriculum colearn")
    yield Reader("archive", has_cells, "the curriculum archive")
    if has_cells:
        yield Reader("plr.min_fill", False, "curricula that replay, except archive")
    if replays:
        yield Reader("plr.edit_probability", edits, "curricula that edit levels, such as accel")
        draws = config.plr.prioritization != "topk" and not learns
        readers = "plr.prioritization=rank and proportional, except under ncc"
        yield Reader("plr.temperature", draws, readers)
        yield Reader("plr.staleness_coefficient", draws, readers)
        yield Reader("plr.prioritization", not learns, "curricula that replay, except ncc")
    elif method is not None:
        yield Reader("plr.edit_probability", False, "curricula that edit levels, such as accel")
        for field in ("replay_probability", "robust"):
            yield Reader(f"plr.{field}", False, "curricula that replay, such as ar")
        for field in ("min_fill", "temperature", "staleness_coefficient", "prioritization"):  # choose what is edited
            edited = config.paired.edit_probability > 0
            yield Reader(f"plr.{field}", edited, "curricula that replay, and paired.edit_probability above 0")
    else:
        yield Reader("plr", False, "curricula that replay, such as ar")


def _by_generator(config: Config, has_antagonist: bool) -> Iterator[Reader]:
    builds, clones = config.paired.generator == "autoregressive", config.paired.cloning != "none"
    for field in ("bins", "learning_rate"):
        yield Reader(f"paired.{field}", not builds, "paired.generator=factored")
    for field in ("noise", "hidden", "network_learning_rate"):
        yield Reader(f"paired.{field}", builds, "paired.generator=autoregressive")
    by_gradient = config.meta.optimizer == "gradient"
    readers = "meta.optimizer=gradient with a score and an antagonist that give slots an agent to clone, such as ar"
    yield Reader("paired.cloning", by_gradient and has_antagonist, readers)
    for field in ("cloning_weight", "cloning_period"):
        yield Reader(f"paired.{field}", clones, "paired.cloning=student and both")


def _by_meta_optimizer(config: Config) -> Iterator[Reader]:
    by_gradient = config.meta.optimizer == "gradient"
    needs_critic = bool(_score_needs(config) & CRITIC_FIELDS)
    yield Reader("es", not by_gradient, "meta.optimizer=es")
    for fields in ("gradient", "slots.count", "slots.stagger", *_weights_of_regularizers(config)):
        yield Reader(fields, by_gradient, "meta.optimizer=gradient")
    yield Reader(f"rules.{config.rule}.max_target_gradient", by_gradient, "meta.optimizer=gradient")
    for field in ("age_exponent", "micro_batch"):
        yield Reader(f"gradient.{field}", not config.gradient.normalise_slots, "gradient.normalise_slots=false")
    yield Reader("es.final_sigma", config.es.sigma_decay < 1, "es.sigma_decay below 1")
    yield Reader("critic", by_gradient or needs_critic, "meta.optimizer=gradient and scores such as pvl")


def _by_rules(config: Config) -> Iterator[Reader]:
    for name in RULES:
        antagonist = _measures_regret(config) and name in config.antagonists
        is_read = antagonist or name in (config.rule, BASELINE)
        yield Reader(f"rules.{name}", is_read, f"runs in which {name} is the learned rule or an antagonist")
        for field, readers in RULES[name].unread(config.rules[name]).items() if is_read else ():
            yield Reader(f"rules.{name}.{field}", False, f"rules with {readers}")


def _weights_of_regularizers(config: Config) -> list[str]:
    """Return the settings of the learned rule that weight its regularizers; a regularizer has its setting's name."""
    if config.rule not in learned():
        return []
    rule = make_rule(config.rule, config.rules[config.rule], config.discount)
    return [f"rules.{config.rule}.{regularizer.name}" for regularizer in rule.regularizers]


def _measures_regret(config: Config) -> bool:
    return config.record.returns or "antagonist_return" in _score_needs(config)


def _score_needs(config: Config) -> frozenset[str]:
    """Return the fields of outcomes that the curriculum's score needs."""
    spec = parsed_curriculum(config)
    return frozenset(SCORES[spec.score].needs) if spec is not None and spec.score else frozenset()


def _complaints(changed: list[str], reader: Reader, curriculum: str) -> dict[str, str]:
    return {
        path: f'{path} is read by {reader.by} only, not by this run ("{curriculum}"): leave it as it is.'
        for path in changed
        if path == reader.fields or path.startswith(f"{reader.fields}.")
    }
