"""From a configuration to the parts of a run: the one place where names become objects."""

from typing import Any, NamedTuple

import jax
from jax.sharding import Mesh

from groove.agents.agent import Agent, make_agent
from groove.curriculum.base import Curriculum
from groove.curriculum.registry import make_curriculum, parse_curriculum
from groove.curriculum.sources import BASE, make_source, pin_source
from groove.envs.base import Discrete, EnvFamily
from groove.lifetimes.learning_curves import LearningCurves
from groove.lpg.base import UpdateRule
from groove.lpg.lpg import make_lpg
from groove.lpg.registry import make_hand_written
from groove.meta.critic import HEADS as CRITIC_HEADS
from groove.meta.es import make_openes
from groove.meta.generation_step import make_generation
from groove.meta.gradient import make_gradient
from groove.meta.slots import Rival, Setup
from groove.meta.trainer import MetaStep, Trainer, make_trainer
from groove.meta.truncated_step import make_lockstep
from groove.training.config import Config
from groove.training.validation import LifetimeReturns, make_lifetime_returns, unseen_levels
from groove.utils import parallel

_SET, _VALIDATION = 0x5E7, 0xA6E  # folded into the seed's key


class Parts(NamedTuple):
    """What a run is made of."""

    env: EnvFamily  # that the rule is trained on
    base: EnvFamily  # random gridworlds, which it is validated on
    rule: UpdateRule
    curriculum: Curriculum
    mesh: Mesh
    trainer: Trainer
    unseen: Any  # [levels] of it
    judge: LifetimeReturns  # of the learned rule
    judge_a2c: LifetimeReturns


def build(config: Config) -> Parts:
    """Builds every part; the configuration has been checked."""
    curriculum, setup = make_players(config)
    mesh = parallel.make_mesh(config.devices)
    meta_step = (_generations if config.meta.optimizer == "es" else _lockstep)(config, setup, curriculum)
    trainer = make_trainer(meta_step, mesh, config.run.log_every, config.meta.average_decay)
    base, a2c = _source(config, BASE), make_hand_written("a2c", config.a2c, config.ppo, config.lpg.discount)
    unseen = unseen_levels(base, jax.random.key(config.seed), config.validation.levels)
    judges = [_judge(config, base, unseen, mesh, which) for which in (setup.rule, a2c)]
    return Parts(setup.env, base, setup.rule, curriculum, mesh, trainer, unseen, *judges)


def make_players(config: Config) -> tuple[Curriculum, Setup]:
    """The curriculum and who plays; cheap, so that what does not go together is refused before a run begins.

    Raises:
      ValueError: on a source, score, antagonist or buffer that cannot do what it is asked; it says what can.
    """
    spec = parse_curriculum(config.curriculum)
    env = _source(config, spec.source)
    at_once = config.es.population // 2 if config.meta.optimizer == "es" else config.slots.count
    curriculum = make_curriculum(spec, env, config.plr, at_once)
    return curriculum, make_setup(config, env, make_lpg(config.lpg), curriculum)


def pin_curriculum(name: str) -> str:
    """The same curriculum, its level files named by absolute path and content.

    Raises:
      ValueError: on an unknown source, or a file that cannot be read or is not what its digest says.
    """
    spec = parse_curriculum(name)
    if spec.method == "fixed":
        return pin_source(name)
    head, at, source = name.partition("@")
    return f"{head}@{pin_source(source)}" if at else head


def _source(config: Config, name: str) -> EnvFamily:
    key = jax.random.fold_in(jax.random.key(config.seed), _SET)
    return make_source(name, config.levels, config.sizes, key)


def _lockstep(config: Config, setup: Setup, curriculum: Curriculum) -> MetaStep:
    meta = make_gradient(setup, config.meta, config.lpg.discount, parallel.SLOTS)
    return make_lockstep(
        setup, meta, curriculum, config.slots.count, updates=config.meta.updates, stagger=config.slots.stagger
    )


def _generations(config: Config, setup: Setup, curriculum: Curriculum) -> MetaStep:
    strategy = make_openes(config.es, jax.eval_shape(setup.rule.init, jax.random.key(0)))
    return make_generation(
        setup,
        strategy,
        curriculum,
        config.es.population,
        config.es.pairs_at_once,
        discount=config.lpg.discount,
        trace=config.meta.trace,
    )


def make_setup(config: Config, env: EnvFamily, rule: UpdateRule, curriculum: Curriculum) -> Setup:
    """The players of the slots; antagonists only where the curriculum needs them.

    Raises:
      ValueError: if optimal returns are needed of levels that have no solver.
    """
    wanted = config.antagonists if "antagonist_return" in curriculum.needs else ()
    if env.optimal_return is None and ("optimal" in wanted or "optimal_return" in curriculum.needs):
        raise ValueError(
            f'the levels of "{env.name}" have no exact solver, so neither the score nor the antagonist "optimal".'
        )
    rivals = [
        make_hand_written(name, config.a2c, config.ppo, config.lpg.discount) for name in wanted if name != "optimal"
    ]
    return Setup(
        env=env,
        rule=rule,
        student=agent_for(config, env, rule.heads(env.num_actions)),
        critic=agent_for(config, env, CRITIC_HEADS),
        rivals=tuple(
            Rival(rival, agent_for(config, env, rival.heads(env.num_actions), rival.name)) for rival in rivals
        ),
        optimal_rival="optimal" in wanted,
        workers=config.slots.workers,
        steps=config.slots.steps,
        episodes=config.slots.episodes,
        chunk=config.slots.chunk,
    )


def agent_for(config: Config, env: EnvFamily, heads: Any, rule: str = "") -> Agent:
    """Agents with these heads, for what this family lets them observe and as the rule of this name needs them."""
    table = config.ppo_agent if rule == "ppo" else config.agent
    return make_agent(env.observation, heads, table if isinstance(env.observation, Discrete) else config.network)


def _judge(config: Config, env: EnvFamily, unseen: Any, mesh: Mesh, rule: UpdateRule) -> LifetimeReturns:
    chosen = config.validation
    curves = LearningCurves(
        env,
        rule,
        agent_for(config, env, rule.heads(env.num_actions)),
        mesh,
        workers=config.slots.workers,
        steps=config.slots.steps,
        episodes=chosen.episodes,
        batch=chosen.batch,
    )
    key = jax.random.fold_in(jax.random.key(config.seed), _VALIDATION)
    return make_lifetime_returns(curves, unseen, key, chosen.lifetime)
