"""A reference for gridworlds in plain Python: sets, dictionaries and loops, to compare the array code with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.gridworld.levels import GridLevel, GridSizes

STEPS = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
CORNERS = {"up right": (-1, 1), "down right": (1, 1), "down left": (1, -1), "up left": (-1, -1)}


def draw(sample_level: Callable[[Any], GridLevel], seed: int, count: int) -> GridLevel:
    """Draw `count` levels as NumPy arrays, leaves [count, ...]."""
    keys = jax.random.split(jax.random.key(seed), count)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(sample_level))(keys))


def nth(levels: GridLevel, n: int) -> GridLevel:
    """Return level n of a batch."""
    return jax.tree.map(lambda leaf: leaf[n], levels)


def action_list(diagonal: bool) -> list[tuple[int, int]]:
    """Return the (row, column) offset of each action."""
    return [*STEPS.values(), *(CORNERS.values() if diagonal else ()), (0, 0)]


def resolve(p: float) -> int:
    """Return how many of the 65536 possible 16-bit draws trigger an event of probability p."""
    return round(float(p) * 65536)


@dataclass
class Thing:
    """An object of a level."""

    home: tuple[int, int]
    reward: float
    terminate: int  # draws of 65536 that end the episode
    respawn: int  # draws of 65536 that bring the object back


@dataclass
class World:
    """An episode of one level, with counts of its events."""

    level: GridLevel
    sizes: GridSizes
    moving: bool
    agent: tuple[int, int] = (0, 0)
    where: dict[int, tuple[int, int]] = field(default_factory=dict)  # cells of the objects present
    time: int = 0
    events: dict[str, int] = field(default_factory=lambda: dict.fromkeys(["collect", "respawn", "end", "cut"], 0))

    def __post_init__(self) -> None:
        side = self.sizes.side
        self.walls = {divmod(c, side) for c in range(side * side) if self.level.walls[c]}
        self.things = {
            o: Thing(divmod(int(cell), side), float(reward), resolve(terminate), resolve(respawn))
            for o, (cell, reward, terminate, respawn) in enumerate(
                zip(
                    self.level.object_cell,
                    self.level.object_reward,
                    self.level.p_terminate,
                    self.level.p_respawn,
                )
            )
            if cell >= 0
        }

    def _draw(self, place: Any, taken: set[tuple[int, int]]) -> tuple[int, int]:
        side = self.sizes.side
        free = [cell for cell in product(range(side), range(side)) if cell not in taken]
        return free[int(np.float32(place) * np.float32(len(free)))]

    def reset(self, places: list[Any]) -> None:
        """Begin an episode; `places` decide where the start and the objects of a moving level lie."""
        self.time, self.where = 0, {}
        if not self.moving:
            self.agent = divmod(int(self.level.start), self.sizes.side)
            self.where = {o: thing.home for o, thing in self.things.items()}
            return
        self.agent = self._draw(places[0], self.walls)
        for o in self.things:
            taken = self.walls | {self.agent} | set(self.where.values())
            self.where[o] = self._draw(places[1 + o], taken)

    def step(self, action: int, words: list[int], places: list[Any]) -> tuple[float, bool, bool]:
        """Take one step and return (reward, terminated, truncated)."""
        side = self.sizes.side
        drawn = [half for word in words for half in (word % 65536, word // 65536)]
        to = tuple(np.add(self.agent, action_list(self.sizes.diagonal)[action]).tolist())
        if to not in self.walls and 0 <= to[0] < side and 0 <= to[1] < side:
            self.agent = to
        before = dict(self.where)
        reward, ended = float(self.level.step_reward), False
        for o, cell in before.items():
            if cell == self.agent:
                del self.where[o]
                reward += self.things[o].reward
                ended = drawn[self.sizes.objects] < self.things[o].terminate
                self.events["collect"] += 1
        self._respawn(before, drawn, places)
        self.time += 1
        cut = not ended and self.time >= int(self.level.max_steps)
        self.events["end"] += ended
        self.events["cut"] += cut
        return reward, ended, cut

    def _respawn(self, before: dict[int, tuple[int, int]], drawn: list[int], places: list[Any]) -> None:
        taken = self.walls | {self.agent} | set(before.values())
        for o, thing in self.things.items():
            if o in before or drawn[o] >= thing.respawn:
                continue
            self.where[o] = self._draw(places[1 + o], taken) if self.moving else thing.home
            taken.add(self.where[o])
            self.events["respawn"] += 1

    def observe(self, kind: str) -> Any:
        """Return the observation of this kind: index, features or planes."""
        side = self.sizes.side
        if kind == "index":
            return self.agent[0] * side + self.agent[1] + side * side * sum(2**o for o in self.where)
        if kind == "features":
            features = [self.agent[0] * side + self.agent[1]] + [-1] * self.sizes.objects
            for o in self.where:
                features[1 + o] = side * side + o
            return features
        planes = np.zeros((side, side, 2 + self.sizes.objects), np.float32)
        planes[(*self.agent, 0)] = 1
        for cell in self.walls:
            planes[(*cell, 1)] = 1
        for o, cell in self.where.items():
            planes[(*cell, 2 + o)] = 1
        return planes


def best_return(level: GridLevel, sizes: GridSizes) -> float:
    """Return the best expected return, by expectimax over every action and every set of objects that may respawn."""
    world = World(level, sizes, moving=False)
    memo: dict[Any, float] = {}

    def value(agent: tuple[int, int], present: frozenset[int], left: int) -> float:
        if left == 0:
            return 0.0
        if (agent, present, left) not in memo:
            offers = [act(agent, present, left, move) for move in action_list(sizes.diagonal)]
            memo[agent, present, left] = max(offers)
        return memo[agent, present, left]

    def act(agent: tuple[int, int], present: frozenset[int], left: int, move: tuple[int, int]) -> float:
        to = (agent[0] + move[0], agent[1] + move[1])
        if to in world.walls or not (0 <= to[0] < sizes.side and 0 <= to[1] < sizes.side):
            to = agent
        hit = [o for o in present if world.things[o].home == to]
        reward = sum(world.things[o].reward for o in hit)
        survive = 1.0 - sum(world.things[o].terminate for o in hit) / 65536
        absent = [o for o in world.things if o not in present]
        total = 0.0
        for returns in product([False, True], repeat=len(absent)):
            chance = 1.0
            for o, back in zip(absent, returns):
                p = world.things[o].respawn / 65536
                chance *= p if back else 1 - p
            after = (present - set(hit)) | {o for o, back in zip(absent, returns) if back}
            if chance > 0:
                total += chance * value(to, frozenset(after), left - 1)
        return float(level.step_reward) + reward + survive * total

    return value(divmod(int(level.start), sizes.side), frozenset(world.things), int(level.max_steps))


def level_of(
    picture: str,
    objects: dict[str, tuple[float, float, float]],
    max_steps: int,
    sizes: GridSizes,
    step_reward: float = 0.0,
) -> GridLevel:
    """Build a level from a square picture.

    Args:
      picture: rows separated by spaces; "#" is a wall, "S" the start, and other marks are objects or floor.
      objects: mark -> (reward, p_terminate, p_respawn) of each object.
      max_steps: the time limit, environment steps.
      sizes: static sizes of the level.
      step_reward: reward of every step.
    """
    rows = picture.split()
    walls = np.ones((sizes.side, sizes.side), bool)
    cells = {}
    for r, row in enumerate(rows):
        for c, mark in enumerate(row):
            walls[r, c] = mark == "#"
            cells[mark] = r * sizes.side + c
    table = np.zeros((sizes.objects, 3), np.float32)
    for o, numbers in enumerate(objects.values()):
        table[o] = numbers
    object_cell = [cells[mark] for mark in objects] + [-1] * (sizes.objects - len(objects))
    return GridLevel(
        size=jnp.int32(len(rows)),
        walls=jnp.asarray(walls.reshape(-1)),
        start=jnp.int32(cells["S"]),
        object_cell=jnp.array(object_cell, jnp.int32),
        object_reward=jnp.asarray(table[:, 0]),
        p_terminate=jnp.asarray(table[:, 1]),
        p_respawn=jnp.asarray(table[:, 2]),
        step_reward=jnp.float32(step_reward),
        max_steps=jnp.int32(max_steps),
        lifetime=jnp.int32(10),
    )
