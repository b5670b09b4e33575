"""jaxtari's games behind our interface, tested with a small fake of jaxtari 0.2, without jaxtari or its sprites."""

import dataclasses
import os
import re
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.envs.base import Box
from groove.envs.external.jaxtari import make_jaxtari
from groove.envs.external.key_noise import Keys
from groove.evaluation.meta_test import meta_test
from groove.lifetimes.rollout import rollout, start_workers
from groove.utils.errors import GrooveError

LIVES, WIDTH, TOP = 3, 8, 100
NOOP, SCORE, LOSE_POINT, DIE, LOSE_LIFE = range(5)  # the fake's actions, each taken in every frame


def record(cls):
    """Make a pytree with `replace`, as flax's struct.dataclass does."""
    cls = jax.tree_util.register_dataclass(dataclass(frozen=True)(cls))
    cls.replace = dataclasses.replace
    return cls


@record
class Object:
    x: Any
    y: Any


@record
class Observation:
    score: Any
    player: Object
    cars: Object


@record
class GameState:
    frame: Any
    score: Any
    lives: Any
    key: Any  # the game's own key


@record
class AtariState:
    env_state: Any
    key: Any
    step: Any
    prev_action: Any


class Range:
    """The part of jaxtari's Box and Discrete that is used."""

    def __init__(self, low, high, shape=()):
        self.n, self._ends = high + 1, (np.full(shape, low, np.int16), np.full(shape, high, np.int16))

    def range(self):
        return self._ends


class Game:
    """A game that shows the score and the number of the frame, which leaves its declared range."""

    def action_space(self):
        return Range(0, 4)

    def observation_space(self):
        places = {"x": Range(0, WIDTH), "y": Range(5, 5)}
        cars = {"x": Range(-1, WIDTH, (2,)), "y": Range(0, WIDTH, (2,))}
        named = {"player": places, "cars": cars}  # in another order than Observation's
        spaces = {name: SimpleNamespace(spaces=parts) for name, parts in named.items()}
        return SimpleNamespace(spaces={**spaces, "score": Range(0, TOP)})

    def _observe(self, state):
        cars = jnp.stack([state.frame, -state.frame])
        return Observation(state.score, Object(state.frame, jnp.int32(5)), Object(cars, cars))

    def reset(self, key):
        state = GameState(jnp.int32(0), jnp.int32(50), jnp.int32(LIVES), key)
        return self._observe(state), state

    def step(self, state, action):
        gain = jnp.select([action == SCORE, action == LOSE_POINT], [7, -7], 0)
        lives = state.lives - jnp.where(action == DIE, LIVES, action == LOSE_LIFE)
        after = state.replace(frame=state.frame + 1, score=state.score + gain, lives=lives)
        return self._observe(after), after, gain, lives <= 0, {}


class AtariWrapper:
    """A fake with the real wrapper's arguments, fields, key splitting and order of results."""

    sticky = 0.25

    def __init__(self, env, *, sticky_actions, episodic_life, first_fire, noop_max, max_frames_per_episode):
        assert (sticky_actions, episodic_life, first_fire, noop_max) == (0.25, False, False, 0)
        self._env, self._limit = env, max_frames_per_episode
        self.action_space, self.observation_space = env.action_space, env.observation_space

    def reset(self, key):
        assert key.dtype == jnp.uint32
        env_key, wrapper_key, _ = jax.random.split(key, 3)
        obs, state = self._env.reset(env_key)
        return obs, AtariState(state, wrapper_key, jnp.int32(0), jnp.int32(0))

    def step(self, state, action):
        step_key, next_key = jax.random.split(state.key)
        action = jnp.where(jax.random.uniform(step_key) < self.sticky, state.prev_action, action)
        obs, game, gain, done, info = self._env.step(state.env_state, action)
        following = AtariState(game, next_key, state.step + 1, action)
        return obs, following, gain, done, state.step + 1 >= self._limit, info


@pytest.fixture
def jaxtari(monkeypatch):
    """Install the fake, with sprites."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    package = ModuleType("jaxtari")
    package.make = lambda name: Game()
    package.list_available_games = lambda: ["pong", "breakout"]
    package.paths = SimpleNamespace(ownership_or_alt_markers_present=lambda: True)
    package.wrappers = SimpleNamespace(AtariWrapper=AtariWrapper)
    for name in ("jaxtari", "jaxtari.paths", "jaxtari.wrappers"):
        monkeypatch.setitem(sys.modules, name, package if name == "jaxtari" else getattr(package, name[8:]))
    return package


@pytest.fixture
def calm(jaxtari, monkeypatch):
    """Install the fake, with frames that never repeat the previous action."""
    monkeypatch.setattr(AtariWrapper, "sticky", 0.0)


def level_of(family):
    return family.sample_level(jax.random.key(0))


def play(family, actions, seed=0):
    """Return the first observation of an episode, and one step for each action, each with its own noise."""
    noise = family.noise(jax.random.key(seed), (len(actions) + 1,))
    level, at = level_of(family), lambda t: jax.tree.map(lambda keys: keys[t], noise)
    state, first = family.reset(level, at(-1))
    step_once, steps = jax.jit(family.step), []
    for t, action in enumerate(actions):
        steps.append(step_once(level, state, jnp.int32(action), at(t)))
        state = steps[-1].state
    return np.asarray(first), steps


def seen(frame, score):
    """Return the observation of one frame, scaled by hand, in the order of the spaces."""
    car = np.clip([frame, -frame], -1, WIDTH)
    return [min(frame / WIDTH, 1), 0, *(car + 1) / (WIDTH + 1), *np.clip(car, 0, WIDTH) / WIDTH, score / TOP]


@pytest.mark.usefixtures("calm")
def test_a_step_is_four_frames_of_one_action_and_the_last_four_steps_are_seen():
    first, steps = play(make_jaxtari("pong", max_frames=40), [SCORE, NOOP, LOSE_POINT])
    start = [seen(0, 50)]
    np.testing.assert_allclose(first, np.ravel(start * 4), atol=1e-6)
    np.testing.assert_allclose(steps[0].obs, np.ravel([*start * 3, seen(4, 78)]), atol=1e-6)
    last = [*start, seen(4, 78), seen(8, 78), seen(12, 50)]
    np.testing.assert_allclose(steps[2].obs, np.ravel(last), atol=1e-6)
    assert [float(step.reward) for step in steps] == [1, 0, -1]
    assert not any(step.terminated | step.truncated for step in steps)


@pytest.mark.usefixtures("calm")
@pytest.mark.parametrize(
    ("limit", "actions", "frame", "terminated"),
    [(40, [DIE], 1, True), (40, [NOOP, LOSE_LIFE], 7, True), (8, [NOOP, NOOP], 8, False), (8, [NOOP, DIE], 5, True)],
)
def test_the_end_is_the_game_s_or_the_limit_s_and_its_frame_is_seen(limit, actions, frame, terminated):
    _, steps = play(make_jaxtari("pong", max_frames=limit), actions)
    flags = [(bool(step.terminated), bool(step.truncated)) for step in steps]
    assert flags == [*[(False, False)] * (len(actions) - 1), (terminated, not terminated)]
    end = steps[-1]
    assert int(end.state.game.env_state.frame) == int(end.state.game.step) == frame  # not reset, nor played on
    np.testing.assert_allclose(end.obs[-7:], seen(frame, 50), atol=1e-6)


def step_from(change, action):
    """Take one step from the state of a new episode after `change`."""
    family = make_jaxtari("pong", max_frames=4)
    noise = family.noise(jax.random.key(0), ())
    state, _ = family.reset(level_of(family), noise)
    changed = dataclasses.replace(state, game=change(state.game))
    return family.step(level_of(family), changed, jnp.int32(action), noise)


@pytest.mark.usefixtures("calm")
def test_a_frame_with_both_ends_terminates():
    step = step_from(lambda game: game.replace(step=jnp.int32(3)), DIE)
    assert (bool(step.terminated), bool(step.truncated)) == (True, False)


@pytest.mark.usefixtures("calm")
def test_losing_one_life_ends_nothing():
    step = step_from(lambda game: game.replace(env_state=game.env_state.replace(lives=jnp.int32(9))), LOSE_LIFE)
    assert int(step.state.game.env_state.lives) == 5
    assert not step.terminated


def test_all_that_is_random_in_a_step_is_its_noise(jaxtari):
    family = make_jaxtari("pong")
    level, keys = level_of(family), jax.random.split(jax.random.key(1), 64)
    state, _ = family.reset(level, Keys(keys[0], keys[1]))

    @jax.vmap
    def step(key):
        return family.step(level, state, jnp.int32(SCORE), Keys(key, keys[0]))

    steps, again = step(keys), step(keys)
    jax.tree.map(np.testing.assert_array_equal, steps, again)
    scored = np.asarray(steps.state.game.env_state.score) - 50
    assert {28, 21, 14} <= set(scored) <= {28, 21, 14, 7, 0}  # the first frames may repeat NOOP, later ones then score
    assert state.game.key is None
    assert steps.state.game.key is None
    assert (steps.state.game.env_state.key == state.game.env_state.key).all()  # the game's own key is not touched


def test_it_is_rolled_out_like_any_family(jaxtari):
    family = make_jaxtari("breakout", lifetime=7, max_frames=80)
    level = level_of(family)
    assert (family.num_actions, family.observation) == (5, Box((28,)))
    assert (int(family.max_steps(level)), int(family.lifetime(level))) == (20, 7)
    agent = make_agent(family.observation, {"logits": 5}, AgentConfig(torso="mlp", widths=(4,)))

    def run(key):
        params, _ = agent.init(key)
        return rollout(family, agent, params, level, start_workers(family, level, key, 2), key, 3)

    _, path, _ = jax.eval_shape(run, jax.random.key(0))
    assert (path.next_obs.shape, path.next_obs.dtype) == ((3, 2, 28), jnp.float32)
    assert (path.reward.dtype, path.terminated.dtype, path.truncated.dtype) == (jnp.float32, jnp.bool_, jnp.bool_)


def test_without_jaxtari_the_error_names_the_extra(monkeypatch):
    for name in ("jaxtari", "jaxtari.paths"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError, match=r'jaxtari is not installed; run pip install "groove-rl\[jaxtari\]"'):
        make_jaxtari("pong")


@pytest.mark.usefixtures("devices_of_the_tests")
def test_without_sprites_it_says_who_installs_them_and_runs_nothing(jaxtari, monkeypatch, tmp_path):
    jaxtari.paths.ownership_or_alt_markers_present = lambda: False
    jaxtari.make = lambda name: pytest.fail("made a game")
    with pytest.raises(ValueError, match=r"install-sprites .*asks you about your licence") as refused:
        make_jaxtari("pong")
    assert "\n" not in str(refused.value)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: SimpleNamespace())
    with pytest.raises(GrooveError, match=re.escape(str(refused.value))):
        meta_test(["a2c"], ["chain", "jaxtari"], "smoke", results=tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_nothing_is_confirmed_asked_or_downloaded_for_the_user(jaxtari):
    before = dict(os.environ)
    make_jaxtari("pong")
    assert os.environ == before | {"JAXTARI_SKIP_SPRITE_UPDATE": "1"}  # else jaxtari may ask and download
    os.environ["JAXTARI_SKIP_SPRITE_UPDATE"] = "0"
    make_jaxtari("pong")
    assert os.environ["JAXTARI_SKIP_SPRITE_UPDATE"] == "0"


def test_mistakes_are_named(jaxtari):
    with pytest.raises(ValueError, match='did you mean "pong"'):
        make_jaxtari("Pong")
    for frames in (0, 6):
        with pytest.raises(ValueError, match="positive multiple of 4"):
            make_jaxtari("pong", max_frames=frames)

    def make(name):
        raise FileNotFoundError("player.npy")

    jaxtari.make = make
    with pytest.raises(ValueError, match=r'jaxtari cannot make "pong": player\.npy'):
        make_jaxtari("pong")
