"""From a configuration to the parts of a run: the one place where names become objects."""

from typing import NamedTuple

import jax
from jax.sharding import Mesh

from groove import parallel
from groove.agent import Agent, make_agent
from groove.config import Config
from groove.curriculum.base import Curriculum
from groove.curriculum.registry import make_curriculum
from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.evaluate import LifetimeReturns, make_lifetime_returns, unseen_levels
from groove.lpg.a2c import make_a2c
from groove.lpg.base import UpdateRule
from groove.lpg.lpg import make_lpg
from groove.meta.critic import HEADS as CRITIC_HEADS
from groove.meta.gradient import make_gradient
from groove.slots import Setup
from groove.step import Trainer, make_trainer


class Parts(NamedTuple):
    """What a run is made of."""

    env: EnvFamily
    rule: UpdateRule
    curriculum: Curriculum
    mesh: Mesh
    trainer: Trainer
    judge: LifetimeReturns  # of the learned rule
    judge_a2c: LifetimeReturns


def build(config: Config) -> Parts:
    """Builds every part; the configuration has been checked."""
    env = make_gridworld(config.sizes, config.levels)
    rule, a2c = make_lpg(config.lpg), make_a2c(config.a2c, config.lpg.discount)
    curriculum = make_curriculum(config.curriculum, env.sample_level, config.plr, config.slots.count)
    mesh = parallel.make_mesh(config.devices)
    setup = make_setup(config, env, rule, a2c, curriculum)
    meta = make_gradient(setup, config.meta, config.lpg.discount, config.run.steps, parallel.SLOTS)
    trainer = make_trainer(
        setup,
        meta,
        curriculum,
        mesh,
        slots=config.slots.count,
        updates=config.meta.updates,
        stagger=config.slots.stagger,
        chunk=config.run.log_every,
    )
    judges = [_judge(config, env, mesh, which) for which in (rule, a2c)]
    return Parts(env, rule, curriculum, mesh, trainer, *judges)


def make_setup(config: Config, env: EnvFamily, rule: UpdateRule, a2c: UpdateRule, curriculum: Curriculum) -> Setup:
    """The players of the slots; an antagonist only where the curriculum needs one."""
    rival = a2c if "antagonist_return" in curriculum.needs else None
    return Setup(
        env=env,
        rule=rule,
        student=agent_for(config, env, rule),
        critic=make_agent(env.observation, CRITIC_HEADS, config.agent),
        antagonist_rule=rival,
        antagonist=agent_for(config, env, rival) if rival else None,
        workers=config.slots.workers,
        steps=config.slots.steps,
        episodes=config.slots.episodes,
        chunk=config.slots.chunk,
    )


def agent_for(config: Config, env: EnvFamily, rule: UpdateRule) -> Agent:
    """Agents with the heads this rule asks for."""
    return make_agent(env.observation, rule.heads(env.num_actions), config.agent)


def _judge(config: Config, env: EnvFamily, mesh: Mesh, rule: UpdateRule) -> LifetimeReturns:
    key = jax.random.key(config.seed)
    chosen = config.validation
    return make_lifetime_returns(
        env,
        rule,
        agent_for(config, env, rule),
        unseen_levels(env, key, chosen.levels),
        jax.random.fold_in(key, 0xA6E),
        mesh,
        workers=config.slots.workers,
        steps=config.slots.steps,
        updates=chosen.lifetime,
        episodes=chosen.episodes,
        batch=chosen.batch,
    )
