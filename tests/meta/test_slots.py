"""Slots: staggered first lifetimes, and turnover of finished slots only."""

import jax
import jax.numpy as jnp

from groove.meta.antagonists import advance_antagonists
from groove.meta.slots import finished_slots, replace_finished, staggered_lengths
from tests._helpers.tiny import tiny_setup, tiny_slots


def test_first_lifetimes_end_group_by_group():
    lengths = staggered_lengths(jnp.full(8, 100), jnp.arange(8), groups=4, multiple=5)
    assert lengths.tolist() == [25, 50, 75, 100] * 2
    assert staggered_lengths(jnp.asarray([7]), jnp.asarray([0]), groups=4, multiple=5).tolist() == [5]


def test_only_finished_slots_are_replaced():
    setup = tiny_setup()
    levels, old = tiny_slots(setup, 3)
    old, _ = advance_antagonists(setup, old, levels.level, 1)
    _, fresh = tiny_slots(setup, 3)
    finished = jnp.asarray([False, True, False])
    mixed = replace_finished(old, fresh, finished)
    for i, source in enumerate((old, fresh, old)):
        for a, b in zip(jax.tree.leaves(mixed), jax.tree.leaves(source), strict=True):
            assert bool((a[i] == b[i]).all())
    assert not finished_slots(mixed).any()
