"""The distribution of arcade worlds: valid levels, each with something to gain that can be reached."""

import jax
import numpy as np
import pytest

from groove.envs.worlds.family import make_worlds
from groove.envs.worlds.levels import LONGEST_DELAY, MEMBERS, MOST_LIVES, PERIODS, SIDE, Direction, Movement
from groove.envs.worlds.sampling import UNITS, choose
from tests._helpers.arcade import assert_valid
from tests._helpers.reference import draw

LEVELS = 2000


@pytest.fixture(scope="module")
def worlds():
    return draw(make_worlds().sample_level, 0, LEVELS)


def test_all_worlds_are_valid(worlds):
    assert_valid(worlds)


def test_every_rule_takes_its_values(worlds):
    rules = worlds.classes
    there = rules.count > 0
    assert set(worlds.height) == set(worlds.width) == set(range(6, SIDE + 1))
    assert set(worlds.lives) == set(range(1, MOST_LIVES + 1))
    assert set(worlds.delay) == set(range(LONGEST_DELAY + 1))
    assert set(worlds.goal) == {-1, *Direction}
    assert set(rules.count[there]) == set(range(1, MEMBERS + 1))
    assert set(rules.movement[there]) == set(Movement)
    assert set(rules.period[there]) == set(PERIODS)
    for flag in (rules.both_ways, rules.at_start, rules.costs_life, rules.vanishes, rules.shootable, worlds.shoots):
        assert 0.2 < flag.mean() < 0.9
    assert (worlds.max_steps.min(), worlds.max_steps.max()) == (50, 400)
    np.testing.assert_allclose(np.median(worlds.max_steps), 141, rtol=0.05)
    np.testing.assert_allclose([worlds.unit.min(), worlds.unit.max()], UNITS, rtol=0.02)
    for half in (worlds.delay > 0, worlds.p_sticky > 0):
        assert abs(half.mean() - 0.5) < 0.03
    assert worlds.p_sticky.max() <= 0.25


def test_every_world_has_a_source_of_reward_within_reach(worlds):
    rules = worlds.classes
    there = rules.count > 0
    prizes = there & (rules.touch_reward > 0)
    targets = there & rules.shootable & (rules.shot_reward > 0) & worlds.shoots[:, None]
    goals, survival = worlds.goal >= 0, worlds.step_reward >= 0.05
    assert (prizes.any(1) | targets.any(1) | goals | survival).all()
    shares = [prizes[:, 0].mean(), goals.mean(), survival.mean()]
    np.testing.assert_allclose(shares, [0.4, 0.2, 0.15], atol=0.03)

    only_sideways = (worlds.horizontal & ~worlds.vertical)[:, None]
    moves_down = (rules.direction == Direction.UP) | (rules.direction == Direction.DOWN)
    on_row = (rules.area[..., 0] == worlds.start_row[:, None]) & (rules.area[..., 1] == worlds.start_row[:, None])
    stays = np.isin(rules.movement, (Movement.STILL, Movement.FLEE))
    assert (np.where(stays, on_row, moves_down) | ~(prizes & only_sideways)).all()
    assert not (rules.costs_life & (rules.touch_reward > 0)).any()
    assert rules.vanishes[prizes].all()
    assert not np.isin(rules.movement[prizes], Movement.CHASE).any()


def test_the_player_starts_far_from_the_goal_and_behind_its_shots(worlds):
    to_row = {Direction.UP: worlds.height - 1, Direction.DOWN: 0}
    to_col = {Direction.LEFT: worlds.width - 1, Direction.RIGHT: 0}
    one_axis = worlds.horizontal != worlds.vertical
    for sides, start in ((to_row, worlds.start_row), (to_col, worlds.start_col)):
        for side, far in sides.items():
            where = (worlds.goal == side) | (worlds.shoots & one_axis & (worlds.aim == side))
            assert (start == far)[where].all()
            assert where.any()


def test_a_key_determines_a_world(worlds):
    again, other = (draw(make_worlds().sample_level, seed, LEVELS) for seed in (0, 1))
    jax.tree.map(np.testing.assert_array_equal, worlds, again)
    assert (worlds.max_steps != other.max_steps).any()
    assert set(worlds.lifetime) == {250}


def test_the_unit_is_drawn_from_its_range():
    units = draw(make_worlds(units=(2.0, 4.0)).sample_level, 0, 200).unit
    assert ((units >= 2) & (units <= 4)).all()


def test_choices_have_the_given_probabilities():
    u = np.linspace(0, 1, 1000, endpoint=False, dtype=np.float32)
    np.testing.assert_allclose(np.bincount(choose(u, (0.1, 0.0, 0.6, 0.3))), [100, 0, 600, 300], atol=1)
