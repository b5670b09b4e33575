"""Real Atari games: every step is a real transition, the seed decides all randomness, and the protocol holds."""

import sys

import numpy as np
import pytest

from groove.envs.external.atari import ATARI_57, SMALL, make_atari


def _play(env, steps, seed=None, rng=0):
    """Play random actions, the same for every worker: (obs, HostStep) of each step."""
    actions = np.random.default_rng(rng).integers(env.num_actions, size=steps)
    obs = env.reset(seed)
    played = []
    for action in actions:
        step = env.step(np.full(env.workers, action, np.int32))
        played.append((obs, step))
        obs = step.obs
    return played


def _assert_real_transitions(played):
    """Check that successors keep three of the four screens, and that a new episode begins with black screens."""
    for obs, step in played:
        np.testing.assert_array_equal(step.next_obs[..., :-1], obs[..., 1:])
        ended = step.terminated | step.truncated
        assert not (step.terminated & step.truncated).any()
        np.testing.assert_array_equal(step.obs[~ended], step.next_obs[~ended])
        assert not step.obs[ended][..., :-1].any()
        assert all(screen.any() for screen in step.obs[ended][..., -1])


def test_shapes_and_types():
    env = make_atari("pong", workers=2, seed=0)
    assert (env.workers, env.num_actions, env.observation.shape) == (2, 6, (84, 84, 4))
    ((obs, step),) = _play(env, 1)
    for screens in (obs, step.obs, step.next_obs):
        assert (screens.shape, screens.dtype) == ((2, 84, 84, 4), np.uint8)
    assert [(x.shape, x.dtype) for x in step[1:5]] == [((2,), np.dtype(t)) for t in ("f4", "f4", "?", "?")]


def test_a_finished_game_terminates_and_the_next_begins():
    played = _play(make_atari("breakout", workers=2, seed=0), 420)
    _assert_real_transitions(played)
    terminated = np.stack([step.terminated for _, step in played])
    assert terminated.any(axis=0).all(), "both workers must lose their five lives"
    assert not any(step.truncated.any() for _, step in played)


def test_the_time_limit_truncates_and_shows_the_true_successor():
    short, long = (make_atari("pong", workers=2, seed=3, max_frames=frames) for frames in (40, 4000))
    played, uncut = _play(short, 25), _play(long, 25)
    _assert_real_transitions(played)
    truncated = np.stack([step.truncated for _, step in played])
    np.testing.assert_array_equal(truncated, np.repeat((np.arange(25) % 10 == 9)[:, None], 2, axis=1))
    assert not any(step.terminated.any() for _, step in played)
    np.testing.assert_array_equal(played[9][1].next_obs, uncut[9][1].next_obs)
    assert (played[9][1].obs != uncut[9][1].obs).any()


def _screens(env, steps=60, seed=None):
    return np.stack([step.next_obs[..., -1] for _, step in _play(env, steps, seed)])


def test_the_seed_decides_everything_and_workers_have_their_own_streams():
    one, same, other = (_screens(make_atari("pong", workers=2, seed=seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    streams = [one[:, 0], one[:, 1], other[:, 0], other[:, 1]]
    assert all((a != b).any() for i, a in enumerate(streams) for b in streams[:i])


def test_a_reset_continues_the_streams_and_a_seed_restarts_them():
    env = make_atari("pong", workers=1, seed=0)
    first, second = _screens(env), _screens(env)
    assert (first != second).any()
    np.testing.assert_array_equal(_screens(env, seed=0), first)
    np.testing.assert_array_equal(_screens(env), second)


def test_a_reset_counts_frames_from_zero():
    env = make_atari("pong", workers=1, seed=0, max_frames=40)
    _play(env, 6)
    assert not any(step.truncated.any() for _, step in _play(env, 9))


def test_rewards_are_the_signs_of_changes_of_score():
    steps = [step for game in ("ms_pacman", "pong") for _, step in _play(make_atari(game, workers=2, seed=0), 120)]
    rewards, raw = (np.stack([getattr(step, name) for step in steps]) for name in ("reward", "raw_reward"))
    np.testing.assert_array_equal(rewards, np.sign(raw))
    assert set(np.unique(rewards)) == {-1.0, 0.0, 1.0}
    assert raw.max() >= 10.0


def test_fire_is_not_pressed_for_the_agent():
    env = make_atari("breakout", workers=1, seed=0)
    obs = env.reset()
    for _ in range(20):  # after FIRE, a ball would be visible
        np.testing.assert_array_equal(env.step(np.zeros(1, np.int32)).next_obs[..., -1], obs[..., -1])


def test_the_action_set_is_the_minimal_one():
    assert make_atari("breakout", workers=1, seed=0).num_actions == 4


def test_the_57_games_are_among_those_of_ale_py():
    from ale_py.roms import get_all_rom_ids

    assert len(ATARI_57) == len(set(ATARI_57)) == 57
    assert set(SMALL) < set(ATARI_57) < set(get_all_rom_ids())


def test_mistakes_are_named(monkeypatch):
    with pytest.raises(ValueError, match='did you mean "ms_pacman"'):
        make_atari("ms-pacman", workers=1, seed=0)
    with pytest.raises(ValueError, match="multiple of 4"):
        make_atari("pong", workers=1, seed=0, max_frames=41)
    for module in ["ale_py", *(name for name in sys.modules if name.startswith("ale_py."))]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=r'ale-py is not installed; run pip install "groove-rl\[atari\]"'):
        make_atari("pong", workers=1, seed=0)
