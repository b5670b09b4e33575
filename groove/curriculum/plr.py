"""Prioritised level replay (Jiang et al. 2021): slots get new levels, or again ones that scored high."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import jax
import jax.numpy as jnp

from groove.curriculum.base import Curriculum
from groove.curriculum.buffer import (
    LevelBuffer,
    Status,
    activate,
    best_places,
    empty,
    insert,
    levels_at,
    memory_at,
    record,
    top,
)
from groove.curriculum.scores import Score
from groove.types import Array, Key, LevelMemory, LevelOutcome, Metrics, PyTree

Prioritization = Literal["rank", "proportional", "topk"]


@dataclass(frozen=True)
class PLRConfig:
    """The settings of prioritised level replay.

    GROOVE's paper states the buffer size and the replay probability; its public code waits for 512 scored
    levels of 4000 before it replays. Temperature and staleness are our choice. Draws are without replacement,
    so with many slots the temperature sets how soft the edge of the top is: of 256 draws by score from 3500
    levels, 95% fall in the top 256 at temperature 0.1, 84% at 0.3, 45% at 1. A score is one noisy estimate,
    which speaks against the hardest edge (0.1 is all but the public code's greedy choice); at 1 most replay
    is spent outside the top. Hence 0.3, and the staleness of 0.3 that PLR, minimax and jaxued combine with
    rank prioritisation on mazes: scores age as the learned rule moves, and only replay renews them.

    Attributes:
      buffer_size: B, places; at least twice the number of slots.
      replay_probability: of a slot that wants a level getting a replayed one.
      temperature: T of the score part, rank^(-1/T) or score^(1/T). Not read by "topk".
      staleness_coefficient: c, the share of the replay given to staleness. Not read by "topk".
      prioritization: "rank" draws by rank and staleness; "proportional" by score, of which negative ones count as
        zero, and staleness; "topk" always takes the highest scores, as the public code does, for comparison.
      min_fill: the share of B that must be SCORED for levels to be replayed.
      robust: no meta-gradient from lifetimes on levels never scored before (robust PLR, Jiang et al. 2021b).
      edit_probability: under "accel", of a new level being an edited copy of one drawn for replay.

    Raises:
      ValueError: on a value outside its range.
    """

    buffer_size: int = 4000
    replay_probability: float = 0.5
    temperature: float = 0.3
    staleness_coefficient: float = 0.3
    prioritization: Prioritization = "rank"
    min_fill: float = 0.125
    robust: bool = False
    edit_probability: float = 1.0

    def __post_init__(self) -> None:
        for name in ("replay_probability", "staleness_coefficient", "min_fill", "edit_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"PLRConfig.{name} = {getattr(self, name)}: choose a value in [0, 1].")
        if not 0 < self.temperature < math.inf:
            raise ValueError(
                f"PLRConfig.temperature = {self.temperature}: choose a finite value above 0 or, to always "
                'replay the highest scores, prioritization="topk".'
            )
        if self.buffer_size < 2:
            raise ValueError(f"PLRConfig.buffer_size = {self.buffer_size}: choose at least 2 places a slot.")
        if self.prioritization not in get_args(Prioritization):
            valid = ", ".join(get_args(Prioritization))
            raise ValueError(f"PLRConfig.prioritization = {self.prioritization!r}: choose one of {valid}.")

    @property
    def min_scored(self) -> int:
        """The number of SCORED levels from which on levels are replayed, at least one."""
        return max(1, math.ceil(self.min_fill * self.buffer_size))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PLRState:
    """The buffer and what has passed through it."""

    buffer: LevelBuffer
    inserted: Array  # int32 []: levels inserted so far
    forgotten: Array  # int32 []: levels dropped so far because their score was not finite


def score_ranks(buffer: LevelBuffer) -> Array:
    """One plus the number of SCORED levels with a higher score, int32 [B]; meaningful where SCORED.

    Equal scores share a rank, so that no level is preferred for the place it lies in.
    """
    descending = -_ordered_int(jnp.where(buffer.scored, buffer.score, -jnp.inf))
    return 1 + jnp.searchsorted(jnp.sort(descending), descending).astype(jnp.int32)


def replay_distribution(buffer: LevelBuffer, config: PLRConfig) -> Array:
    """The probability that each level is the next one replayed (Jiang et al. 2021).

        P = (1 - c) P_score + c P_staleness,    P_score ~ rank^(-1/T),    P_staleness ~ clock - stamp

    over SCORED levels, rank 1 the highest score; P_staleness is uniform if nothing was handed out since. With
    "proportional" P_score ~ max(score, 0)^(1/T), uniform if no score is positive; with "topk" the highest score has it
    all.

    Returns:
      f32 [B]: sums to one, or to zero where there is no SCORED level.
    """
    scored = buffer.scored
    if config.prioritization == "topk":
        best = jnp.argmax(jnp.where(scored, buffer.score, -jnp.inf))
        return jnp.where(scored & (jnp.arange(buffer.capacity) == best), 1.0, 0.0)
    by_score = jax.nn.softmax(_score_logits(buffer, config))
    by_staleness = jax.nn.softmax(_staleness_logits(buffer))
    c = config.staleness_coefficient
    return jnp.where(scored, (1 - c) * by_score + c * by_staleness, 0.0)


def replay(buffer: LevelBuffer, config: PLRConfig, key: Key, mask: Array) -> tuple[LevelBuffer, Array]:
    """Hands out SCORED levels, drawn without replacement; one draw alone is from `replay_distribution`.

    Each draw is by staleness with probability c, else by score, either renormalised over the levels left.
    Drawing without replacement from the mixture would not do: P_score is so peaked that after a dozen draws
    only staleness has weight left. Of 256 draws from 3500 levels at T = c = 0.3, 10% would fall in the top
    256, by chance 7%; here, 66% do.

    Args:
      buffer: of B places.
      config: as of the curriculum.
      key: for the draws.
      mask: bool [n]: the rows that want a level.

    Returns:
      The buffer with the drawn levels ACTIVE, and their places, int32 [n]: -1 for rows without one.
    """
    if config.prioritization == "topk":
        ids = best_places(jnp.where(buffer.scored, buffer.score, -jnp.inf), mask)
        return activate(buffer, ids, mask), ids
    coin, score_key, staleness_key = jax.random.split(key, 3)
    is_stale = mask & jax.random.bernoulli(coin, config.staleness_coefficient, mask.shape)
    by_score = best_places(_perturb(score_key, _score_logits(buffer, config)), mask & ~is_stale)
    age_logits = _staleness_logits(buffer)  # before the clock moves
    buffer = activate(buffer, by_score, mask)
    age_logits = jnp.where(buffer.scored, age_logits, -jnp.inf)
    by_staleness = best_places(_perturb(staleness_key, age_logits), is_stale)
    return activate(buffer, by_staleness, mask), jnp.where(is_stale, by_staleness, by_score)


def make_plr(
    sample_level: Callable[[Key], PyTree],
    config: PLRConfig,
    score: Score,
    num_slots: int,
    name: str = "plr",
    mutate: Callable[[Key, PyTree], PyTree] | None = None,
) -> Curriculum:
    """A curriculum that replays high-scoring levels, and otherwise hands out new ones and keeps them.

    A new level takes an empty place or that of the lowest score. A slot also gets a new level where it was to
    have a replayed one but none is left, or too few are scored. With `mutate`, once enough are scored, new levels are
    edited copies of levels drawn as for replay (ACCEL, Parker-Holder et al. 2022); like every new level they enter the
    buffer at once, and leave it soon if they score low.

    Args:
      sample_level: key -> level, from the base distribution.
      config: of the buffer and the replay.
      score: what is replayed, and evicted, by.
      num_slots: N, slots; each holds one ACTIVE level, whose outcome `update` must hear before the slot wants
        another: what is never heard of stays ACTIVE.
      name: as in the registry.
      mutate: (key, level) -> level, an edit.

    Raises:
      ValueError: if the buffer is too small for the slots, or can never be as full as replay demands.
    """
    _check_slots(config, num_slots)

    def init(key: Key, n: int) -> tuple[PLRState, PyTree, Array]:
        if n > num_slots:
            raise ValueError(f"This curriculum was made for {num_slots} slots: make it with num_slots={n}.")
        zero = jnp.zeros((), jnp.int32)
        buffer = empty(jax.eval_shape(sample_level, key), config.buffer_size)
        return sample(PLRState(buffer, inserted=zero, forgotten=zero), key, jnp.ones((n,), bool))

    def sample(state: PLRState, key: Key, wanted: Array) -> tuple[PLRState, PyTree, Array]:
        coin, replay_key, level_key, edit_key = jax.random.split(key, 4)
        ready = jnp.sum(state.buffer.scored) >= config.min_scored
        wants_replay = wanted & ready & jax.random.bernoulli(coin, config.replay_probability, wanted.shape)
        buffer, replay_ids = replay(state.buffer, config, replay_key, wants_replay)
        replayed = replay_ids >= 0
        is_new = wanted & ~replayed
        new = jax.vmap(sample_level)(jax.random.split(level_key, wanted.shape[0]))
        if mutate is not None:
            is_edit, edited = edits(mutate, state.buffer, config, edit_key, wanted.shape[0])
            new = _select(is_edit & ready, edited, new)
        levels = _select(replayed, levels_at(buffer, replay_ids), new)
        buffer, new_ids = insert(buffer, new, is_new)
        inserted = state.inserted + jnp.sum(new_ids >= 0, dtype=jnp.int32)
        state = PLRState(activate(buffer, new_ids, is_new), inserted, state.forgotten)
        return state, levels, jnp.where(replayed, replay_ids, new_ids)

    def update(state: PLRState, ids: Array, outcome: LevelOutcome) -> PLRState:
        known = LevelMemory(best_return=outcome.best_return, optimal_return=outcome.optimal_return)
        buffer = record(state.buffer, ids, score.fn(outcome), known, outcome.finished)
        dropped = (state.buffer.status == Status.ACTIVE) & (buffer.status == Status.EMPTY)
        return PLRState(buffer, state.inserted, state.forgotten + jnp.sum(dropped, dtype=jnp.int32))

    def weight(state: PLRState, ids: Array) -> Array:
        scored_before = state.buffer.score[ids] > -jnp.inf
        return jnp.where(scored_before | (not config.robust), 1.0, 0.0)

    return Curriculum(
        name=name,
        needs=score.needs,
        init=init,
        sample=sample,
        update=update,
        recall=lambda state, ids: memory_at(state.buffer, ids),
        weight=weight,
        metrics=plr_metrics,
        top=lambda state, count: top(state.buffer, count),
    )


def edits(
    mutate: Callable[[Key, PyTree], PyTree], buffer: LevelBuffer, config: PLRConfig, key: Key, n: int
) -> tuple[Array, PyTree]:
    """Which of n new levels are to be edited copies, bool [n], and copies, [n], of parents drawn as for replay."""
    coin, parent_key, edit_key = jax.random.split(key, 3)
    if config.prioritization == "topk":
        ranked = best_places(jnp.where(buffer.scored, buffer.score, -jnp.inf), jnp.ones(n, bool))
        parents = jnp.where(ranked < 0, ranked[0], ranked)  # the best again where fewer than n are scored
    else:
        logits = jnp.log(replay_distribution(buffer, config))
        parents = jax.random.categorical(parent_key, logits, shape=(n,))
    edited = jax.vmap(mutate)(jax.random.split(edit_key, n), levels_at(buffer, parents))
    return jax.random.bernoulli(coin, config.edit_probability, (n,)), edited


def plr_metrics(state: PLRState) -> Metrics:
    """What the buffer holds and what the slots train on, f32 scalars; NaN for a mean or maximum of nothing.

    Returns:
      scored_fraction: SCORED levels / B.
      replay_share: of the levels being trained on, the share that was scored before.
      score_mean, score_max, score_p10, score_median, score_p90: of SCORED levels.
      staleness_mean: of SCORED levels, in levels handed out since they were.
      turnover: levels inserted so far / B.
      forgotten: levels dropped so far because their score was not finite.
    """
    buffer, scored = state.buffer, state.buffer.scored
    best = jnp.max(jnp.where(scored, buffer.score, -jnp.inf))
    return {
        "scored_fraction": jnp.mean(scored, dtype=jnp.float32),
        "replay_share": _mean(buffer.score > -jnp.inf, buffer.status == Status.ACTIVE),
        "score_mean": _mean(buffer.score, scored),
        "score_max": jnp.where(jnp.any(scored), best, jnp.nan),
        **_quantiles(buffer, score_p10=0.1, score_median=0.5, score_p90=0.9),
        "staleness_mean": _mean(buffer.clock - buffer.stamp, scored),
        "turnover": state.inserted / jnp.float32(buffer.capacity),
        "forgotten": state.forgotten.astype(jnp.float32),
    }


def _score_logits(buffer: LevelBuffer, config: PLRConfig) -> Array:
    """Log of the unnormalised P_score, which itself may lie outside float32 at a low T; -inf where not SCORED."""
    if config.prioritization == "proportional":
        positive = jnp.where(buffer.scored, jnp.maximum(buffer.score, 0.0), 0.0)
        logits = jnp.where(jnp.any(positive > 0), jnp.log(positive), 0.0)
    else:
        logits = -jnp.log(score_ranks(buffer).astype(jnp.float32))
    return jnp.where(buffer.scored, logits / config.temperature, -jnp.inf)


def _staleness_logits(buffer: LevelBuffer) -> Array:
    """Log of the age, or 0 everywhere if all ages are zero; -inf where not SCORED."""
    age = jnp.where(buffer.scored, buffer.clock - buffer.stamp, 0).astype(jnp.float32)
    return jnp.where(buffer.scored, jnp.where(jnp.any(age > 0), jnp.log(age), 0.0), -jnp.inf)


def _quantiles(buffer: LevelBuffer, **shares: float) -> dict[str, Array]:
    """The scores of SCORED levels below which these shares of them lie."""
    ordered = jnp.sort(jnp.where(buffer.scored, buffer.score, jnp.inf))
    count = jnp.sum(buffer.scored)
    place = {name: (share * (count - 1)).astype(jnp.int32) for name, share in shares.items()}
    return {name: jnp.where(count > 0, ordered[i], jnp.nan) for name, i in place.items()}


def _perturb(key: Key, logits: Array) -> Array:
    """Adds Gumbel noise: the largest n are n draws without replacement from softmax(logits), in order."""
    return logits + jax.random.gumbel(key, logits.shape)


def _ordered_int(x: Array) -> Array:
    """Integers in the order of the floats: XLA sorts them several times faster on CPU."""
    bits = jax.lax.bitcast_convert_type(jnp.where(x == 0, 0.0, x), jnp.int32)  # -0.0 is to equal 0.0
    return jnp.where(bits < 0, bits ^ jnp.int32(0x7FFFFFFF), bits)


def _select(mask: Array, on_true: PyTree, on_false: PyTree) -> PyTree:
    """Rows [n, ...] of one batch or the other."""
    return jax.tree.map(lambda a, b: jnp.where(mask.reshape(mask.shape + (1,) * (a.ndim - 1)), a, b), on_true, on_false)


def _mean(x: Array, mask: Array) -> Array:
    return jnp.sum(jnp.where(mask, x, 0), dtype=jnp.float32) / jnp.sum(mask, dtype=jnp.float32)


def _check_slots(config: PLRConfig, num_slots: int) -> None:
    if num_slots < 1:
        raise ValueError(f"num_slots = {num_slots}: a curriculum needs at least one slot.")
    if config.buffer_size < 2 * num_slots:
        raise ValueError(
            f"PLRConfig.buffer_size = {config.buffer_size} is too small for {num_slots} slots, each of which "
            f"keeps a level from eviction: choose at least {2 * num_slots}, "
            f"or at most {config.buffer_size // 2} slots."
        )
    reachable = config.buffer_size - num_slots
    if config.min_scored > reachable:
        raise ValueError(
            f"PLRConfig.min_fill = {config.min_fill} waits for {config.min_scored} scored levels, but "
            f"{num_slots} slots leave at most {reachable} of {config.buffer_size} scored at once, so nothing "
            f"would ever be replayed: choose at most {reachable / config.buffer_size:.3g}."
        )
