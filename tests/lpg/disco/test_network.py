"""The network with weights of random numbers against the plain reference, stage by stage."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.lpg.disco.experience import Outputs
from groove.lpg.disco.step import judge
from groove.lpg.disco.weights import from_arrays
from tests._helpers import disco, disco_reference

ARRAYS = disco.synthetic_weights()
WEIGHTS = from_arrays(ARRAYS, "synthetic")
JUDGE = jax.jit(judge)


@pytest.mark.parametrize(("actions", "seed"), [(4, 0), (2, 1)])
def test_every_stage_of_a_call_equals_the_reference(actions, seed):
    x = disco.synthetic_call(actions=actions, seed=seed)
    wanted = disco_reference.call(ARRAYS, x)
    found = jax.jit(disco.computed)(WEIGHTS, x)
    compared = {name for name in found if not name.startswith("mask/")}
    assert wanted.keys() == compared
    errors = {name: disco.error(wanted[name], found[name]) for name in wanted}
    assert {name: error for name, error in errors.items() if error > disco.tolerance(name)} == {}


def test_nothing_before_an_end_depends_on_what_comes_after_it():
    x = disco.synthetic_call()
    ended = np.zeros_like(x["in/is_terminal"])
    ended[2] = 1.0
    x["in/is_terminal"] = ended
    seen, agent, target, course = disco.given(x)
    later = seen._replace(reward=seen.reward.at[4].add(5.0))
    first, _ = JUDGE(WEIGHTS, course, seen, agent, target)
    other, _ = JUDGE(WEIGHTS, course, later, agent, target)
    np.testing.assert_array_equal(first.values.target[:3], other.values.target[:3])
    assert bool((first.values.target[3:5] != other.values.target[3:5]).all())


def test_targets_follow_a_permutation_of_the_actions():
    seen, agent, target, course = disco.given(disco.synthetic_call())
    order = np.asarray([2, 0, 3, 1])
    place = jnp.asarray(np.argsort(order))

    def permuted(x: Outputs):
        return Outputs(x.logits[..., order], x.y, x.z[:, :, order], x.aux_pi[:, :, order][..., order], x.q[:, :, order])

    moved = seen._replace(action=place[seen.action], behaviour=seen.behaviour[..., order])
    first, _ = JUDGE(WEIGHTS, course, seen, agent, target)
    other, _ = JUDGE(WEIGHTS, course, moved, permuted(agent), permuted(target))
    assert disco.error(first.targets.policy[..., order], other.targets.policy) < 1e-4
    assert disco.error(first.targets.y, other.targets.y) < 1e-4


def test_the_memory_moves_and_changes_the_targets():
    seen, agent, target, course = disco.given(disco.synthetic_call())
    first, after = JUDGE(WEIGHTS, course, seen, agent, target)
    second, _ = JUDGE(WEIGHTS, course._replace(memory=after.memory), seen, agent, target)
    assert bool((after.memory.hidden != course.memory.hidden).all())
    assert bool((first.targets.y != second.targets.y).any())
