"""Three of jumanji's arcade games as families of a single level, to test rules on tasks they never saw.

jumanji reports its time limits as terminations (discount 0). Here the games are built without a limit, so that what
jumanji ends is ended by the rules of the game, and the limit is counted apart, as a truncation. jumanji also keeps a
key in its state; here each step is given its own, and the state holds none.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from groove.envs.base import Box, EnvFamily, Step
from groove.envs.external.gymnax import Keys, draw_keys, plain_arrays
from groove.envs.gridworld.named import check_name
from groove.types import Array, PyTree

_NEVER = 2**30  # environment steps
_COLUMNS = 10  # of Tetris


class _Game(NamedTuple):
    """What has to be said of one game.

    Attributes:
      actions: A.
      shape: of an observation.
      limit: jumanji's time limit, environment steps.
      observe: jumanji's observation -> ours.
      decode: our action, int32 [] -> jumanji's.
    """

    actions: int
    shape: tuple[int, ...]
    limit: int
    observe: Callable[[Any], Array]
    decode: Callable[[Array], Array]


def make_jumanji(name: str, lifetime: int = 1, max_steps: int | None = None) -> EnvFamily:
    """Builds the family of one of jumanji's games; its only level is an int32 [], the lifetime.

    Agents have no action masks: what an action does that jumanji calls invalid is the game's rule. Rewards are
    jumanji's, unscaled.

    "PacMan-v1" (limit 1000 steps) is observed as bool [31, 28, 9]: walls, pellets, power pellets, the player, each of
      the four ghosts by itself, and a gauge of fright, rows 0 to t - 1 for t steps (30 at most) in which ghosts can be
      eaten. Actions are up, left, down, right, stay, in this order whatever jumanji's documentation says; walking into
      a wall is staying. It pays 10 a pellet, 60 a power pellet, 200 for each ghost's first time of being eaten. It
      terminates when a ghost catches the player or the last pellet is gone. The score and the mask are not observed.
    "Snake-v1" (limit 4000) is observed as f32 [12, 12, 5]: body, head, tail and fruit, zeros and ones, and the order
      of the body, from 1 at the head down to 1 / length at the tail. Actions are up, right, down, left; leaving the
      grid or running into the body, as turning back does from length 3 on, terminates, and so does filling the grid.
      It pays 1 a fruit. The mask and the step count are not observed.
    "Tetris-v0" (limit 400) is observed as bool [10, 10, 3]: the filled cells; the piece to place, unrotated, in the
      upper left 4 x 4 cells; and which actions are valid, at row rotation, column column (rows 4 to 9 stay empty).
      Action 10 * rotation + column drops the piece, turned by rotation * 90 degrees, with the left edge of its 4 x 4
      box there. It pays 40, 100, 300 or 1200 for one to four lines. An invalid action, a piece that sticks out at the
      side or the top, terminates and pays nothing; so does, after it has paid, a step that leaves no valid action.
      The step count, which jumanji always shows as 0, is not observed.

    Args:
      name: "PacMan-v1", "Snake-v1" or "Tetris-v0".
      lifetime: agent updates.
      max_steps: the time limit, environment steps; None for jumanji's own.

    Raises:
      ValueError: where jumanji is not installed; on an unknown name, naming the nearest valid one; on a time limit
        below 1.
    """
    check_name(name, _GAMES, "jumanji game")
    game = _GAMES[name]
    limit = game.limit if max_steps is None else max_steps
    if limit < 1:
        raise ValueError(f"max_steps = {limit} must be positive.")
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

    return EnvFamily(
        name=name,
        num_actions=game.actions,
        observation=Box(game.shape),
        sample_level=lambda key: jnp.int32(lifetime),
        noise=draw_keys,
        reset=reset,
        step=step,
        lifetime=lambda level: level,
        max_steps=lambda level: jnp.int32(limit),
    )


def _make(name: str) -> Any:
    """jumanji's environment, without its time limit."""
    try:
        from jumanji.registration import make
    except ImportError as error:
        raise ValueError(f'{name!r} is one of jumanji\'s games: pip install "groove-rl[arcade]".') from error
    return make(name, time_limit=_NEVER)


def _without_key(state: Any) -> PyTree:
    return plain_arrays(state.replace(key=None))


def _observe_pac_man(seen: Any) -> Array:
    """bool [31, 28, 9]; jumanji gives places as (column, row), and those of eaten food as (0, 0), which is a wall."""
    player = jnp.stack([seen.player_locations.y, seen.player_locations.x])[None]  # jumanji's x is the row
    places = [seen.pellet_locations, seen.power_up_locations, player, seen.ghost_locations]
    plane = np.concatenate([np.full(len(food), i) for i, food in enumerate(places[:2], 1)] + [np.arange(3, 8)])
    column, row = jnp.concatenate(places).T
    planes = jnp.zeros((*seen.grid.shape, 9), bool).at[row, column, plane].set(True).at[0, 0].set(False)
    fright = np.arange(len(seen.grid))[:, None] < seen.frightened_state_time
    return planes.at[..., 0].set(seen.grid == 0).at[..., 8].set(fright)


def _observe_snake(seen: Any) -> Array:
    """f32 [12, 12, 5]."""
    return seen.grid.astype(jnp.float32)


def _observe_tetris(seen: Any) -> Array:
    """bool [10, 10, 3]."""
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
