"""Three of jumanji's arcade games as families of a single level, to test rules on tasks outside their training.

jumanji reports its time limits as terminations (discount 0). This module makes games without a limit, so that jumanji
ends an episode only by the rules of the game, and counts the limit itself, as a truncation. jumanji keeps a key in its
state; here the noise gives each step a key, and the state holds none.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from groove.envs.base import Box, EnvFamily, Step
from groove.envs.external.key_noise import Keys, plain_arrays
from groove.envs.external.single_level import make_single_level
from groove.types import Array, PyTree
from groove.utils.errors import GrooveError, missing_extra, unknown_name

_NEVER = 2**30  # environment steps
_COLUMNS = 10  # columns of Tetris


class _Game(NamedTuple):
    """The properties of one game.

    Attributes:
      actions: A.
      shape: the shape of an observation.
      limit: jumanji's time limit, environment steps.
      observe: jumanji's observation -> this family's observation.
      decode: this family's action, int32 [] -> jumanji's action.
    """

    actions: int
    shape: tuple[int, ...]
    limit: int
    observe: Callable[[Any], Array]
    decode: Callable[[Array], Array]


def make_jumanji(name: str, lifetime: int = 1, max_steps: int | None = None) -> EnvFamily:
    """Build the family of one of jumanji's games; its only level is an int32 [], the lifetime.

    Agents get no action masks; jumanji's rules decide what an invalid action does. Rewards are jumanji's, unscaled.

    PacMan-v1 (limit 1000 steps):

    * The observation is bool [31, 28, 9]: walls, pellets, power pellets, the player, one plane for each of the four
      ghosts, and a gauge of fright, whose rows 0 to t - 1 are set while ghosts can be eaten for another t steps (at
      most 30). The score and the mask are not observed.
    * Actions are up, left, down, right, stay, in this order (jumanji's documentation gives another). Walking into a
      wall is staying.
    * A pellet pays 10, a power pellet 60, and each ghost 200 the first time it is eaten.
    * The episode terminates when a ghost catches the player or the last pellet is gone.

    Snake-v1 (limit 4000 steps):

    * The observation is f32 [12, 12, 5]: body, head, tail and fruit as zeros and ones, and the order of the body, from
      1 at the head down to 1 / length at the tail. The mask and the step count are not observed.
    * Actions are up, right, down, left.
    * A fruit pays 1.
    * The episode terminates when the snake leaves the grid, runs into its body (turning back does so from length 3 on)
      or fills the grid.

    Tetris-v0 (limit 400 steps):

    * The observation is bool [10, 10, 3]: the filled cells; the next piece, unrotated, in the upper left 4 x 4 cells;
      and the valid actions, at row rotation and column column (rows 4 to 9 stay empty). jumanji's step count, which is
      always 0, is not observed.
    * Action 10 * rotation + column drops the piece, turned by rotation * 90 degrees, with the left edge of its 4 x 4
      box at that column.
    * One to four lines pay 40, 100, 300 or 1200.
    * An invalid action (a piece that sticks out at the side or the top) terminates the episode and pays nothing. A step
      after which no action is valid pays its lines and terminates the episode.

    Args:
      name: "PacMan-v1", "Snake-v1" or "Tetris-v0".
      lifetime: agent updates.
      max_steps: the time limit, environment steps; None for jumanji's own.

    Raises:
      GrooveError: if jumanji is not installed, on an unknown name, or on a time limit below 1.
    """
    if name not in _GAMES:
        raise unknown_name("jumanji game", name, _GAMES)
    game = _GAMES[name]
    limit = game.limit if max_steps is None else max_steps
    if limit < 1:
        raise GrooveError(f"max_steps = {limit} must be positive.")
    env = _make(name)

    def reset(level: Array, noise: Keys) -> tuple[PyTree, Array]:
        state, timestep = env.reset(noise.reset)
        return _without_key(state), game.observe(timestep.observation)

    def step(level: Array, state: Any, action: Array, noise: Keys) -> Step:
        following, timestep = env.step(state.replace(key=noise.step), game.decode(action))
        last = timestep.last()
        terminated = last & (timestep.discount == 0)
        return Step(
            state=_without_key(following),
            obs=game.observe(timestep.observation),
            reward=timestep.reward.astype(jnp.float32),
            terminated=terminated,
            truncated=~terminated & (last | (following.step_count >= limit)),
        )

    return make_single_level(name, game.actions, Box(game.shape), reset, step, lifetime=lifetime, limit=limit)


def _make(name: str) -> Any:
    """Return jumanji's environment, without its time limit."""
    try:
        from jumanji.registration import make
    except ImportError as error:
        raise missing_extra("jumanji", "arcade") from error
    return make(name, time_limit=_NEVER)


def _without_key(state: Any) -> PyTree:
    return plain_arrays(state.replace(key=None))


def _observe_pac_man(seen: Any) -> Array:
    """Convert jumanji's PacMan to planes, bool [31, 28, 9].

    jumanji gives places as (column, row). The place of eaten food is (0, 0), which is a wall.
    """
    player = jnp.stack([seen.player_locations.y, seen.player_locations.x])[None]  # jumanji's x is the row
    places = [seen.pellet_locations, seen.power_up_locations, player, seen.ghost_locations]
    plane = np.concatenate([np.full(len(food), i) for i, food in enumerate(places[:2], 1)] + [np.arange(3, 8)])
    column, row = jnp.concatenate(places).T
    planes = jnp.zeros((*seen.grid.shape, 9), bool).at[row, column, plane].set(True).at[0, 0].set(False)
    fright = np.arange(len(seen.grid))[:, None] < seen.frightened_state_time
    return planes.at[..., 0].set(seen.grid == 0).at[..., 8].set(fright)


def _observe_snake(seen: Any) -> Array:
    """Convert jumanji's Snake to f32 [12, 12, 5]."""
    return seen.grid.astype(jnp.float32)


def _observe_tetris(seen: Any) -> Array:
    """Convert jumanji's Tetris to planes, bool [10, 10, 3]."""
    blank = jnp.zeros_like(seen.grid, bool)
    piece, valid = (blank.at[: x.shape[0], : x.shape[1]].set(x != 0) for x in (seen.tetromino, seen.action_mask))
    return jnp.stack([seen.grid != 0, piece, valid], axis=-1)


_GAMES = {
    "PacMan-v1": _Game(5, (31, 28, 9), 1000, _observe_pac_man, lambda action: action),
    "Snake-v1": _Game(4, (12, 12, 5), 4000, _observe_snake, lambda action: action),
    "Tetris-v0": _Game(
        4 * _COLUMNS,
        (10, _COLUMNS, 3),
        400,
        _observe_tetris,
        lambda action: jnp.stack([action // _COLUMNS, action % _COLUMNS]),
    ),
}
