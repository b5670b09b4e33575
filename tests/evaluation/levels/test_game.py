"""Keys move the player by the rules of the level, and the picture shows where things are."""

import dataclasses

import numpy as np
import pytest
from rich.console import Console

from groove.evaluation.levels.find_level import FoundLevel
from groove.evaluation.levels.game import Game
from tests.envs.gridworld.test_svg import LEVEL, SIZES

SURE = dataclasses.replace(LEVEL, p_terminate=np.array([1.0, 0.0], np.float32))


@pytest.fixture
def game():
    """A player at row 2, column 1; a wall at (1, 2), and an object of reward 1 at (0, 2) that ends the episode."""
    return Game(FoundLevel("three by three", SURE, SIZES))


def _place(game):
    return int(game.state.row), int(game.state.col)


def _picture(game):
    console = Console(width=120)
    with console.capture() as captured:
        console.print(game.picture())
    return captured.get().splitlines()


def test_keys_move_and_walls_stop(game):
    for key, place in [("up", (1, 1)), ("d", (1, 1)), ("right", (1, 1)), ("a", (1, 0)), ("9", (1, 0)), ("x", (1, 0))]:
        assert game.press(key) == "go on"
        assert _place(game) == place


def test_collecting_pays_and_may_end_the_episode(game):
    for key in ("w", "w", "d"):
        game.press(key)
    assert (game.earned, game.over, game.episodes, game.best) == (1.0, True, 1, 1.0)
    assert "ended the episode" in game.last
    game.press("left")
    assert _place(game) == (0, 2), "nothing moves after the end"
    game.press("enter")
    assert (_place(game), game.earned, game.over) == ((2, 1), 0.0, False)


def test_time_runs_out(game):
    for _ in range(int(SURE.max_steps)):
        game.press(" ")
    assert game.over
    assert "time is over" in game.last


def test_the_picture_shows_player_object_and_score(game):
    lines = _picture(game)
    assert lines[1].rstrip() == "    ●!"
    assert lines[3].rstrip() == "  @"
    assert "step 0 of 20" in lines[4]


def test_q_quits(game):
    assert game.press("q") == "quit"
