"""The check of configurations: every complaint names the field and the value to set.

Ranges of single numbers are declared beside the fields; the conditions here concern several fields at once.
"""

from collections.abc import Iterator

from groove.curriculum.registry import FIXED, METHODS, check_curriculum
from groove.curriculum.sources.mixtures import split_mixture
from groove.curriculum.sources.registry import BASE, by_kind, check_source, size_of_set
from groove.lpg.registry import RULES, learned
from groove.training.antagonists import NAMED, check_antagonist, find_antagonist
from groove.training.settings.config import Config
from groove.training.settings.presets import PRESETS
from groove.training.settings.unread import parsed_curriculum, unread
from groove.utils.errors import ConfigError, GrooveError, unknown_name
from groove.utils.typed_fields import range_complaints


def validate(config: Config, stored: Config | None = None) -> None:
    """Refuse a configuration that would fail later, or that holds settings which this run would not read.

    Args:
      config: of the run.
      stored: of the run before it is resumed, whose settings may be unread: earlier versions had other presets.

    Raises:
      ConfigError: with one line per complaint.
    """
    _refuse(
        *range_complaints(config),
        *_names(config),
        *_agents(config),
        *_levels(config),
        *_portions(config),
        *_small_set(config),
        *_multiples(config),
        *_validation(config),
        *unread(config, stored).values(),
    )


def validate_saved(config: Config) -> None:
    """Refuse the configuration of a saved run of which no state can be built, be it of an earlier version.

    Raises:
      ConfigError: with one line per complaint.
    """
    _refuse(*range_complaints(config), *_names(config), *_levels(config))


def validate_ranges(config: Config) -> None:
    """Refuse numbers outside their ranges.

    Raises:
      ConfigError: with one line per complaint.
    """
    _refuse(*range_complaints(config))


def _refuse(*complaints: str) -> None:
    if complaints:
        raise ConfigError("\n".join(complaints))


def _names(config: Config) -> Iterator[str]:
    if config.preset not in PRESETS:
        yield str(unknown_name("config", config.preset, PRESETS))
    try:
        check_curriculum(config.curriculum)
    except GrooveError as error:
        yield str(error)
    if config.rule not in learned():
        yield str(unknown_name("learned rule", config.rule, learned()))
    elif config.meta.optimizer == "gradient" and not RULES[config.rule].differentiable:
        yield (
            f"meta.optimizer = gradient cannot train the rule {config.rule}, whose updates have no meta-gradient: set "
            "meta.optimizer=es, with a small es.sigma and es.learning_rate if the run starts from a trained rule."
        )
    for name in config.antagonists:
        try:
            check_antagonist(name)
        except GrooveError as error:
            yield str(error)
    if not config.antagonists or len(set(config.antagonists)) < len(config.antagonists):
        yield "antagonists must name at least one, and none twice."


def _agents(config: Config) -> Iterator[str]:
    if config.table_agent.torso != "table" or config.table_agent.optimizer != "sgd":
        yield 'table_agent.torso must be "table" and table_agent.optimizer must be "sgd".'
    if config.network_agent.torso == "table":
        yield 'network_agent.torso must be "mlp" or "conv".'


def _levels(config: Config) -> Iterator[str]:
    levels, sizes = config.levels, config.sizes
    for name in ("size", "steps", "terminate", "respawn", "lifetime", "step_reward"):
        low, high = getattr(levels, f"min_{name}"), getattr(levels, f"max_{name}")
        if low > high:
            yield f"levels.min_{name} = {low} must not be above levels.max_{name} = {high}."
    for limit, size in (("max_size", "side"), ("max_objects", "objects")):
        if getattr(levels, limit) > getattr(sizes, size):
            yield (
                f"levels.{limit} = {getattr(levels, limit)} must not be above sizes.{size} = {getattr(sizes, size)}."
            )
    if levels.max_objects + 1 > levels.min_size**2:
        yield (
            f"levels.max_objects = {levels.max_objects} leaves no free cell for the start on a grid of "
            f"levels.min_size = {levels.min_size}; lower levels.max_objects."
        )
    if levels.walls > levels.max_size**2:
        yield (
            f"levels.walls = {levels.walls} leaves no free cell for the start on a grid of "
            f"levels.max_size = {levels.max_size}; lower levels.walls."
        )


def _portions(config: Config) -> Iterator[str]:
    """Yield complaints about levels that cannot be distributed over devices, groups or the buffer."""
    devices, population = max(config.devices, 1), config.es.population
    if config.meta.optimizer == "es":
        if population % (2 * devices):
            yield (
                f"es.population = {population} must be pairs that divide over devices = {devices}; make it a "
                f"multiple of {2 * devices}."
            )
    elif config.slots.count % devices:
        yield f"slots.count = {config.slots.count} does not divide over devices = {devices}; make it a multiple."
    elif 0 < config.slots.count < config.slots.stagger:
        yield f"slots.stagger = {config.slots.stagger} is more groups than slots.count = {config.slots.count}."
    spec, at_once = parsed_curriculum(config), config.levels_at_once
    if spec is not None and spec.method != FIXED and config.plr.buffer_size < 2 * at_once:
        yield f"plr.buffer_size = {config.plr.buffer_size} must be at least twice the {at_once} levels in use at once."


def _validation(config: Config) -> Iterator[str]:
    sources = config.validation.sources
    for source in sources:
        try:
            check_source(source)
            kinds = by_kind(source)
        except GrooveError as error:
            yield f"validation.sources: {error}"
            continue
        if source == BASE or sources.count(source) > 1:
            yield f"validation.sources names {source} twice: random gridworlds ({BASE}) are always validated on."
        elif len(kinds) > 1 or (len(split_mixture(source)) == 1 and source not in split_mixture(source)):
            yield f'validation.sources takes single sources without weights, and "{source}" is none.'


def _multiples(config: Config) -> Iterator[str]:
    transitions = config.slots.steps * config.slots.workers
    for name, minibatches in _minibatches(config).items():
        if transitions % minibatches:
            yield (
                f"{name} = {minibatches} does not divide slots.steps * slots.workers = {transitions}; choose a divisor."
            )
    log_every = config.run.log_every
    for name, every in (
        ("run.checkpoint_every", config.run.checkpoint_every),
        ("validation.every", config.validation.every),
    ):
        if every % max(log_every, 1):
            yield f"{name} = {every} must be a multiple of run.log_every = {log_every}."


def _minibatches(config: Config) -> dict[str, int]:
    """Return the numbers of minibatches of the rules that train agents, by the names of their settings."""
    found = {}
    for name in dict.fromkeys((config.rule, *config.antagonists)):
        settings = config.rules.get(name)
        field = f"rules.{name}.minibatches"
        if name.startswith(NAMED):
            try:
                settings = find_antagonist(name).config
            except GrooveError:
                continue  # which is complained of by name
            field = f"{name}: minibatches"
        is_read = "minibatches" not in RULES[name].unread(settings) if name in RULES else True
        if is_read and (minibatches := getattr(settings, "minibatches", 0)) > 0:
            found[field] = minibatches
    return found


def _small_set(config: Config) -> Iterator[str]:
    """Yield a complaint about a set of fewer levels than replay waits for."""
    spec = parsed_curriculum(config)
    if spec is None or spec.method == FIXED or not METHODS[spec.method].replays or METHODS[spec.method].has_cells:
        return
    try:
        size = size_of_set(spec.source)
    except GrooveError:
        return  # which is complained of by name
    if size is not None and size < config.plr.min_scored:
        yield (
            f"plr.min_fill = {config.plr.min_fill} of plr.buffer_size = {config.plr.buffer_size} waits for "
            f"{config.plr.min_scored} scored levels, but {spec.source} holds {size}, so no level would ever be "
            f"replayed: choose a plr.min_fill of at most {size / config.plr.buffer_size:.3g}."
        )
