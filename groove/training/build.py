"""The parts of a run, built from a configuration: the one place where names become objects."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
from jax.sharding import Mesh

from groove.agents.agent import Agent, make_agent
from groove.agents.varied_rate import vary_rate
from groove.curriculum.base import Curriculum
from groove.curriculum.registry import CurriculumSpec, Settings, make_curriculum, parse_curriculum
from groove.curriculum.sources.mixtures import portions
from groove.curriculum.sources.registry import BASE, by_kind, make_source, pin_source
from groove.envs.base import Discrete, EnvFamily
from groove.envs.registry import ENVIRONMENTS
from groove.lifetimes.learning_curves import LearningCurves
from groove.lpg.base import UpdateRule
from groove.lpg.registry import make_rule
from groove.meta.cloning import Cloning
from groove.meta.critic import HEADS as CRITIC_HEADS
from groove.meta.critic import MetaCritic
from groove.meta.es import make_openes
from groove.meta.generation_step import make_generation_step
from groove.meta.groups import Group
from groove.meta.level_record import MOST_ROWS, RETURNS
from groove.meta.past_selves import PastSelf
from groove.meta.slots import Antagonist, Setup
from groove.meta.trainer import MetaStep, Trainer, make_trainer
from groove.meta.truncated_step import make_truncated_step
from groove.training.antagonists import OPTIMAL, antagonist_rule, past_share, past_shares
from groove.training.settings.config import BASELINE, Config
from groove.training.start import make_learned_rule
from groove.training.validation import Domain, LifetimeReturns, make_lifetime_returns, unseen_levels
from groove.types import Stream
from groove.utils import parallel
from groove.utils.errors import ConfigError

TABLES = "tables"  # the group of agents on tabular gridworlds


class Parts(NamedTuple):
    """The parts of a run.

    Attributes:
      groups: the lifetimes that are trained at once, by kind of agent.
      domains: the unseen levels that the rule is validated on: random gridworlds first.
      rule: the learned rule.
      mesh: of devices, over the slots.
      trainer: the jitted program of meta-steps.
    """

    groups: tuple[Group, ...]
    domains: tuple[Domain, ...]
    rule: UpdateRule
    mesh: Mesh
    trainer: Trainer


def build(config: Config) -> Parts:
    """Build every part of a run from a valid configuration."""
    groups = make_groups(config)
    rule = groups[0].setup.rule
    mesh = parallel.make_mesh(config.devices)
    shares = past_shares(config.antagonists) if groups[0].setup.antagonists else []
    trainer = make_trainer(
        make_meta_step(config, groups), mesh, config.run.log_every, config.meta.average_decay, shares
    )
    domains = tuple(_make_domain(config, source, mesh, rule) for source in (BASE, *config.validation.sources))
    return Parts(groups, domains, rule, mesh, trainer)


def make_groups(config: Config) -> tuple[Group, ...]:
    """Build the curriculum and the static parts of the slots for each kind of agent.

    This is cheap, so that combinations that do not work are refused before a run begins.

    Raises:
      ConfigError: on a source, score, antagonist or buffer that does not fit; the message says which ones do.
    """
    spec = parse_curriculum(config.curriculum)
    rule = make_learned_rule(config)
    settings, groups = Settings(config.plr, config.paired, config.ncc, config.archive, config.colearn), []
    for source, size in _sizes(config, spec).items():
        env = make_env(config, source)
        curriculum = make_curriculum(spec._replace(source=source), env, settings, size)
        if config.record.returns:
            curriculum = curriculum._replace(needs=curriculum.needs | frozenset(RETURNS))
        name = source if source in ENVIRONMENTS else TABLES
        groups.append(Group(name, make_setup(config, env, rule, curriculum, size), curriculum, size))
    return tuple(groups)


def _sizes(config: Config, spec: CurriculumSpec) -> dict[str, int]:
    """Return the number of levels in use at once for each kind of agent: source -> number.

    Raises:
      ConfigError: if there are several kinds of agents and the meta-optimizer is no evolution strategy, or if a kind
        gets no level.
    """
    kinds = by_kind(spec.source)
    if len(kinds) > 1 and config.meta.optimizer != "es":
        raise ConfigError(
            f'"{spec.source}" needs agents of {len(kinds)} kinds, which meta.optimizer=es alone trains at once; choose '
            "it, or a source of one kind."
        )
    sizes = dict(zip(kinds, portions(list(kinds.values()), config.levels_at_once), strict=True))
    for source, size in sizes.items():
        if not size:
            raise ConfigError(
                f'"{source}" gets none of the {config.levels_at_once} pairs of a generation: raise its weight or '
                "es.population."
            )
    return sizes


def pin_curriculum(name: str) -> str:
    """Return the same curriculum with its level files named by absolute path and content.

    Raises:
      ConfigError: on an unknown source, or a file that cannot be read or does not match its digest.
    """
    spec = parse_curriculum(name)
    if spec.method == "fixed":
        return pin_source(name)
    head, at, source = name.partition("@")
    return f"{head}@{pin_source(source)}" if at else head


def make_env(config: Config, source: str) -> EnvFamily:
    """Build the environments whose `sample_level` draws from a source."""
    key = jax.random.fold_in(jax.random.key(config.seed), Stream.LEVEL_SET)
    return make_source(source, config.levels, config.sizes, key)


def make_meta_step(config: Config, groups: Sequence[Group]) -> MetaStep:
    """Build the meta-step that the configuration's meta-optimizer iterates."""
    if config.meta.optimizer == "es":
        strategy = make_openes(config.es, jax.eval_shape(groups[0].setup.rule.init, jax.random.key(0)))
        return make_generation_step(groups, strategy, config.es.pairs_at_once)
    (only,) = groups
    return make_truncated_step(
        only.setup, config.gradient, only.curriculum, config.slots.count, config.slots.stagger, _cloning(config)
    )


def _cloning(config: Config) -> Cloning | None:
    """Return how student and antagonist are cloned; None for not at all, as in all curricula but `paired`."""
    paired = config.paired
    if paired.cloning == "none":
        return None
    return Cloning(paired.cloning_weight, paired.cloning_period, antagonist=paired.cloning == "both")


def make_setup(config: Config, env: EnvFamily, rule: UpdateRule, curriculum: Curriculum, size: int) -> Setup:
    """Build the static parts of `size` slots; there are antagonists only if the curriculum needs them.

    Raises:
      ConfigError: if optimal returns are needed on levels that have no solver, or a record of levels without features.
    """
    wanted = config.antagonists if "antagonist_return" in curriculum.needs else ()
    if env.optimal_return is None and (OPTIMAL in wanted or "optimal_return" in curriculum.needs):
        raise ConfigError(
            f'the levels of "{env.name}" have no exact solver: choose another score and antagonist than "{OPTIMAL}".'
        )
    past = map(PastSelf, itertools.count())
    rules = [
        (rule, next(past)) if past_share(name) is not None else antagonist_rule(name, config)
        for name in wanted
        if name != OPTIMAL
    ]
    return Setup(
        env=env,
        rule=rule,
        student=vary_rate(agent_for(config, env, rule), config.slots.rate_spread),
        critic=MetaCritic(
            make_agent(env.observation, CRITIC_HEADS, agent_config(config, env)), config.discount, config.critic.trace
        ),
        antagonists=tuple(Antagonist(each, eta, agent_for(config, env, each)) for each, eta in rules),
        optimal_antagonist=OPTIMAL in wanted,
        workers=config.slots.workers,
        steps=config.slots.steps,
        episodes=config.slots.episodes,
        chunk=config.slots.chunk,
        recorded=_recorded(config, env, curriculum, size),
    )


def _recorded(config: Config, env: EnvFamily, curriculum: Curriculum, size: int) -> int:
    """Return how many finished lifetimes of one meta-step are recorded: none without their features and returns.

    Raises:
      ConfigError: if returns are measured for the record, and the levels have no features.
    """
    if env.describe is None and config.record.returns:
        raise ConfigError(f'the levels of "{env.name}" have no features to record: leave out record.returns.')
    known = env.describe is not None and curriculum.needs.issuperset(RETURNS)
    return min(MOST_ROWS, size) if known and config.record.lifetimes else 0


def agent_config(config: Config, env: EnvFamily) -> Any:
    """Return the configuration of agents for the observations of a family."""
    return config.table_agent if isinstance(env.observation, Discrete) else config.network_agent


def agent_for(config: Config, env: EnvFamily, rule: UpdateRule) -> Agent:
    """Build the agent for an environment's observations and a rule's heads."""
    return make_agent(env.observation, rule.heads(env.num_actions), rule.adapt_agent(agent_config(config, env)))


def _make_domain(config: Config, source: str, mesh: Mesh, rule: UpdateRule) -> Domain:
    env, baseline = make_env(config, source), make_rule(BASELINE, config.rules[BASELINE], config.discount)
    unseen = unseen_levels(env, jax.random.key(config.seed), config.validation.levels)
    returns = [_lifetime_returns(config, env, unseen, mesh, each) for each in (rule, baseline)]
    return Domain(source, env, unseen, *returns)


def _lifetime_returns(config: Config, env: EnvFamily, unseen: Any, mesh: Mesh, rule: UpdateRule) -> LifetimeReturns:
    """Build the function that validates a rule; every rule is validated with the same keys."""
    curves = LearningCurves(
        env,
        rule,
        agent_for(config, env, rule),
        mesh,
        workers=config.slots.workers,
        steps=config.slots.steps,
        episodes=config.validation.episodes,
        batch=config.validation.batch,
    )
    key = jax.random.fold_in(jax.random.key(config.seed), Stream.VALIDATION)
    return make_lifetime_returns(curves, unseen, key, config.validation.lifetime)
