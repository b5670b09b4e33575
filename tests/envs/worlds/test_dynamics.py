"""Arcade worlds: equal to plain Python step by step, and hand-written cases of every rule."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.worlds.dynamics import reset, step, word_of
from groove.envs.worlds.family import make_worlds
from groove.envs.worlds.levels import LONGEST_DELAY, Action, Direction, Movement
from groove.envs.worlds.observations import Piece
from tests._helpers.arcade import Arcade, words_of, world_of
from tests._helpers.reference import draw, nth

FAMILY = make_worlds()
LEVELS, STEPS = 96, 100  # of every trajectory, so that one program serves all tests
STAY, LEFT, RIGHT, UP, DOWN, SHOOT = Action
PLAYER = {"start_row": 5, "start_col": 2}


def wild(level, key):
    """A world far from those that are drawn: many edits later."""
    edit = lambda level, key: (FAMILY.mutate(key, level), None)  # noqa: E731
    return jax.lax.scan(edit, level, jax.random.split(key, 30))[0]


@jax.jit
def trajectory(levels, action, noise):
    """Play with auto-reset from [T, N] actions and noise; leaves [T, N, ...]."""

    def one(level, state, action, noise):
        after = step(level, state, action, noise)
        fresh, fresh_obs = reset(level, noise)
        done = after.terminated | after.truncated
        return jax.tree.map(lambda a, b: jnp.where(done, a, b), fresh, after.state), (after, fresh_obs)

    start, start_obs = jax.vmap(reset)(levels, noise[0])
    _, (after, fresh_obs) = jax.lax.scan(lambda state, xs: jax.vmap(one)(levels, state, *xs), start, (action, noise))
    return start_obs, after, fresh_obs


def draw_play(seed):
    action_key, noise_key = jax.random.split(jax.random.key(seed))
    action = jax.random.randint(action_key, (STEPS, LEVELS), 0, len(Action))
    return action, FAMILY.noise(noise_key, (STEPS, LEVELS))


def seen(obs):
    return sorted(obs[obs >= 0].tolist())


def test_words_are_those_of_the_reference_fair_and_independent():
    noise = jax.random.bits(jax.random.key(0), (20_000,), jnp.uint32)
    words = np.stack([word_of(noise, index) for index in range(13)], axis=1)
    assert words[:5].tolist() == [words_of(int(x)) for x in noise[:5]]
    bits = (words[:, :, None] >> np.arange(32, dtype=np.uint32) & 1).reshape(len(noise), -1)
    np.testing.assert_allclose(bits.mean(0), 0.5, atol=0.02)
    np.testing.assert_allclose(np.corrcoef(bits.T), np.eye(13 * 32), atol=0.04)


@pytest.mark.parametrize("edited", [False, True])
def test_every_step_is_the_reference(edited):
    levels = draw(FAMILY.sample_level, 0, LEVELS)
    if edited:
        keys = jax.random.split(jax.random.key(2), LEVELS)
        levels = jax.tree.map(np.asarray, jax.jit(jax.vmap(wild))(levels, keys))
    action, noise = draw_play(1)
    start_obs, after, fresh_obs = jax.tree.map(np.asarray, trajectory(levels, action, noise))
    action, noise = np.asarray(action), np.asarray(noise)
    events: dict[str, int] = {}
    for n in range(LEVELS):
        world = Arcade(nth(levels, n))
        world.reset(int(noise[0, n]))
        assert seen(start_obs[n]) == world.observe()
        for t in range(STEPS):
            reward, ended, cut = world.step(int(action[t, n]), int(noise[t, n]))
            assert seen(after.obs[t, n]) == world.observe()
            assert (after.terminated[t, n], after.truncated[t, n]) == (ended, cut)
            np.testing.assert_allclose(after.reward[t, n], reward, rtol=1e-4, atol=1e-6)
            if ended or cut:
                world.reset(int(noise[t, n]))
                assert seen(fresh_obs[t, n]) == world.observe()
        events = {name: events.get(name, 0) + count for name, count in world.events.items()}
    assert min(events.values()) > 0, events  # everything that can happen has happened


def test_steps_of_a_batch_are_steps_one_by_one():
    levels = draw(FAMILY.sample_level, 2, LEVELS)
    action, noise = draw_play(3)
    _, after, _ = jax.tree.map(np.asarray, trajectory(levels, action, noise))
    one_reset, one_step = compiled()
    for n in range(6):
        state, _ = one_reset(nth(levels, n), noise[0, n])
        for t in range(60):
            alone = jax.device_get(one_step(nth(levels, n), state, action[t, n], noise[t, n]))
            jax.tree.map(np.testing.assert_array_equal, alone, jax.tree.map(lambda x, t=t, n=n: x[t, n], after))
            done = alone.terminated | alone.truncated
            state = one_reset(nth(levels, n), noise[t, n])[0] if done else alone.state


@functools.cache
def compiled():
    return jax.jit(reset), jax.jit(step)


def play(level, actions):
    """Play actions in a world whose probabilities are 0 and 1; return the results of the steps as NumPy arrays."""
    first, further = compiled()
    state, _ = first(level, jnp.uint32(0))
    steps = []
    for t, action in enumerate(actions):
        steps.append(jax.device_get(further(level, state, jnp.int32(action), jnp.uint32(t))))
        state = steps[-1].state
    return steps


def places(steps, k=0):
    """The cell of the first object of a class after each step, None where it is gone."""
    pieces = [Piece.read(s.state.objects[k, 0]) for s in steps]
    return [(int(p.row), int(p.col)) if p.live else None for p in pieces]


def at(row, col):
    return (row, row, col, col)


RIGHTWARDS = {"direction": Direction.RIGHT, "area": at(1, 4)}
MOVES = {
    "still": (Movement.STILL, {"area": at(1, 4)}, [(1, 4), (1, 4), (1, 4)]),
    "fall": (Movement.FALL, {"area": at(3, 4), "direction": Direction.DOWN}, [(4, 4), (5, 4), None]),
    "fall sideways": (Movement.FALL, RIGHTWARDS, [(1, 5), None, None]),
    "cross": (Movement.CROSS, RIGHTWARDS, [(1, 5), (1, 0), (1, 1)]),
    "cross upwards": (Movement.CROSS, {"area": at(1, 4), "direction": Direction.UP}, [(0, 4), (5, 4), (4, 4)]),
    "bounce": (Movement.BOUNCE, RIGHTWARDS, [(1, 5), (1, 4), (1, 3)]),
    "bounce upwards": (Movement.BOUNCE, {"area": at(1, 4), "direction": Direction.UP}, [(0, 4), (1, 4), (2, 4)]),
    "chase": (Movement.CHASE, {"area": at(3, 0)}, [(4, 0), (4, 1), (5, 1), (5, 2), (5, 2)]),
    "chase first in rows": (Movement.CHASE, {"area": at(0, 0)}, [(1, 0), (2, 0), (3, 0), (4, 0), (4, 1)]),
    "flee": (Movement.FLEE, {"area": at(5, 3)}, [(5, 4), (5, 5), (5, 5)]),
    "flee from the line": (Movement.FLEE, {"area": at(2, 1)}, [(1, 1), (0, 1), (0, 1)]),
    "every second step": (Movement.CROSS, RIGHTWARDS | {"period": 2}, [(1, 5), (1, 5), (1, 0), (1, 0), (1, 1)]),
    "every fourth step": (Movement.CROSS, RIGHTWARDS | {"period": 4}, [(1, 5)] * 4 + [(1, 0)] * 4),
}


@pytest.mark.parametrize("name", MOVES)
def test_objects_move_as_their_class_says(name):
    movement, rules, expected = MOVES[name]
    assert places(play(world_of({"movement": movement, **rules}), [STAY] * len(expected))) == expected


def player(steps):
    return [(int(s.state.row), int(s.state.col)) for s in steps]


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ((True, True), [(5, 1), (4, 1), (4, 2), (5, 2), (5, 2), (5, 2)]),
        ((True, False), [(5, 1), (5, 1), (5, 2), (5, 2), (5, 2), (5, 2)]),
        ((False, True), [(5, 2), (4, 2), (4, 2), (5, 2), (5, 2), (5, 2)]),
    ],
)
def test_the_player_moves_along_the_axes_of_the_world(axes, expected):
    level = world_of(horizontal=axes[0], vertical=axes[1])
    assert player(play(level, [LEFT, UP, RIGHT, DOWN, DOWN, SHOOT])) == expected
    assert player(play(world_of(start_row=0, start_col=0), [LEFT, UP])) == [(0, 0)] * 2


def rewards(steps):
    return [round(float(s.reward), 5) for s in steps]


def test_touching_pays_once_if_the_object_vanishes_and_every_step_if_not():
    prize = {"area": at(5, 3), "touch_reward": 0.5}
    assert rewards(play(world_of(prize), [RIGHT, STAY, LEFT, STAY])) == [0.5, 0.5, 0, 0]
    assert rewards(play(world_of(prize | {"vanishes": True}, unit=4.0), [RIGHT, STAY, LEFT, STAY])) == [2, 0, 0, 0]


def test_player_and_object_cannot_pass_through_each_other():
    towards = {"movement": Movement.CROSS, "direction": Direction.LEFT, "area": at(5, 3), "touch_reward": 1.0}
    steps = play(world_of(towards), [RIGHT, STAY])
    assert rewards(steps) == [1, 0]
    assert places(steps) == [(5, 2), (5, 1)]


def test_missing_objects_come_back():
    prize = {"area": at(5, 3), "touch_reward": 1.0, "vanishes": True, "p_spawn": 1.0}
    steps = play(world_of(prize), [RIGHT, STAY, STAY, STAY])
    assert places(steps) == [None, (5, 3), None, (5, 3)]  # one that vanished in a step is not missing at its start
    assert rewards(steps) == [1, 0, 1, 0]
    assert places(play(world_of(prize | {"at_start": False, "area": at(0, 0)}), [STAY] * 2)) == [(0, 0)] * 2


def test_objects_appear_anywhere_in_their_area_and_head_both_ways():
    crossing = {"movement": Movement.CROSS, "direction": Direction.RIGHT, "both_ways": True, "count": 3}
    level = world_of({**crossing, "area": (1, 2, 3, 5)}, {**crossing, "both_ways": False, "area": at(0, 0)})
    state, _ = jax.jit(jax.vmap(reset, (None, 0)))(level, FAMILY.noise(jax.random.key(0), (2000,)))
    objects = Piece.read(np.asarray(state.objects))
    cells, counts = np.unique(10 * objects.row[:, 0] + objects.col[:, 0], return_counts=True)
    assert cells.tolist() == [13, 14, 15, 23, 24, 25]
    np.testing.assert_allclose(counts / counts.sum(), 1 / 6, atol=0.02)
    np.testing.assert_allclose(np.mean(objects.heading[:, 0] == Direction.LEFT, axis=0), 0.5, atol=0.05)
    assert (objects.heading[:, 1] == Direction.RIGHT).all()


def test_shots_fly_hit_and_end():
    level = world_of({"area": at(2, 2), "shootable": True, "shot_reward": 1.0, "touch_reward": -9.0}, shoots=True)
    steps = play(level, [SHOOT, SHOOT, SHOOT, STAY, STAY, STAY, STAY])
    assert rewards(steps) == [0, 0, 1, 0, 0, 0, 0]
    assert [int((s.state.shots >= 0).sum()) for s in steps] == [1, 2, 1, 1, 1, 1, 0]  # the third shot had no place
    assert places(steps) == [(2, 2), (2, 2), None, None, None, None, None]
    assert not any((s.state.shots >= 0).any() for s in play(world_of(), [SHOOT, SHOOT]))


def test_what_cannot_be_shot_lets_shots_pass():
    steps = play(world_of({"area": at(4, 2), "shot_reward": 1.0}, shoots=True), [SHOOT, STAY])
    assert rewards(steps) == [0, 0]
    assert Piece.read(steps[1].state.shots).row[0] == 3


def test_a_shot_and_an_object_cannot_pass_through_each_other():
    falling = {"movement": Movement.FALL, "direction": Direction.DOWN, "shootable": True, "shot_reward": 1.0}
    assert rewards(play(world_of(falling | {"area": at(3, 2)}, shoots=True), [SHOOT, STAY])) == [1, 0]
    assert rewards(play(world_of(falling | {"area": at(4, 2)}, shoots=True), [SHOOT, STAY])) == [1, 0]


SHOOTER = {"area": at(1, 2), "p_fire": 1.0}


def test_objects_shoot_at_the_player():
    steps = play(world_of(SHOOTER, hit_reward=-1.0, lives=2), [STAY] * 6)
    fire = [Piece.read(s.state.fire[0]) for s in steps]
    assert [(int(shot.row), bool(shot.live)) for shot in fire][:4] == [(row, True) for row in (1, 2, 3, 4)]
    assert rewards(steps) == [0, 0, 0, 0, -1, 0]
    assert [int(s.state.lives) for s in steps] == [2, 2, 2, 2, 1, 1]
    assert not steps[-1].terminated
    assert not any(s.state.lives < 2 for s in play(world_of(SHOOTER, lives=2), [STAY, STAY, STAY, RIGHT, STAY, STAY]))


@pytest.mark.parametrize(
    ("axes", "start", "heading"),
    [
        ((True, True), (5, 2), Direction.DOWN),
        ((True, True), (2, 5), Direction.RIGHT),
        ((True, True), (0, 0), Direction.LEFT),
        ((True, False), (0, 0), Direction.UP),
        ((False, True), (5, 2), Direction.RIGHT),
    ],
)
def test_shots_head_for_where_the_player_can_be(axes, start, heading):
    rules = {"horizontal": axes[0], "vertical": axes[1], "start_row": start[0], "start_col": start[1]}
    (after,) = play(world_of(SHOOTER, **rules), [STAY])
    assert (after.state.fire >= 0).tolist() == [True, False, False, False]
    assert Piece.read(after.state.fire).heading[0] == heading


def test_lives_are_lost_one_a_step_and_the_last_terminates():
    danger = {"area": at(5, 3), "costs_life": True, "touch_reward": -0.5}
    steps = play(world_of(danger, danger, lives=2), [RIGHT, STAY, RIGHT])
    assert [int(s.state.lives) for s in steps] == [1, 1, 0]
    assert [bool(s.terminated) for s in steps] == [False, False, True]
    assert player(steps) == [(5, 2)] * 3  # back at the start
    assert rewards(steps) == [-1, 0, -1]
    assert not any(s.truncated for s in steps)


def test_time_limit_truncates_unless_the_last_life_is_lost():
    steps = play(world_of(max_steps=3, step_reward=0.25), [STAY] * 3)
    assert [(bool(s.terminated), bool(s.truncated)) for s in steps] == [(False, False)] * 2 + [(False, True)]
    assert rewards(steps) == [0.25] * 3
    (both,) = play(world_of({"area": at(5, 3), "costs_life": True}, max_steps=1), [RIGHT])
    assert (bool(both.terminated), bool(both.truncated)) == (True, False)


def test_a_goal_pays_and_sends_the_player_back():
    level = world_of(goal=Direction.UP, goal_reward=1.0, start_row=2)
    steps = play(level, [UP, UP, UP])
    assert rewards(steps) == [0, 1, 0]
    assert player(steps) == [(1, 2), (2, 2), (1, 2)]
    for side, action in ((Direction.LEFT, LEFT), (Direction.RIGHT, RIGHT), (Direction.DOWN, DOWN)):
        level = world_of(goal=side, goal_reward=1.0, start_row=2, start_col=2)
        assert sum(rewards(play(level, [action] * 3))) == 1


@pytest.mark.parametrize("delay", [1, 7, LONGEST_DELAY])
def test_delayed_rewards_are_paid_later_or_at_the_end(delay):
    prize = {"area": at(5, 3), "touch_reward": 1.0, "vanishes": True, "p_spawn": 1.0}
    steps = play(world_of(prize, delay=delay, max_steps=24), [RIGHT, *[STAY] * 23])
    paid = [1.0 if t >= delay and (t - delay) % 2 == 0 else 0.0 for t in range(24)]
    paid[-1] += 12 - sum(paid)
    assert rewards(steps) == paid


def test_delay_changes_no_return():
    levels = _with(draw(FAMILY.sample_level, 5, LEVELS), max_steps=np.full(LEVELS, 50, np.int32))
    action, noise = draw_play(6)
    totals = []
    for delay in (0, 1, 13, LONGEST_DELAY):
        _, after, _ = trajectory(_with(levels, delay=np.full(LEVELS, delay, np.int32)), action, noise)
        done = np.asarray(after.terminated | after.truncated)
        reward, returns = np.asarray(after.reward, np.float64), []
        for n in range(LEVELS):
            ends = np.flatnonzero(done[:, n]) + 1
            returns += [part.sum() for part in np.split(reward[:, n], ends)[:-1]]
        totals.append(returns)
    assert np.count_nonzero(totals[0]) > 100
    for late in totals[1:]:
        np.testing.assert_allclose(late, totals[0], rtol=1e-4, atol=1e-5)


def _with(level, **fields):
    return type(level)(**{**vars(level), **fields})


def test_sticky_actions_repeat_the_one_before():
    assert player(play(world_of(p_sticky=1.0), [LEFT, UP])) == [(5, 2)] * 2
    level = world_of(p_sticky=0.25, max_steps=1000)
    levels = jax.tree.map(lambda x: np.broadcast_to(x, (LEVELS, *x.shape)), level)
    wanted = jnp.broadcast_to(jnp.arange(STEPS)[:, None] % 2 + 1, (STEPS, LEVELS))  # left and right in turn
    _, after, _ = trajectory(levels, wanted, draw_play(0)[1])
    taken = np.asarray(after.state.action)
    repeated = taken != np.asarray(wanted)
    assert abs(repeated[1:].mean() - 0.25 / 1.25) < 0.01  # a repeat of the wanted action is none to see
    np.testing.assert_array_equal(taken[1:][repeated[1:]], taken[:-1][repeated[1:]])
