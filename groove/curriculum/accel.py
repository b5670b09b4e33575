"""ACCEL (Parker-Holder et al. 2022): level replay whose new levels are edited copies of buffered levels."""

from collections.abc import Callable
from functools import partial

import jax

from groove.curriculum.base import Curriculum
from groove.curriculum.buffer import LevelBuffer, levels_at
from groove.curriculum.plr import make_plr
from groove.curriculum.plr_config import PLRConfig
from groove.curriculum.replay import draw_parents, is_ready
from groove.envs.base import EnvFamily
from groove.types import Array, Key, PyTree
from groove.utils.arrays import select
from groove.utils.errors import GrooveError

Mutate = Callable[[Key, PyTree], PyTree]


def make_accel(env: EnvFamily, config: PLRConfig, score: str, num_slots: int) -> Curriculum:
    """Build level replay whose new levels are edited copies of buffered levels, once enough levels are scored.

    ACCEL as published scores a copy before the copy enters the buffer. Here a score costs a whole lifetime, so a copy
    enters the buffer at once, and is soon evicted if its score is low.

    Args:
      env: the family that draws and edits levels.
      config: the settings of the buffer, the replay and the edits.
      score: the name of the score, a key of `SCORES`.
      num_slots: N, slots.

    Raises:
      GrooveError: if the levels of `env` cannot be edited, or the buffer does not suit the number of slots.
    """
    if env.mutate is None:
        raise GrooveError(
            f'accel edits levels, but the levels of "{env.name}" cannot be edited: choose a source of gridworlds, as '
            "in accel@dr, or a score instead of accel."
        )
    return make_plr(env, config, score, num_slots, edit=partial(_edit_some, env.mutate, config))


def edits(mutate: Mutate, buffer: LevelBuffer, config: PLRConfig, key: Key, n: int) -> tuple[Array, PyTree]:
    """Draw edited copies of buffered levels.

    Args:
      mutate: (key, level) -> level.
      buffer: B levels, of which at least one is SCORED.
      config: the settings of the replay, by which the copied levels are drawn, and of the edits.
      key: the randomness of the draws and the edits.
      n: number of copies.

    Returns:
      A mask of the new levels to replace by a copy, bool [n], and the copies, leaves [n, ...].
    """
    coin, parent_key, edit_key = jax.random.split(key, 3)
    parents = draw_parents(buffer, config, parent_key, n)
    edited = jax.vmap(mutate)(jax.random.split(edit_key, n), levels_at(buffer, parents))
    return jax.random.bernoulli(coin, config.edit_probability, (n,)), edited


def _edit_some(mutate: Mutate, config: PLRConfig, key: Key, buffer: LevelBuffer, new: PyTree) -> PyTree:
    """Replace new levels, leaves [n, ...], by edited copies, once enough levels are scored."""
    n = jax.tree.leaves(new)[0].shape[0]
    is_edit, edited = edits(mutate, buffer, config, key, n)
    return jax.tree.map(partial(select, is_edit & is_ready(buffer, config)), edited, new)
