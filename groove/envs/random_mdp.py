"""Random Markov decision processes: states without geometry, stochastic moves, rewards on state and action.

Each pair of state and action leads to one of two successors. Some states end the episode. The agent observes the state
as an index, so that networks see a one-hot vector.
"""

import dataclasses
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from groove.envs.base import EnvFamily, MultiHot, Step
from groove.envs.gridworld.levels import log_uniform_int, uniform_int
from groove.ops.masked import masked_mean
from groove.types import Array, Key

STATES, ACTIONS = 32, 5
_BITS = 65536  # probabilities are shares of the 16-bit numbers
_SHORTEST, _LONGEST = 20, 200  # time limits, environment steps


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MDPLevel:
    """One random decision process."""

    successor: Array  # int32 [S, A, 2]
    threshold: Array  # int32 [S, A]: of 65536 draws, how many lead to the first successor
    reward: Array  # f32 [S, A]
    terminal: Array  # bool [S]: reaching the state ends the episode; never the start, state 0
    limit: Array  # int32 []: environment steps after which an episode is cut off
    lifetime: Array  # int32 []: agent updates


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MDPState:
    """The state of an episode."""

    state: Array  # int32 []
    time: Array  # int32 []: environment steps taken


def make_random_mdps(min_lifetime: int = 250, max_lifetime: int = 250) -> EnvFamily:
    """Build a family of random decision processes with 4 to 32 states and five actions.

    The share of pairs that pay is between 2 and 50 %. Rewards are normal with a scale of one, divided by the square
    root of the share and of the time limit, so that returns of different processes are of one order.

    Args:
      min_lifetime, max_lifetime: the range of lifetimes, drawn log-uniformly, agent updates.
    """

    def sample_level(key: Key) -> MDPLevel:
        sizes, successors, chances, pays, values, ends = jax.random.split(key, 6)
        u_states, u_limit, u_lifetime, u_share, u_ends, u_noise = jax.random.uniform(sizes, (6,))
        states = log_uniform_int(u_states, 4, STATES)
        share = 0.02 * 25.0**u_share
        limit = uniform_int(u_limit, _SHORTEST, _LONGEST)
        # half of the processes are deterministic: their first successor is certain
        chance = jnp.where(u_noise < 0.5, 1.0, jax.random.uniform(chances, (STATES, ACTIONS)))
        pay = jax.random.uniform(pays, (STATES, ACTIONS)) < share
        scale = jax.lax.rsqrt(share * limit)
        end = jax.random.uniform(ends, (STATES,)) < 0.1 * (2 * u_ends - 1)  # half of the processes never terminate
        return MDPLevel(
            successor=jnp.floor(jax.random.uniform(successors, (STATES, ACTIONS, 2)) * states).astype(jnp.int32),
            threshold=jnp.round(chance * _BITS).astype(jnp.int32),
            reward=jnp.where(pay, scale * jax.random.normal(values, (STATES, ACTIONS)), 0.0),
            terminal=end & (jnp.arange(STATES) > 0),
            limit=limit,
            lifetime=log_uniform_int(u_lifetime, min_lifetime, max_lifetime),
        )

    def reset(level: MDPLevel, noise: Array) -> tuple[MDPState, Array]:
        del level, noise  # every episode starts in state 0
        return MDPState(jnp.int32(0), jnp.int32(0)), jnp.zeros(1, jnp.int32)

    def step(level: MDPLevel, state: MDPState, action: Array, noise: Array) -> Step:
        draw = (noise & (_BITS - 1)).astype(jnp.int32)
        branch = (draw >= level.threshold[state.state, action]).astype(jnp.int32)
        following = MDPState(level.successor[state.state, action, branch], state.time + 1)
        terminated = level.terminal[following.state]
        return Step(
            state=following,
            obs=following.state[None],
            reward=level.reward[state.state, action],
            terminated=terminated,
            truncated=~terminated & (following.time >= level.limit),
        )

    def mutate(key: Key, level: MDPLevel) -> MDPLevel:
        place, coin, pay = jax.random.split(key, 3)
        s, a, reached = jax.random.randint(place, (3,), 0, jnp.asarray([STATES, ACTIONS, STATES]))
        reached = reached % (1 + level.successor.max())
        moved = dataclasses.replace(level, successor=level.successor.at[s, a, 0].set(reached))
        scale = jnp.maximum(jnp.abs(level.reward).max(), 0.1)
        paid = dataclasses.replace(level, reward=level.reward.at[s, a].set(scale * jax.random.normal(pay)))
        moves = jax.random.bernoulli(coin)
        return jax.tree.map(lambda x, y: jnp.where(moves, x, y), moved, paid)

    return EnvFamily(
        name="random_mdp",
        num_actions=ACTIONS,
        observation=MultiHot(STATES, 1),
        sample_level=sample_level,
        noise=lambda key, shape: jax.random.bits(key, shape, jnp.uint32),
        reset=reset,
        step=step,
        lifetime=lambda level: level.lifetime,
        max_steps=lambda level: level.limit,
        optimal_return=optimal_return,
        mutate=mutate,
        describe=describe,
    )


def optimal_return(level: MDPLevel) -> Array:
    """Return the expected undiscounted return of the best policy from state 0, f32 [], by backward induction."""
    first = level.threshold / _BITS

    def backward(steps: Array, value: Array) -> Array:
        goes_on = jnp.where(level.terminal, 0.0, value)[level.successor]
        better = jnp.max(level.reward + first * goes_on[..., 0] + (1 - first) * goes_on[..., 1], axis=1)
        return jnp.where(steps < level.limit, better, value)

    value: Array = jax.lax.fori_loop(0, _LONGEST, backward, jnp.zeros(STATES))
    return value[0]


def describe(level: MDPLevel) -> dict[str, Array]:
    """Return the features of a level: states, paying share, stochastic share, terminal states, limit, lifetime."""
    exists = jnp.arange(STATES) <= level.successor.max()  # the others cannot be reached
    pairs = jnp.broadcast_to(exists[:, None], level.reward.shape)
    return {
        "states": exists.sum(dtype=jnp.float32),
        "paying_share": masked_mean(level.reward != 0, pairs),
        "stochastic_share": masked_mean(level.threshold < _BITS, pairs),
        "terminal_states": (level.terminal & exists).sum(dtype=jnp.float32),
        "limit": level.limit.astype(jnp.float32),
        "lifetime": level.lifetime.astype(jnp.float32),
    }
