"""Antagonists in lockstep are A2C agents trained alone."""

import jax
import numpy as np

from groove.lifetimes import lifetime
from groove.meta.antagonists import advance_antagonists, antagonist_entropy
from tests._helpers.tiny import tiny_setup, tiny_slots


def test_entropy_begins_at_that_of_the_uniform_policy_and_falls():
    setup = tiny_setup()
    levels, lives = tiny_slots(setup, 3)
    np.testing.assert_allclose(antagonist_entropy(setup, lives), np.log(setup.env.num_actions), rtol=1e-6)
    older, _ = jax.jit(lambda s: advance_antagonists(setup, s, levels.level, 4))(lives)
    assert bool((antagonist_entropy(setup, older) < np.log(setup.env.num_actions)).any())


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
