"""A gridworld that a person plays in the terminal: the keys, the rules and the picture, without the terminal."""

from typing import Any, Literal

import jax
import numpy as np
from rich.color import Color
from rich.console import Group
from rich.style import Style
from rich.text import Text

from groove.envs.gridworld.levels import moves
from groove.envs.gridworld.render import FLOOR, INK, WALL, reward_colour
from groove.evaluation.levels.find_level import FoundLevel

_STEPS = {  # key -> (row, column); the letters of vi and of games, and the numbers of a keypad
    "up": (-1, 0),
    "down": (1, 0),
    "left": (0, -1),
    "right": (0, 1),
    "w": (-1, 0),
    "s": (1, 0),
    "a": (0, -1),
    "d": (0, 1),
    "k": (-1, 0),
    "j": (1, 0),
    "h": (0, -1),
    "l": (0, 1),
    "7": (-1, -1),
    "9": (-1, 1),
    "1": (1, -1),
    "3": (1, 1),
    " ": (0, 0),
    ".": (0, 0),
}


class Game:
    """Episodes on one level; randomness is folded from a seed and the number of steps."""

    def __init__(self, found: FoundLevel, seed: int = 0) -> None:
        """Begin the first episode.

        Args:
          found: the level.
          seed: of the events of the level.
        """
        self._found = found
        self._env = found.make_env()
        self._key = jax.random.key(seed)
        self._offsets = [(int(row), int(col)) for row, col in moves(found.sizes)]
        self._reset, self._step = jax.jit(self._env.reset), jax.jit(self._env.step)
        self.best, self.episodes, self._steps = float("-inf"), 0, 0
        self.restart()

    def restart(self) -> None:
        """Begin another episode."""
        self.state = self._reset(self._found.level, self._noise())[0]
        self.earned, self.over, self.last = 0.0, False, "Go."

    def press(self, key: str) -> Literal["go on", "quit"]:
        """Act on a key: a move, r for another episode, q or escape to quit; other keys do nothing."""
        if key in ("q", "escape"):
            return "quit"
        if key == "r" or (self.over and key == "enter"):
            self.restart()
        elif not self.over and _STEPS.get(key) in self._offsets:
            self._move(self._offsets.index(_STEPS[key]))
        return "go on"

    def _move(self, action: int) -> None:
        step: Any = self._step(self._found.level, self.state, np.int32(action), self._noise())
        self.state, reward = step.state, float(step.reward)
        self.earned += reward
        self.last = f"{reward:+.2f}" if reward else "Nothing here."
        if bool(step.terminated) or bool(step.truncated):
            self.over, self.episodes, self.best = True, self.episodes + 1, max(self.best, self.earned)
            why = "The object ended the episode" if bool(step.terminated) else "The time is over"
            self.last += f" {why}: return {self.earned:.2f}. Press r for another episode, q to quit."

    def _noise(self) -> Any:
        self._steps += 1
        return self._env.noise(jax.random.fold_in(self._key, self._steps), ())

    def picture(self) -> Group:
        """Return the level, the agent and what has been earned, for a terminal."""
        level, side = self._found.level, self._found.sizes.side
        size, time = int(level.size), int(self.state.time)
        cells = {
            (row, col): ("  ", _style(WALL if level.walls[row * side + col] else FLOOR))
            for row in range(size)
            for col in range(size)
        }
        for o, cell in enumerate(level.object_cell):
            if cell >= 0 and int(self.state.present) >> o & 1:
                ends = "!" if level.p_terminate[o] >= 0.5 else " "
                colour = reward_colour(float(level.object_reward[o]))
                cells[divmod(int(cell), side)] = (f"●{ends}", _style(FLOOR, colour))
        cells[int(self.state.row), int(self.state.col)] = ("@ ", _style(FLOOR, INK))
        lines = [Text.assemble(*(cells[row, col] for col in range(size))) for row in range(size)]
        score = f"step {time} of {int(level.max_steps)}   return {self.earned:.2f}"
        best = f"   best of {self.episodes}: {self.best:.2f}" if self.episodes else ""
        return Group(
            Text(self._found.name, style="bold"), *lines, Text(score + best), Text(self.last), Text(self._help())
        )

    def _help(self) -> str:
        diagonal = ", 7 9 1 3 for diagonals" if len(self._offsets) > 5 else ""
        return (
            f"arrows or wasd move{diagonal}, space stays, r restarts, q quits. @ you, ● an object: blue pays, red "
            "costs, ! probably ends the episode."
        )


def _style(back: np.ndarray, front: np.ndarray | None = None) -> Style:
    """Return a style of these colours, each [3] in [0, 255]."""
    colours = [None if colour is None else Color.from_rgb(*map(float, colour)) for colour in (front, back)]
    return Style(color=colours[0], bgcolor=colours[1], bold=front is not None)
