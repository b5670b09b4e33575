"""Evolution strategies: candidates of eta in antithetic pairs, of which only the better one of each pair is known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from groove.types import Array, Key


@dataclass(frozen=True)
class ESConfig:
    """OpenES with antithetic task sampling, as TA-LPG uses it (Jackson et al. 2024).

    Attributes:
      population: S, candidates of a generation; even.
      sigma: standard deviation of the perturbation of each of eta's parameters.
      learning_rate: of Adam.
      decay: factor of the learning rate, each generation.
      final_learning_rate: below which it does not decay.
      pairs_at_once: pairs that live side by side on one device, at most (the largest divisor of its share is taken);
        they are sorted by lifetime, because all go on until the last has ended.
    """

    population: int = 1024
    sigma: float = 0.1
    learning_rate: float = 1e-2
    decay: float = 0.999
    final_learning_rate: float = 1e-5
    pairs_at_once: int = 1


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
    """Builds OpenES (Salimans et al. 2017), with the fitness of each pair replaced by the ranks within it.

        g = 1 / (S sigma) sum_i rank_i eps_i,    rank_i = 1 if better than its partner, 0 if worse, 1/2 if equal

    Args:
      config: of the strategy.
      example: eta, or its shapes.
    """
    import evosax.algorithms

    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), example)

    def schedule(generation: Array) -> Array:
        return jnp.maximum(config.learning_rate * config.decay**generation, config.final_learning_rate)

    es = evosax.algorithms.Open_ES(
        config.population,
        zeros,
        use_antithetic_sampling=True,
        optimizer=optax.adam(schedule),
        std_schedule=optax.constant_schedule(config.sigma),
        # centred, so that what ties adds exactly nothing, where rounding would be blown up by Adam
        fitness_shaping_fn=lambda population, cost, state, params: pair_ranks(cost) - 0.5,
        metrics_fn=lambda key, population, fitness, state, params: {},  # the usual ones copy two solutions
    )

    def init(eta: Any) -> Any:
        return _strong(es.init(jax.random.key(0), eta, es.default_params))  # nothing of it is random

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
    """Python numbers, which evosax puts into its state, as arrays: their weak types would make another program."""
    return jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.asarray(x).dtype), state)


def pair_ranks(values: Array) -> Array:
    """Within each pair (i, i + S/2): 1 for the larger value, 0 for the smaller, 1/2 each if equal."""
    first, second = jnp.split(values, 2)
    rank = jnp.where(first > second, 1.0, jnp.where(first < second, 0.0, 0.5))
    return jnp.concatenate([rank, 1.0 - rank])
