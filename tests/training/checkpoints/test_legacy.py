"""States of version 0.0 and of today are the same arrays in another shape."""

import jax
import jax.numpy as jnp
import pytest

from groove.meta.slots import Levels, Lives
from groove.meta.trainer import TrainState
from groove.training.checkpoints.checkpoint import Checkpointer, CheckpointError
from groove.training.checkpoints.legacy import EARLIER_STATE, from_earlier, is_earlier, to_earlier

LEVELS = Levels({"size": jnp.arange(2)}, jnp.array([3, 4]), jnp.ones(2))
SHARED = {"eta": {"w": jnp.ones(3)}, "average": (), "curriculum": (), "key": jax.random.key(1), "step": jnp.int32(5)}
STATES = {
    "gradient": TrainState(
        optimizer={"mu": jnp.zeros(3)}, levels=LEVELS, lives=Lives({"params": jnp.ones(2)}, (), ()), **SHARED
    ),
    "es": TrainState(optimizer={"mean": jnp.zeros(3)}, levels=LEVELS, lives=(), **SHARED),
}


def names(state):
    leaves = jax.tree_util.tree_flatten_with_path(state)[0]
    return [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves]


@pytest.mark.parametrize("name", STATES)
def test_the_earlier_shape_is_a_round_trip(name):
    state = STATES[name]
    earlier = to_earlier(state)
    assert is_earlier(names(earlier))
    assert not is_earlier(names(state))
    assert jax.tree.structure(from_earlier(earlier)) == jax.tree.structure(state)
    assert all(a is b for a, b in zip(jax.tree.leaves(from_earlier(earlier)), jax.tree.leaves(state), strict=True))


def test_arrays_have_the_names_of_version_0_0():
    assert "slots/level/size" in names(to_earlier(STATES["gradient"]))
    assert "slots/student/params" in names(to_earlier(STATES["gradient"]))
    assert "meta/strategy/mean" in names(to_earlier(STATES["es"]))
    assert "meta/level_id" in names(to_earlier(STATES["es"]))


@pytest.mark.parametrize("name", STATES)
def test_earlier_checkpoints_are_restored_into_todays_state(tmp_path, name):
    state = STATES[name]
    with Checkpointer(tmp_path) as checkpoints:
        checkpoints.save(5, to_earlier(state), {"seconds": 1.0})
        with pytest.raises(CheckpointError, match="another architecture"):
            checkpoints.restore(state)
    with Checkpointer(tmp_path, earlier=EARLIER_STATE) as checkpoints:
        restored, host, step = checkpoints.restore(state)
        assert (host, step) == ({"seconds": 1.0}, 5)
        assert jax.tree.structure(restored) == jax.tree.structure(state)
        assert jnp.array_equal(restored.levels.level_id, state.levels.level_id)
        checkpoints.save(6, restored, {})
        assert checkpoints.restore(state)[2] == 6, "later checkpoints have today's shape"
