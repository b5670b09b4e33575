"""Past selves: when copies are taken, by hand, and that antagonists follow them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.lifetimes import lifetime
from groove.meta.antagonists import advance_antagonists
from groove.meta.past_selves import Copies, PastSelf, first_copies, parameters_of, take_copies
from groove.meta.slots import Antagonist
from tests._helpers.tiny import tiny_setup, tiny_slots


def ages(share, steps):
    """Return the meta-step of the past self after each meta-step, where eta is the number of the meta-step."""
    past = first_copies(jnp.float32(0), [share])
    for step in range(1, steps + 1):
        past = take_copies(past, jnp.float32(step), jnp.int32(step), [share])
        yield int(past[0].older)


def test_copies_are_taken_at_powers_of_one_over_the_share():
    assert list(ages(0.5, 16)) == [0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 4, 4, 8]


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_a_past_self_is_between_the_square_of_the_share_and_the_share_old(share):
    for step, age in enumerate(ages(share, 400), start=1):
        if step > 100:
            assert share**2 * step - 2 <= age <= share * step + 1, step


def test_several_past_selves_are_apart():
    past = first_copies(jnp.float32(0), [0.5, 0.1])
    for step in range(1, 101):
        past = take_copies(past, jnp.float32(step), jnp.int32(step), [0.5, 0.1])
    assert [int(copies.older) for copies in past] == [32, 10]
    assert parameters_of(PastSelf(1), past) is past[1].older
    assert parameters_of("own", past) == "own"


def test_an_antagonist_that_is_a_past_self_lives_under_the_past_parameters():
    setup = tiny_setup()
    old, new = (setup.rule.init(jax.random.key(seed)) for seed in (1, 2))
    setup = setup._replace(antagonists=(Antagonist(setup.rule, PastSelf(0), setup.student),))
    levels, lives = tiny_slots(setup, 3)

    def advanced(eta):
        past = (Copies(eta, new, jnp.float32(1)),)
        return jax.jit(lambda s: advance_antagonists(setup, s, levels.level, 3, past))(lives)[0].antagonists[0]

    alone, _ = jax.jit(
        lambda life: lifetime.live(setup.env, setup.student, setup.rule, old, life, levels.level, setup.steps, 3)
    )(lives.antagonists[0])
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7), advanced(old).learner, alone.learner
    )
    params = [np.concatenate([np.ravel(x) for x in jax.tree.leaves(advanced(e).learner.params)]) for e in (old, new)]
    assert not np.allclose(*params)
    assert dataclasses.is_dataclass(lives)
