"""Evolution strategies: antithetic pairs of candidates of eta, compared within each pair."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from groove.types import Array, Key
from groove.utils.typed_fields import above, at_least


@dataclass(frozen=True)
class ESConfig:
    """Settings of OpenES with antithetic task sampling, as TA-LPG uses it (Jackson et al. 2024).

    Attributes:
      population: S, candidates of a generation; even.
      sigma: standard deviation of the perturbation of each parameter of eta, in the first generation. The strategy
        climbs the fitness smoothed over perturbations, whose optimum can lie far from that of the fitness.
      sigma_decay: factor of sigma per generation.
      final_sigma: lower bound of the decayed sigma.
      shaping: how the fitnesses f, g of a pair become numbers. "rank" counts wins: 1 and 0. "relative" counts by how
        much: (1 + d) / 2 and (1 - d) / 2 for d = (f - g) / (abs(f) + abs(g)), in which a rare collapse outweighs many
        small gains.
      learning_rate: of Adam, in the first generation.
      decay: factor of the learning rate per generation.
      final_learning_rate: lower bound of the decayed learning rate.
      pairs_at_once: pairs that live side by side on one device, at most; the largest divisor of the device's share is
        taken. Pairs are sorted by lifetime, because those side by side go on until the last one has ended.
    """

    population: int = at_least(2, 1024)
    sigma: float = above(0, 0.1)
    sigma_decay: float = at_least(0, 1.0, most=1)
    final_sigma: float = above(0, 1e-3)
    shaping: Literal["rank", "relative"] = "rank"
    learning_rate: float = above(0, 1e-2)
    decay: float = at_least(0, 0.999, most=1)
    final_learning_rate: float = at_least(0, 1e-5)
    pairs_at_once: int = at_least(1, 1)


class Strategy(NamedTuple):
    """An evolution strategy over pytrees; candidates i and i + S/2 are a pair.

    Attributes:
      init: eta -> state, centred on eta.
      ask: (key, state) -> candidates, leaves [S, ...].
      tell: (key, candidates, fitness f32[S], state) -> state; higher fitness is better.
      mean: state -> eta.
    """

    init: Callable[[Any], Any]
    ask: Callable[[Key, Any], Any]
    tell: Callable[[Key, Any, Array, Any], Any]
    mean: Callable[[Any], Any]


def make_openes(config: ESConfig, example: Any) -> Strategy:
    """Build OpenES (Salimans et al. 2017) with the fitness of each pair replaced by a comparison within the pair.

    The gradient estimate is::

        g = 1 / (S sigma) sum_i rank_i eps_i,    rank_i = 1 if better than its partner, 0 if worse, 1/2 if equal

    or with the relative differences of `ESConfig.shaping` in place of the ranks.

    Args:
      config: of the strategy.
      example: eta, or its shapes.
    """
    import evosax.algorithms  # slow to import, and only evolution strategies need it

    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), example)

    def schedule(generation: Array) -> Array:
        return jnp.maximum(config.learning_rate * config.decay**generation, config.final_learning_rate)

    def std_schedule(generation: Array) -> Array:
        return jnp.maximum(config.sigma * config.sigma_decay**generation, jnp.minimum(config.sigma, config.final_sigma))

    shaped = pair_ranks if config.shaping == "rank" else relative_differences

    es = evosax.algorithms.Open_ES(
        config.population,
        zeros,
        use_antithetic_sampling=True,
        optimizer=optax.adam(schedule),
        std_schedule=std_schedule,
        # centred, so that ties add exactly zero; Adam would amplify rounding noise
        fitness_shaping_fn=lambda population, cost, state, params: shaped(cost) - 0.5,
        metrics_fn=lambda key, population, fitness, state, params: {},  # the default metrics copy two solutions
    )

    def init(eta: Any) -> Any:
        return _strong(es.init(jax.random.key(0), eta, es.default_params))  # the initial state is not random

    def tell(key: Key, candidates: Any, fitness: Array, state: Any) -> Any:
        cost = jnp.where(jnp.isnan(fitness), jnp.inf, -fitness)  # evosax minimises
        return _strong(es.tell(key, candidates, cost, state, es.default_params)[0])

    return Strategy(
        init=init,
        ask=lambda key, state: es.ask(key, state, es.default_params)[0],
        tell=tell,
        mean=es.get_mean,
    )


def _strong(state: Any) -> Any:
    """Convert the Python numbers in evosax's state to arrays, whose weak types would cause another compilation."""
    return jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.asarray(x).dtype), state)


def pair_ranks(values: Array) -> Array:
    """Return the ranks within each pair (i, i + S/2): 1 for the larger value, 0 for the smaller, 1/2 each if equal."""
    first, second = jnp.split(values, 2)
    rank = jnp.where(first > second, 1.0, jnp.where(first < second, 0.0, 0.5))
    return jnp.concatenate([rank, 1.0 - rank])


def relative_differences(values: Array) -> Array:
    """Return (1 + d) / 2 and (1 - d) / 2 of each pair (i, i + S/2), for d = (a - b) / (abs(a) + abs(b)).

    Equal values give 1/2 each. If one of two values is infinite, d is 1 or -1.
    """
    first, second = jnp.split(values, 2)
    size = jnp.abs(first) + jnp.abs(second)
    finite = jnp.isfinite(size)
    difference = jnp.where(finite, first - second, 0.0) / jnp.where(finite & (size > 0), size, 1.0)
    difference = jnp.where(finite, difference, 2 * pair_ranks(values)[: first.shape[0]] - 1)
    return jnp.concatenate([1 + difference, 1 - difference]) / 2
