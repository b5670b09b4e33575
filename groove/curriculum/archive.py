"""Level replay from an archive: the level of highest score in each cell over two features of levels.

Rainbow Teaming (Samvelyan et al. 2024) and MADRID search for diverse failures in this way, by MAP-Elites (Mouret and
Clune 2015); here the search runs during meta-training, and students train on what it finds.
"""

import dataclasses
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from groove.curriculum.base import Curriculum
from groove.curriculum.buffer import Status, is_unscored, levels_at
from groove.curriculum.cells import Cells, beaten, holders, target_logits, towards
from groove.curriculum.plr import PLRState, around_buffer, hand_out, record_outcomes
from groove.curriculum.plr_config import PLRConfig
from groove.curriculum.scores import SCORES
from groove.envs.base import EnvFamily
from groove.envs.level_axes import check_features, make_axes
from groove.types import Array, Key, LevelOutcome, Metrics, PyTree
from groove.utils.arrays import select
from groove.utils.errors import ConfigError, GrooveError
from groove.utils.typed_fields import at_least

_RANGES = 8  # of each feature, where the buffer has room
_SAMPLED = 1024  # random levels whose features set the ranges of the axes


@dataclass(frozen=True)
class ArchiveConfig:
    """The settings of an archive of levels.

    Attributes:
      axes: two features of levels.
      ranges: the largest number of ranges of each feature; 0 for 8, or fewer where the buffer has no room for their
        cells.
      trials: lifetimes that a level which has beaten its cell's level once must live to settle the contest. Its first
        score is left out of its mean, because it was picked for being high.
      memory: lifetimes over which the mean score of a level is taken.
      tries: changes of a level from which the one nearest to the target cell is taken.
      bias: how much likelier weak cells are as targets; 0 draws all cells alike.
      random_share: probability that a new level is random instead of a changed one.
    """

    axes: tuple[str, ...] = ("nearest_positive", "max_steps")
    ranges: int = at_least(0, 0, most=64)
    trials: int = at_least(1, 1, most=64)
    memory: int = at_least(1, 4, most=1024)
    tries: int = at_least(1, 4, most=64)
    bias: float = at_least(0, 1.0, most=100)
    random_share: float = at_least(0, 0.25, most=1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ArchiveState:
    """The level buffer, whose scores are means over lifetimes, and the cells of its levels."""

    plr: PLRState
    cell: Array  # int32 [B]: -1 for a level in no cell
    lives: Array  # int32 [B]: lifetimes with a score
    accepted: Array  # int32 []: levels that took a cell so far


def make_archive(env: EnvFamily, plr: PLRConfig, config: ArchiveConfig, score: str, num_slots: int) -> Curriculum:
    """Build level replay from an archive.

    New levels are changed copies of the archive's levels. A target cell is drawn, weak cells more often; the level
    nearest to this cell is changed several times, and the change nearest to the cell is taken. A new level enters the
    buffer. It leaves the buffer once it is beaten: by the level of its own cell, whose mean score is not below its own.
    The level of a cell is evicted from a full buffer only if no other level can be.

    Args:
      env: the family whose levels are described and changed.
      plr: the settings of the buffer and of the replay; `min_fill` is not read.
      config: the settings of the archive.
      score: the name of the score, a key of `SCORES`.
      num_slots: N, slots.

    Raises:
      GrooveError: if the levels of `env` have no features or cannot be edited, the axes are not two different features,
        or the buffer does not suit the number of slots and cells.
    """
    room = plr.buffer_size - 2 * num_slots
    cells = _make_cells(env, config, room)
    count = len(cells)
    plr = dataclasses.replace(plr, min_fill=0.0)  # one level is enough
    if count > room:
        raise ConfigError(
            f"plr.buffer_size = {plr.buffer_size} is too small for {count} cells and {num_slots} slots: choose at "
            f"least {count + 2 * num_slots}, or a smaller archive.ranges."
        )

    def begin(kept: PLRState) -> ArchiveState:
        places = plr.buffer_size
        return ArchiveState(kept, jnp.full(places, -1, jnp.int32), jnp.zeros(places, jnp.int32), jnp.int32(0))

    def sample(state: ArchiveState, key: Key, wanted: Array) -> tuple[ArchiveState, PyTree, Array]:
        coin, replay_key, level_key, change_key = jax.random.split(key, 4)
        new = jax.vmap(env.sample_level)(jax.random.split(level_key, wanted.shape[0]))
        new = _change_some(cells, config, state, change_key, new)
        holder = _holders(config, state, count)
        held = jnp.where(holder >= 0, holder, plr.buffer_size)
        holds = jnp.zeros(plr.buffer_size, bool).at[held].set(True, mode="drop")
        kept, levels, ids = hand_out(plr, state.plr, coin, replay_key, wanted, new, protected=holds)
        rows = jnp.where(wanted & is_unscored(kept.buffer, ids), ids, plr.buffer_size)
        cell = state.cell.at[rows].set(cells.of(levels), mode="drop")
        return ArchiveState(kept, cell, state.lives.at[rows].set(0, mode="drop"), state.accepted), levels, ids

    def update(state: ArchiveState, ids: Array, outcome: LevelOutcome) -> ArchiveState:
        means = _new_means(config, state, ids, SCORES[score].fn(outcome))
        rows = jnp.where(outcome.finished & (ids >= 0), ids, plr.buffer_size)
        lives = state.lives.at[rows].add(1, mode="drop")
        recorded = record_outcomes(state.plr, ids, means, outcome, newest_score=False)  # a mean is worth more
        moved = ArchiveState(recorded, state.cell, lives, state.accepted)
        holder = _holders(config, moved, count)
        lost = moved.plr.buffer.scored & beaten(moved.cell, recorded.buffer.score, _settled(config, moved), holder)
        settled_now = (lives == config.trials + 1) & (state.lives == config.trials)
        took = jnp.sum((holder >= 0) & settled_now[holder], dtype=jnp.int32)
        buffer = dataclasses.replace(
            recorded.buffer,
            status=jnp.where(lost, jnp.int8(Status.EMPTY), recorded.buffer.status),
            score=jnp.where(lost, -jnp.inf, recorded.buffer.score),
        )
        kept = dataclasses.replace(recorded, buffer=buffer)
        return ArchiveState(kept, moved.cell, lives, state.accepted + took)

    def metrics(state: ArchiveState) -> Metrics:
        holder = _holders(config, state, count)
        held = holder >= 0
        scores = jnp.where(held, state.plr.buffer.score[holder], 0.0)
        return {
            "archive_coverage": held.mean(),
            "archive_score": scores.sum() / held.sum(),  # NaN while no cell has a level
            "archive_accepted": state.accepted.astype(jnp.float32),
        }

    return around_buffer(env, plr, score, num_slots, begin, lambda state: state.plr, sample, update, metrics)


def _make_cells(env: EnvFamily, config: ArchiveConfig, room: int) -> Cells:
    """Return the cells, whose ranges come from the features of random levels; at most `room`, unless told how many.

    Raises:
      GrooveError: if the levels of `env` have no features or cannot be edited, or on axes that they do not have.
    """
    describe = env.describe
    if describe is None or env.mutate is None:
        raise GrooveError(
            f'archive changes levels towards features, but the levels of "{env.name}" have none or cannot be edited: '
            "choose gridworlds or arcade worlds, as in archive@dr or archive@worlds."
        )
    keys = jax.random.split(jax.random.key(0), _SAMPLED)
    features = jax.jit(jax.vmap(lambda key: describe(env.sample_level(key))))(keys)
    known = {name: np.asarray(values, np.float64) for name, values in features.items()}
    check_features(config.axes, list(known), "archive.axes")
    candidates = [config.ranges] if config.ranges else range(_RANGES, 1, -1)
    made = [Cells(env, make_axes(config.axes, known, ranges, "archive.axes")) for ranges in candidates]
    return next((cells for cells in made if len(cells) <= room), made[-1])


def _settled(config: ArchiveConfig, state: ArchiveState) -> Array:
    """Return the levels that may hold a cell, bool [B]: those that have lived their trials."""
    return (state.plr.buffer.score > -jnp.inf) & (state.lives > config.trials)


def _holders(config: ArchiveConfig, state: ArchiveState, count: int) -> Array:
    return holders(state.cell, state.plr.buffer.score, _settled(config, state), count)


def _new_means(config: ArchiveConfig, state: ArchiveState, ids: Array, scores: Array) -> Array:
    """Return the mean scores after these lifetimes, f32 [n]; the first score of a level is not part of its mean."""
    lives, old = state.lives[ids], state.plr.buffer.score[ids]
    share = 1.0 / jnp.clip(lives, 1, config.memory)
    return jnp.where(lives <= 1, scores, old + share * (scores - old))


def _change_some(cells: Cells, config: ArchiveConfig, state: ArchiveState, key: Key, new: PyTree) -> PyTree:
    """Replace most of the random levels [n] by changed copies of the archive's levels, if it has any."""
    coin, target_key, parent_key, change_key = jax.random.split(key, 4)
    n, buffer = jax.tree.leaves(new)[0].shape[0], state.plr.buffer
    holder = _holders(config, state, len(cells))
    held = holder >= 0
    logits = target_logits(buffer.score[holder], held, config.bias)
    targets = jax.random.categorical(target_key, logits, shape=(n,)).astype(jnp.int32)
    near = jnp.where(held, -jnp.asarray(cells.distances)[targets], -jnp.inf)  # [n, C], whole numbers of steps
    near += 0.5 * jax.random.uniform(parent_key, near.shape)  # chooses among the nearest cells
    parents = levels_at(buffer, holder[jnp.argmax(near, axis=1)])
    changed, counts = towards(cells, change_key, parents, targets, config.tries)
    take = counts & held.any() & ~jax.random.bernoulli(coin, config.random_share, (n,))
    return jax.tree.map(partial(select, take), changed, new)
