"""Which configurations can run: every complaint names the field and says what to set."""

from collections.abc import Iterator

from groove.config import Config, ConfigError, nearest
from groove.curriculum.registry import CURRICULA


def validate(config: Config) -> None:
    """Refuses a configuration that would fail, or silently do something else, later.

    Raises:
      ConfigError: with every complaint, a line each.
    """
    complaints = [*_names(config), *_positive(config), *_ranges(config), *_divisions(config)]
    if complaints:
        raise ConfigError("\n".join(complaints))


def _names(config: Config) -> Iterator[str]:
    if config.curriculum not in CURRICULA:
        there_are = ", ".join(sorted(CURRICULA))
        yield f'unknown curriculum "{config.curriculum}"{nearest(config.curriculum, CURRICULA)}; there are {there_are}.'
    if config.agent.torso != "table" or config.agent.optimizer != "sgd":
        yield 'gridworld levels are tabular: agent.torso must be "table" and agent.optimizer "sgd".'


def _positive(config: Config) -> Iterator[str]:
    slots, run, validation = config.slots, config.run, config.validation
    counts = {
        "slots.count": slots.count,
        "slots.workers": slots.workers,
        "slots.steps": slots.steps,
        "slots.stagger": slots.stagger,
        "slots.episodes": slots.episodes,
        "slots.chunk": slots.chunk,
        "meta.updates": config.meta.updates,
        "meta.micro_batch": config.meta.micro_batch,
        "lpg.hidden": config.lpg.hidden,
        "lpg.prediction_width": config.lpg.prediction_width,
        "lpg.embedding_width": config.lpg.embedding_width,
        "sizes.side": config.sizes.side,
        "sizes.objects": config.sizes.objects,
        "run.steps": run.steps,
        "run.log_every": run.log_every,
        "run.checkpoint_every": run.checkpoint_every,
        "validation.levels": validation.levels,
        "validation.lifetime": validation.lifetime,
        "validation.episodes": validation.episodes,
        "validation.batch": validation.batch,
        "meta.learning_rate": config.meta.learning_rate,
        "meta.max_grad_norm": config.meta.max_grad_norm,
        "agent.learning_rate": config.agent.learning_rate,
        "agent.critic_learning_rate": config.agent.critic_learning_rate,
        "agent.max_grad_norm": config.agent.max_grad_norm,
    }
    yield from (f"{name} = {value} must be positive." for name, value in counts.items() if not value > 0)
    for name, value in {
        "run.minutes": run.minutes,
        "devices": config.devices,
        "validation.every": validation.every,
    }.items():
        if not value >= 0:
            yield f"{name} = {value} must not be negative."


def _ranges(config: Config) -> Iterator[str]:
    levels = config.levels
    pairs = {
        "size": (levels.min_size, levels.max_size, 3, 99),
        "steps": (levels.min_steps, levels.max_steps, 1, 10**6),
        "lifetime": (levels.min_lifetime, levels.max_lifetime, 1, 10**8),
        "terminate": (levels.min_terminate, levels.max_terminate, 1e-6, 1),
        "respawn": (levels.min_respawn, levels.max_respawn, 1e-6, 1),
    }
    for name, (low, high, least, most) in pairs.items():
        if not least <= low <= high <= most:
            yield (
                f"levels.min_{name} = {low} and levels.max_{name} = {high} must be in order and within "
                f"[{least}, {most}]."
            )
    if levels.max_size > config.sizes.side or levels.max_objects > config.sizes.objects or levels.max_objects < 1:
        yield "levels.max_size and levels.max_objects (at least 1) must fit sizes.side and sizes.objects."
    if levels.max_objects + 1 > levels.min_size**2 or not 0 <= levels.walls <= levels.max_size**2:
        yield "levels.walls or levels.max_objects leave no free cell for the start; lower them."
    unit = {
        "lpg.discount": config.lpg.discount,
        "a2c.trace": config.a2c.trace,
        "meta.trace": config.meta.trace,
    }
    yield from (f"{name} = {value} must lie in [0, 1]." for name, value in unit.items() if not 0 <= value <= 1)


def _divisions(config: Config) -> Iterator[str]:
    count, devices = config.slots.count, max(config.devices, 1)
    if count % devices:
        yield f"slots.count = {count} does not divide over devices = {devices}; make it a multiple."
    if 0 < count < config.slots.stagger:
        yield f"slots.stagger = {config.slots.stagger} is more groups than slots.count = {count}."
    if config.curriculum == "ar" and config.plr.buffer_size < 2 * count:
        yield f"plr.buffer_size = {config.plr.buffer_size} must be at least twice slots.count = {count}."
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
