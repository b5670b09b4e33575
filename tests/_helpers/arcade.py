"""A reference for arcade worlds in plain Python: dictionaries, sets and loops, to compare the array code with."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.worlds.levels import CLASSES, MEMBERS, ClassRules, Movement, WorldLevel
from tests._helpers.reference import resolve

WAYS = {0: (0, -1), 1: (0, 1), 2: (-1, 0), 3: (1, 0)}  # left, right, up, down
OPPOSITE = {0: 1, 1: 0, 2: 3, 3: 2}
BLANK_CLASS: dict[str, Any] = {
    "count": 0,
    "movement": Movement.STILL,
    "direction": 0,
    "both_ways": False,
    "period": 1,
    "at_start": True,
    "p_spawn": 0.0,
    "area": (0, 0, 0, 0),
    "touch_reward": 0.0,
    "costs_life": False,
    "vanishes": False,
    "shootable": False,
    "shot_reward": 0.0,
    "p_fire": 0.0,
}
BLANK_WORLD: dict[str, Any] = {
    "height": 6,
    "width": 6,
    "start_row": 5,
    "start_col": 2,
    "horizontal": True,
    "vertical": True,
    "shoots": False,
    "aim": 2,
    "goal": -1,
    "goal_reward": 0.0,
    "hit_reward": 0.0,
    "step_reward": 0.0,
    "unit": 1.0,
    "delay": 0,
    "p_sticky": 0.0,
    "lives": 1,
    "max_steps": 100,
    "lifetime": 10,
}


def world_of(*classes: dict[str, Any], **rules: Any) -> WorldLevel:
    """Build a level from the rules that differ from those of a blank world, whose classes have no objects."""
    rows = [BLANK_CLASS | {"count": 1} | row for row in classes] + [BLANK_CLASS] * (CLASSES - len(classes))
    table = {name: _array([row[name] for row in rows]) for name in BLANK_CLASS}
    numbers = {name: _array(value) for name, value in (BLANK_WORLD | rules).items()}
    return WorldLevel(**numbers, classes=ClassRules(**table))


def _array(value: Any) -> jax.Array:
    array = np.asarray(value)
    return jnp.asarray(array.astype({"f": np.float32, "b": bool, "i": np.int32}[array.dtype.kind]))


def words_of(noise: int) -> list[int]:
    """Return the thirteen words of a step: one for each object, and the common one."""
    words = []
    for index in range(CLASSES * MEMBERS + 1):
        x = (noise + (index + 1) * 0x9E3779B9) % 2**32
        x = (x ^ x >> 16) * 0x85EBCA6B % 2**32
        x = (x ^ x >> 13) * 0xC2B2AE35 % 2**32
        words.append(x ^ x >> 16)
    return words


def entries(level: WorldLevel) -> dict[str, Any]:
    """Return every rule of a level under a name of its own: an area is one rule."""
    rules = {f.name: np.asarray(getattr(level, f.name)) for f in dataclasses.fields(level) if f.name != "classes"}
    for f in dataclasses.fields(level.classes):
        values = np.asarray(getattr(level.classes, f.name))
        rules |= {f"{f.name} {k}": values[k] for k in range(CLASSES)}
    return rules


@dataclass
class Arcade:
    """An episode of one level, with counts of its events."""

    level: WorldLevel
    objects: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)  # row, column, heading
    shots: dict[int, tuple[int, int]] = field(default_factory=dict)
    fire: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    debts: list[tuple[int, float]] = field(default_factory=list)  # time of payment, amount
    events: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ["touch", "shot", "hit", "goal", "life", "spawn", "fire", "left", "sticky", "end", "cut"], 0
        )
    )

    def reset(self, noise: int) -> None:
        """Begin an episode."""
        words = words_of(noise)
        level, rules = self.level, self.level.classes
        self.player = (int(level.start_row), int(level.start_col))
        self.time, self.lives, self.action = 0, int(level.lives), 0
        self.shots, self.fire, self.debts, self.objects = {}, {}, [], {}
        for k in range(CLASSES):
            if rules.at_start[k]:
                for m in range(int(rules.count[k])):
                    self.objects[k, m] = self._place(k, m, words)

    def _place(self, k: int, m: int, words: list[int]) -> tuple[int, int, int]:
        rules = self.level.classes
        top, bottom, left, right = (int(x) for x in rules.area[k])
        word = words[k * MEMBERS + m]
        row = top + (word >> 16) % 256 * (bottom - top + 1) // 256
        col = left + (word >> 24) * (right - left + 1) // 256
        heading = int(rules.direction[k])
        coin = words[-1] >> (16 + k * MEMBERS + m) & 1
        if coin and rules.both_ways[k] and rules.movement[k] in (Movement.CROSS, Movement.BOUNCE):
            heading = OPPOSITE[heading]
        return row, col, heading

    def _inside(self, row: int, col: int) -> bool:
        return 0 <= row < self.level.height and 0 <= col < self.level.width

    def step(self, action: int, noise: int) -> tuple[float, bool, bool]:
        """Take one step and return (reward, terminated, truncated)."""
        level, rules = self.level, self.level.classes
        words = words_of(noise)
        draws = {(k, m): words[k * MEMBERS + m] % 65536 for k in range(CLASSES) for m in range(MEMBERS)}
        before = dict(self.objects)
        if words[-1] % 65536 < resolve(level.p_sticky):
            action = self.action
            self.events["sticky"] += 1
        self.action = action
        self._act(action)
        touched, shot, spent = self._meet()
        self._move_objects()
        again, more, spent_later = self._meet()
        touched, shot = touched | again, shot | more
        self.shots = {p: cell for p, cell in self.shots.items() if p not in spent | spent_later}
        fired = self._shoot(before, draws)
        hit = self._move_fire()
        self.fire |= fired
        reward = float(level.step_reward)
        reward += sum(float(rules.touch_reward[k]) for k, _ in touched) + hit * float(level.hit_reward)
        reward += sum(float(rules.shot_reward[k]) for k, _ in shot)
        row, col = self.player
        goal = [col == 0, col == level.width - 1, row == 0, row == level.height - 1]
        at_goal = level.goal >= 0 and goal[int(level.goal)]
        reward += float(level.goal_reward) * at_goal
        lost = hit or any(rules.costs_life[k] for k, _ in touched)
        self.lives -= lost
        if lost or at_goal:
            self.player = (int(level.start_row), int(level.start_col))
        for (k, m), draw in draws.items():
            if (k, m) not in before and m < rules.count[k] and draw < resolve(rules.p_spawn[k]):
                self.objects[k, m] = self._place(k, m, words)
                self.events["spawn"] += 1
        self.debts.append((self.time + int(level.delay), reward * float(level.unit)))
        ended = self.lives <= 0
        cut = not ended and self.time + 1 >= level.max_steps
        due = [debt for debt in self.debts if debt[0] <= self.time or ended or cut]
        self.debts = [debt for debt in self.debts if debt not in due]
        self.time += 1
        for name, count in {"touch": len(touched), "shot": len(shot), "hit": hit, "goal": at_goal}.items():
            self.events[name] += count
        for name, count in {"life": lost, "end": ended, "cut": cut}.items():
            self.events[name] += count
        return sum(amount for _, amount in due), bool(ended), bool(cut)

    def _act(self, action: int) -> None:
        level = self.level
        if action - 1 in WAYS and (level.horizontal if action < 3 else level.vertical):
            to = (self.player[0] + WAYS[action - 1][0], self.player[1] + WAYS[action - 1][1])
            self.player = to if self._inside(*to) else self.player
        if action == 5 and level.shoots and len(self.shots) < 2:
            self.shots[min({0, 1} - set(self.shots))] = self.player
        by = WAYS[int(level.aim)]
        moved = {p: (row + by[0], col + by[1]) for p, (row, col) in self.shots.items()}
        self.shots = {p: cell for p, cell in moved.items() if self._inside(*cell)}

    def _meet(self) -> tuple[set[tuple[int, int]], set[tuple[int, int]], set[int]]:
        rules = self.level.classes
        cells = {o: (row, col) for o, (row, col, _) in self.objects.items()}
        shot = {o for o, cell in cells.items() if rules.shootable[o[0]] and cell in self.shots.values()}
        spent = {p for p, cell in self.shots.items() if cell in {cells[o] for o in shot}}
        touched = {o for o, cell in cells.items() if cell == self.player} - shot
        for o in shot | {o for o in touched if rules.vanishes[o[0]]}:
            del self.objects[o]
        return touched, shot, spent

    def _move_objects(self) -> None:
        rules = self.level.classes
        for (k, m), (row, col, heading) in list(self.objects.items()):
            if self.time % int(rules.period[k]):
                continue
            way = {
                Movement.STILL: (0, 0),
                Movement.CHASE: self._towards(row, col),
                Movement.FLEE: tuple(-x for x in self._towards(row, col)),
            }.get(int(rules.movement[k]), WAYS[heading])
            to = (row + way[0], col + way[1])
            if not self._inside(*to):
                match int(rules.movement[k]):
                    case Movement.FALL:
                        del self.objects[k, m]
                        self.events["left"] += 1
                        continue
                    case Movement.CROSS:
                        to = (to[0] % int(self.level.height), to[1] % int(self.level.width))
                    case Movement.BOUNCE:
                        heading = OPPOSITE[heading]
                        to = (row + WAYS[heading][0], col + WAYS[heading][1])
                    case _:
                        to = (row, col)
            self.objects[k, m] = (*to, heading)

    def _towards(self, row: int, col: int) -> tuple[int, int]:
        down, right = self.player[0] - row, self.player[1] - col
        if abs(down) >= abs(right):
            return (0 if down == 0 else down // abs(down)), 0
        return 0, right // abs(right)

    def _move_fire(self) -> bool:
        hit = False
        for k, (row, col, heading) in list(self.fire.items()):
            to = (row + WAYS[heading][0], col + WAYS[heading][1])
            del self.fire[k]
            if self.player in ((row, col), to):
                hit = True
            elif self._inside(*to):
                self.fire[k] = (*to, heading)
        return hit

    def _shoot(
        self, before: dict[tuple[int, int], tuple[int, int, int]], draws: dict[tuple[int, int], int]
    ) -> dict[int, tuple[int, int, int]]:
        level, fired = self.level, {}
        for k in range(CLASSES):
            willing = [o for o in sorted(before) if o[0] == k and draws[o] < resolve(level.classes.p_fire[k])]
            if k in self.fire or not willing:
                continue
            row, col, _ = before[willing[0]]
            down, right = self.player[0] - row, self.player[1] - col
            along_column = abs(down) >= abs(right) if level.horizontal and level.vertical else level.horizontal
            fired[k] = (row, col, (2 if down < 0 else 3) if along_column else (0 if right < 0 else 1))
            self.events["fire"] += 1
        return fired

    def observe(self) -> list[int]:
        """Return the observed indices without the unused entries, sorted."""
        cell = lambda row, col: row * 10 + col  # noqa: E731
        seen = [cell(*self.player), *([1400 + self.lives - 1] if self.lives > 0 else [])]
        seen += [1403 + self.time % 4, 1407 + self.action]
        seen += [
            100 * (1 + 2 * k + (heading in (1, 3))) + cell(r, c) for (k, _), (r, c, heading) in self.objects.items()
        ]
        seen += [900 + cell(*place) for place in self.shots.values()]
        seen += [100 * (10 + heading) + cell(r, c) for r, c, heading in self.fire.values()]
        return sorted(seen)


def assert_valid(levels: WorldLevel) -> None:
    """Every level of a batch has rules that the dynamics can play."""
    rules = levels.classes
    for size in (levels.height, levels.width):
        assert ((size >= 6) & (size <= 10)).all()
    assert ((levels.start_row >= 0) & (levels.start_row < levels.height)).all()
    assert ((levels.start_col >= 0) & (levels.start_col < levels.width)).all()
    assert (levels.horizontal | levels.vertical).all()
    for number, low, high in [
        (levels.aim, 0, 3),
        (levels.goal, -1, 3),
        (levels.delay, 0, 20),
        (levels.lives, 1, 3),
        (levels.max_steps, 50, 400),
        (levels.p_sticky, 0, 0.25),
        (levels.unit, 0.0999, 1),
        (levels.hit_reward, -1, 0),
        (rules.count, 0, MEMBERS),
        (rules.movement, 0, 5),
        (rules.direction, 0, 3),
        (rules.touch_reward, -1, 1),
        (rules.shot_reward, -1, 1),
        (rules.p_spawn, 0.0199, 0.3),
        (rules.p_fire, 0, 0.3),
    ]:
        assert ((number >= low) & (number <= high)).all()
    assert np.isin(rules.period, (1, 2, 4)).all()
    top, bottom, left, right = np.moveaxis(rules.area, -1, 0)
    for first, last, size in ((top, bottom, levels.height), (left, right, levels.width)):
        assert ((first >= 0) & (first <= last) & (last < size[:, None])).all()
    assert (levels.lifetime >= 1).all()
