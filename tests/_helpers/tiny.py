"""A world small enough that every test of the training machinery compiles in seconds."""

import jax
import jax.numpy as jnp

from groove.agents.agent import AgentConfig, make_agent
from groove.envs.base import Discrete, EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.lpg.a2c import A2CConfig, make_a2c
from groove.lpg.base import UpdateRule
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig
from groove.meta.critic import HEADS, MetaCritic
from groove.meta.slots import Antagonist, Levels, Lives, Setup, begin_lives

SIZES = GridSizes(side=4, objects=2)
LEVELS = LevelDistribution(
    min_size=3, max_size=4, walls=2, max_objects=2, min_steps=5, max_steps=10, min_lifetime=4, max_lifetime=4
)
# no clipping: finite differences know nothing of it
LPG = LPGConfig(hidden=4, prediction_width=3, embedding_width=4, max_target_gradient=1e6)
DISCOUNT = LPG.discount
TRACE = 0.95
NETWORK = AgentConfig(torso="mlp", widths=(4,), optimizer="adam", learning_rate=1e-2)


def tiny_setup(env: EnvFamily | None = None, rule: UpdateRule | None = None, antagonist: bool = True) -> Setup:
    """Three workers of four steps on a four by four grid."""
    env = env or make_gridworld(SIZES, LEVELS)
    rule, a2c = rule or make_lpg(LPG), make_a2c(A2CConfig(), DISCOUNT)

    def agent(heads):
        config = AgentConfig() if isinstance(env.observation, Discrete) else NETWORK
        return make_agent(env.observation, heads, config)

    return Setup(
        env=env,
        rule=rule,
        student=agent(rule.heads(env.num_actions)),
        critic=MetaCritic(agent(HEADS), DISCOUNT, TRACE),
        antagonists=(Antagonist(a2c, (), agent(a2c.heads(env.num_actions))),) if antagonist else (),
        optimal_antagonist=False,
        workers=3,
        steps=4,
        episodes=2,
        chunk=2,
    )


def tiny_slots(setup: Setup, count: int, length: int = 4) -> tuple[Levels, Lives]:
    """New lifetimes on levels of their own."""

    @jax.jit
    def born() -> tuple[Levels, Lives]:
        level = jax.vmap(setup.env.sample_level)(jax.random.split(jax.random.key(1), count))
        levels = Levels(level, jnp.arange(count), jnp.ones(count))
        keys = jax.random.split(jax.random.key(2), count)
        return levels, begin_lives(setup, levels, jnp.full(count, length), keys)

    return born()


def assert_all_moved(before, after) -> None:
    """Every leaf has changed somewhere."""
    for path, old in jax.tree_util.tree_leaves_with_path(before):
        new = jax.tree.leaves(after)[[p for p, _ in jax.tree_util.tree_leaves_with_path(before)].index(path)]
        assert bool(jnp.any(new != old)), f"{jax.tree_util.keystr(path)} has not moved"
