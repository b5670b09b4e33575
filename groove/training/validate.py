"""Which configurations can run: every complaint names the field and says what to set."""

from collections.abc import Iterator

from groove.curriculum.registry import CurriculumSpec, check_curriculum, parse_curriculum
from groove.curriculum.scores import SCORES
from groove.lpg.registry import HAND_WRITTEN
from groove.training.config import PRESETS, Config, preset
from groove.utils.errors import ConfigError, GrooveError, nearest


def validate(config: Config) -> None:
    """Refuses a configuration that would fail, or silently do something else, later.

    Raises:
      ConfigError: with every complaint, a line each.
    """
    complaints = [
        *_names(config),
        *_agents(config),
        *_positive(config),
        *_ranges(config),
        *_divisions(config),
        *_idle(config),
    ]
    if complaints:
        raise ConfigError("\n".join(complaints))


def _names(config: Config) -> Iterator[str]:
    try:
        check_curriculum(config.curriculum)
    except GrooveError as error:
        yield str(error)
    antagonists = (*HAND_WRITTEN, "optimal")
    for name in config.antagonists:
        if name not in antagonists:
            yield f'unknown antagonist "{name}"{nearest(name, antagonists)}; there are {", ".join(antagonists)}.'
    if not config.antagonists or len(set(config.antagonists)) < len(config.antagonists):
        yield "antagonists must name at least one, and none twice."


def _agents(config: Config) -> Iterator[str]:
    if config.agent.torso != "table" or config.agent.optimizer != "sgd":
        yield 'agent is for observations that are an index: agent.torso must be "table" and agent.optimizer "sgd".'
    if config.network.torso == "table":
        yield 'network is for observations that are an array: network.torso must be "mlp" or "conv".'


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
        "agent.prediction_learning_rate": config.agent.prediction_learning_rate,
        "agent.max_grad_norm": config.agent.max_grad_norm,
        "network.learning_rate": config.network.learning_rate,
        "network.max_grad_norm": config.network.max_grad_norm,
        "ppo.epochs": config.ppo.epochs,
        "ppo.minibatches": config.ppo.minibatches,
        "ppo.clip": config.ppo.clip,
        "es.population": config.es.population,
        "es.sigma": config.es.sigma,
        "es.learning_rate": config.es.learning_rate,
        "es.pairs_at_once": config.es.pairs_at_once,
    }
    yield from (f"{name} = {value} must be positive." for name, value in counts.items() if not value > 0)
    for name, value in {
        "run.minutes": run.minutes,
        "devices": config.devices,
        "validation.every": validation.every,
        "meta.decay_steps": config.meta.decay_steps,
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
    unit = {
        "lpg.discount": config.lpg.discount,
        "a2c.trace": config.a2c.trace,
        "meta.trace": config.meta.trace,
        "meta.average_decay": config.meta.average_decay,
        "es.decay": config.es.decay,
    }
    yield from (f"{name} = {value} must lie in [0, 1]." for name, value in unit.items() if not 0 <= value <= 1)


def _idle(config: Config) -> Iterator[str]:
    """Settings that differ from their preset's, and that nothing in this run would read."""
    if config.preset not in PRESETS:
        return
    spec, usual = _spec(config.curriculum), preset(config.preset)
    regret = spec is not None and bool(spec.score) and "antagonist_return" in SCORES[spec.score].needs
    readers = {  # field or group -> whether something reads it, and what would
        "antagonists": (regret, "curricula whose score needs an antagonist, such as ar"),
        "plr": (spec is None or spec.method != "fixed", "curricula that replay, such as ar"),
        "ppo": (regret and "ppo" in config.antagonists, "the antagonist ppo"),
        "ppo_agent": (regret and "ppo" in config.antagonists, "the antagonist ppo"),
        "es": (config.meta.optimizer == "es", "meta.optimizer=es"),
    }
    for name, (read, reader) in readers.items():
        if not read and getattr(config, name) != getattr(usual, name):
            yield f'{name} is read by {reader} only, not by this run ("{config.curriculum}"): leave it as it is.'


def _spec(curriculum: str) -> CurriculumSpec | None:
    try:
        return parse_curriculum(curriculum)
    except ValueError:  # which `_names` complains of
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
        if config.meta.normalise_slots:
            yield "meta.normalise_slots is of the meta-gradient; it says nothing to meta.optimizer=es."
    elif count % devices:
        yield f"slots.count = {count} does not divide over devices = {devices}; make it a multiple."
    elif 0 < count < config.slots.stagger:
        yield f"slots.stagger = {config.slots.stagger} is more groups than slots.count = {count}."
    yield from _portions(config, count)


def _portions(config: Config, at_once: int) -> Iterator[str]:
    spec = _spec(config.curriculum)
    if spec is not None and spec.method != "fixed" and config.plr.buffer_size < 2 * at_once:
        yield f"plr.buffer_size = {config.plr.buffer_size} must be at least twice the {at_once} levels in use at once."
    transitions = config.slots.steps * config.slots.workers
    if "ppo" in config.antagonists and config.ppo.minibatches > 0 and transitions % config.ppo.minibatches:
        yield (
            f"ppo.minibatches = {config.ppo.minibatches} does not divide slots.steps * slots.workers = {transitions}; "
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
