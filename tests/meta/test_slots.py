"""Slots: antagonists in lockstep, staggered first lifetimes, turnover of finished slots only."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.lifetimes import lifetime
from groove.meta.slots import advance_antagonists, finished_slots, replace_finished, staggered_lengths
from tests._helpers.tiny import tiny_setup, tiny_slots


def test_the_antagonist_in_lockstep_is_a2c_trained_alone():
    setup = tiny_setup()
    levels, lives = tiny_slots(setup, 3)
    lockstep = lives
    for _ in range(2):
        lockstep, _ = jax.jit(lambda s: advance_antagonists(setup, s, levels.level, 3))(lockstep)
    one = jax.tree.map(lambda x: x[1:2], (lives.antagonists[0], levels.level))
    (rival,) = setup.antagonists
    alone, _ = jax.jit(lambda life, level: lifetime.live(setup.env, rival.agent, rival.rule, (), life, level, 4, 6))(
        *one
    )
    for a, b in zip(jax.tree.leaves(alone.learner), jax.tree.leaves(lockstep.antagonists[0].learner), strict=True):
        np.testing.assert_allclose(a[0], b[1], rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(alone.workers.obs[0], lockstep.antagonists[0].workers.obs[1])


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
