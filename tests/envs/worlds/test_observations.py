"""Observations of arcade worlds: one index for each visible thing, and codes that keep what they are given."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.worlds.dynamics import reset
from groove.envs.worlds.levels import Action, Direction, Movement
from groove.envs.worlds.observations import OBSERVATION, PLANES, Piece, observe
from tests._helpers.arcade import world_of


def test_codes_keep_every_piece():
    row, col, heading = (x.reshape(-1) for x in np.meshgrid(range(10), range(10), range(4)))
    code = Piece(row, col, heading, None).code()
    back = Piece.read(code)
    for value, kept in zip((row, col, heading, True), back):
        np.testing.assert_array_equal(kept, value)
    assert len(np.unique(code)) == 400
    gone = Piece(row, col, heading, None).code(jnp.zeros(400, bool))
    assert not Piece.read(gone).live.any()


def test_every_thing_has_its_index():
    rules = {"movement": Movement.CROSS, "area": (2, 2, 3, 3), "direction": Direction.RIGHT}
    level = world_of(rules | {"count": 2}, {"count": 0}, rules | {"direction": Direction.LEFT}, lives=3)
    state, obs = jax.jit(reset)(level, jnp.uint32(0))
    assert obs.shape == (OBSERVATION.active,)
    numbers = [52, 100 * PLANES + 2, 100 * PLANES + 3, 100 * PLANES + 7]  # player, lives, clock, last action
    assert sorted(obs[obs >= 0].tolist()) == sorted([*numbers, 223, 223, 523])

    shot = Piece(jnp.int32(4), jnp.int32(5), jnp.int32(Direction.DOWN), None).code()
    more = dataclasses.replace(
        state,
        objects=jnp.full_like(state.objects, -1),
        shots=state.shots.at[1].set(shot),
        fire=state.fire.at[2].set(shot),
        lives=jnp.int32(0),
        action=jnp.int32(Action.SHOOT),
        time=jnp.int32(6),
    )
    obs = observe(more)
    assert sorted(obs[obs >= 0].tolist()) == [52, 945, 1345, 1405, 1412]
    assert OBSERVATION.size == 1413
