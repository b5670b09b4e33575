"""Which configurations can run: every complaint names the field and the value to set."""

from collections.abc import Iterator

from groove.curriculum.registry import CurriculumSpec, check_curriculum, parse_curriculum
from groove.curriculum.scores import SCORES
from groove.lpg.registry import RULES, hand_written, learned
from groove.meta.outcomes import CRITIC_FIELDS
from groove.training.build import BASELINE, OPTIMAL
from groove.training.config import Config
from groove.training.presets import PRESETS, preset
from groove.utils.errors import ConfigError, GrooveError, unknown_name
from groove.utils.typed_fields import range_complaints


def validate(config: Config) -> None:
    """Refuse a configuration that would fail later, or that holds settings which nothing would read.

    Raises:
      ConfigError: with one line per complaint.
    """
    complaints = [
        *range_complaints(config),
        *_names(config),
        *_agents(config),
        *_levels(config),
        *_divisions(config),
        *_unread(config),
    ]
    if complaints:
        raise ConfigError("\n".join(complaints))


def _names(config: Config) -> Iterator[str]:
    try:
        check_curriculum(config.curriculum)
    except GrooveError as error:
        yield str(error)
    if config.rule not in learned():
        yield str(unknown_name("learned rule", config.rule, learned()))
    antagonists = (*hand_written(), OPTIMAL)
    for name in config.antagonists:
        if name not in antagonists:
            yield str(unknown_name("antagonist", name, antagonists))
    if not config.antagonists or len(set(config.antagonists)) < len(config.antagonists):
        yield "antagonists must name at least one, and none twice."


def _agents(config: Config) -> Iterator[str]:
    if config.table_agent.torso != "table" or config.table_agent.optimizer != "sgd":
        yield 'table_agent.torso must be "table" and table_agent.optimizer must be "sgd".'
    if config.network_agent.torso == "table":
        yield 'network_agent.torso must be "mlp" or "conv".'


def _levels(config: Config) -> Iterator[str]:
    levels = config.levels
    pairs = {
        "size": (levels.min_size, levels.max_size, 3, 99),
        "steps": (levels.min_steps, levels.max_steps, 1, 10**6),
        "lifetime": (levels.min_lifetime, levels.max_lifetime, 1, 10**8),
        "terminate": (levels.min_terminate, levels.max_terminate, 1e-6, 1),
        "respawn": (levels.min_respawn, levels.max_respawn, 1e-6, 1),
        "step_reward": (levels.min_step_reward, levels.max_step_reward, 1e-6, 1e6),
    }
    for name, (low, high, least, most) in pairs.items():
        if not least <= low <= high <= most:
            yield (
                f"levels.min_{name} = {low} and levels.max_{name} = {high} must be in order and within "
                f"[{least}, {most}]."
            )
    if not 0 <= levels.step_reward_share <= 1:
        yield f"levels.step_reward_share = {levels.step_reward_share} must lie in [0, 1]."
    if levels.max_size > config.sizes.side or levels.max_objects > config.sizes.objects or levels.max_objects < 1:
        yield "levels.max_size and levels.max_objects (at least 1) must fit sizes.side and sizes.objects."
    if levels.max_objects + 1 > levels.min_size**2 or not 0 <= levels.walls <= levels.max_size**2:
        yield "levels.walls or levels.max_objects leave no free cell for the start; lower them."


def _unread(config: Config) -> Iterator[str]:
    """Yield settings that differ from their preset's and that nothing in this run would read."""
    if config.preset not in PRESETS:
        return
    spec, usual = _spec(config.curriculum), preset(config.preset)
    needs = SCORES[spec.score].needs if spec is not None and spec.score else frozenset()
    regret = "antagonist_return" in needs
    replays = spec is None or spec.method != "fixed"
    by_gradient = config.meta.optimizer == "gradient"
    readers = {  # field or group -> whether something reads it, and what would
        "antagonists": (regret, "curricula whose score needs an antagonist, such as ar"),
        "plr": (replays, "curricula that replay, such as ar"),
        "es": (not by_gradient, "meta.optimizer=es"),
        "gradient": (by_gradient, "meta.optimizer=gradient"),
        "critic": (by_gradient or bool(needs & CRITIC_FIELDS), "meta.optimizer=gradient"),
    }
    for name, (read, reader) in readers.items():
        if not read and getattr(config, name) != getattr(usual, name):
            yield f'{name} is read by {reader} only, not by this run ("{config.curriculum}"): leave it as it is.'
    for name in RULES:
        read = name == config.rule or name == BASELINE or (regret and name in config.antagonists)
        if not read and config.rules[name] != usual.rules[name]:
            yield f"rules.{name} is read only if {name} is the learned rule or an antagonist: leave it as it is."


def _spec(curriculum: str) -> CurriculumSpec | None:
    try:
        return parse_curriculum(curriculum)
    except ValueError:  # `_names` reports it
        return None


def _divisions(config: Config) -> Iterator[str]:
    count, devices = config.slots.count, max(config.devices, 1)
    if config.meta.optimizer == "es":
        count = config.es.population // 2
        if config.es.population % 2 or count % devices:
            yield (
                f"es.population = {config.es.population} must be pairs that divide over devices = {devices}; make it a "
                f"multiple of {2 * devices}."
            )
    elif count % devices:
        yield f"slots.count = {count} does not divide over devices = {devices}; make it a multiple."
    elif 0 < count < config.slots.stagger:
        yield f"slots.stagger = {config.slots.stagger} is more groups than slots.count = {count}."
    yield from _portions(config, count)


def _portions(config: Config, at_once: int) -> Iterator[str]:
    spec = _spec(config.curriculum)
    if spec is not None and spec.method != "fixed" and config.plr.buffer_size < 2 * at_once:
        yield f"plr.buffer_size = {config.plr.buffer_size} must be at least twice the {at_once} levels in use at once."
    ppo = config.rules["ppo"]
    transitions = config.slots.steps * config.slots.workers
    if "ppo" in config.antagonists and ppo.minibatches > 0 and transitions % ppo.minibatches:
        yield (
            f"rules.ppo.minibatches = {ppo.minibatches} does not divide slots.steps * slots.workers = {transitions}; "
            "choose a divisor."
        )
    if config.run.checkpoint_every % max(config.run.log_every, 1):
        yield (
            f"run.checkpoint_every = {config.run.checkpoint_every} must be a multiple of "
            f"run.log_every = {config.run.log_every}."
        )
    if config.validation.every % max(config.run.log_every, 1):
        yield (
            f"validation.every = {config.validation.every} must be a multiple of "
            f"run.log_every = {config.run.log_every}."
        )
