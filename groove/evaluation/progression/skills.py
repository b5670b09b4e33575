"""The skills that each task asks for: a declared table of tasks x skills, with a reason for each row.

A skill has a few buckets, and a task is in one bucket of each skill:

* credit distance: environment steps between an action and the reward that it decides, for good agents. near: up to 10
  steps; far: more.
* sparsity: how often the reward tells good actions from bad ones. dense: several times an episode; sparse: at most once
  an episode, or only after behaviour that random play hardly shows.
* stochasticity: whether the outcome of an action is random. The first state of an episode may be random in both.
* observation: an index into a table, up to 100 numbers, or over 100 numbers.
* number of actions: 2, 3 to 5, or 6 and more.
* reward scale: how far the best return is from that of random play, in the unit of returns: up to 3, up to 30, or more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

BUCKETS: Mapping[str, tuple[str, ...]] = {
    "credit distance": ("near", "far"),
    "sparsity": ("dense", "sparse"),
    "stochasticity": ("deterministic", "random"),
    "observation": ("table", "up to 100 numbers", "over 100 numbers"),
    "number of actions": ("2", "3 to 5", "6 and more"),
    "reward scale": ("up to 3", "up to 30", "above 30"),
}


@dataclass(frozen=True)
class TaskSkills:
    """The buckets of one task.

    Attributes:
      buckets: skill -> bucket, for each skill of `BUCKETS`.
      reason: why the task is in the first three buckets; the others follow from the environment and the anchors.
    """

    buckets: Mapping[str, str]
    reason: str


def _task(
    credit: str, sparsity: str, chance: str, observation: str, actions: str, scale: str, reason: str
) -> TaskSkills:
    chosen = dict(zip(BUCKETS, (credit, sparsity, chance, observation, actions, scale), strict=True))
    return TaskSkills(chosen, reason)


_TABLE, _VECTOR, _PICTURE = BUCKETS["observation"]
_FEW, _SOME, _MANY = BUCKETS["number of actions"]
_SMALL, _MEDIUM, _LARGE = BUCKETS["reward scale"]
_RETURN = "objects return at random"

# tasks of jaxtari and atari have no row, because only one of them has an anchor so far
SKILLS: Mapping[str, TaskSkills] = {
    "gridworld/random": _task(
        "near", "dense", "random", _TABLE, _SOME, _SMALL, f"the nearest reward is 4 steps away on average; {_RETURN}"
    ),
    "gridworld/mazes": _task(
        "far",
        "dense",
        "random",
        _TABLE,
        _SOME,
        _SMALL,
        f"corridors lead up to 33 steps to the nearest reward; {_RETURN}",
    ),
    "gridworld/dense": _task(
        "near",
        "dense",
        "random",
        _TABLE,
        _SOME,
        "above 30",
        f"rewards 3 steps away on average; {_RETURN} within 20 steps",
    ),
    "gridworld/sparse": _task(
        "near", "sparse", "deterministic", _TABLE, _SOME, _SMALL, "one reward, which ends the episode, 9 steps away"
    ),
    "gridworld/long_horizon": _task(
        "far", "dense", "random", _TABLE, _SOME, _MEDIUM, f"{_RETURN} after 100 steps, for which an agent has to wait"
    ),
    "gridworld/longer_horizon": _task(
        "far", "dense", "random", _TABLE, _SOME, _MEDIUM, f"{_RETURN} after 100 steps, and dangers end the episode"
    ),
    "gridworld/long_dense": _task(
        "far", "dense", "random", _TABLE, _SOME, "above 30", f"{_RETURN} after 200 steps, in four rooms"
    ),
    "gridworld/random_dense": _task(
        "near", "dense", "random", _PICTURE, _SOME, _SMALL, "objects are at new places in every episode, near the agent"
    ),
    "gridworld/random_long_horizon": _task(
        "far", "dense", "random", _PICTURE, _SOME, _SMALL, f"{_RETURN} at new places, after 100 steps"
    ),
    "gridworld/random_small": _task(
        "near", "dense", "random", _PICTURE, _SOME, _SMALL, f"a grid of side 7; {_RETURN} at new places"
    ),
    "gridworld/random_small_sparse": _task(
        "near",
        "sparse",
        "deterministic",
        _PICTURE,
        _SOME,
        _SMALL,
        "a grid of side 7, one reward, which ends the episode",
    ),
    "gridworld/random_very_dense": _task(
        "near", "dense", "random", _PICTURE, _SOME, _MEDIUM, "the object returns in the next step, at a random place"
    ),
    "chain/tabular": _task(
        "far",
        "sparse",
        "random",
        _TABLE,
        _FEW,
        _SMALL,
        "the first of 5 to 50 actions decides the last reward; noise between",
    ),
    "chain/distractor": _task(
        "far",
        "sparse",
        "random",
        _VECTOR,
        _FEW,
        _SMALL,
        "the first of 5 to 30 actions decides; 20 random bits distract",
    ),
    "classic/CartPole": _task(
        "far",
        "dense",
        "deterministic",
        _VECTOR,
        _FEW,
        _LARGE,
        "a fall has causes tens of steps before; every step pays 1",
    ),
    "classic/Acrobot": _task(
        "far", "sparse", "deterministic", _VECTOR, _SOME, _LARGE, "every step costs 1 until a swing of about 70 steps"
    ),
    "classic/MountainCar": _task(
        "far",
        "sparse",
        "deterministic",
        _VECTOR,
        _SOME,
        _LARGE,
        "every step costs 1; random play never reaches the goal",
    ),
    "bsuite/Catch": _task(
        "near", "sparse", "deterministic", _VECTOR, _SOME, _SMALL, "a ball falls for 9 steps and is caught or not"
    ),
    "bsuite/DeepSea": _task(
        "near", "sparse", "deterministic", _VECTOR, _FEW, _SMALL, "the reward is behind 8 right moves in a row"
    ),
    "bsuite/DiscountingChain": _task(
        "far",
        "sparse",
        "deterministic",
        _VECTOR,
        _SOME,
        _SMALL,
        "the first action decides a reward 1 to 100 steps later",
    ),
    "minatar/Asterix": _task(
        "near",
        "dense",
        "random",
        _PICTURE,
        _SOME,
        _MEDIUM,
        "treasures cross a field of 10 cells; they appear at random",
    ),
    "minatar/Breakout": _task(
        "far",
        "dense",
        "deterministic",
        _PICTURE,
        _SOME,
        _MEDIUM,
        "a bounce decides about 12 steps later; only the first ball is drawn",
    ),
    "minatar/Freeway": _task(
        "far",
        "sparse",
        "random",
        _PICTURE,
        _SOME,
        _LARGE,
        "a crossing takes 27 steps of one action; cars get random speeds",
    ),
    "minatar/SpaceInvaders": _task(
        "near",
        "dense",
        "deterministic",
        _PICTURE,
        _SOME,
        _LARGE,
        "a bullet flies at most 9 steps; aliens move by a fixed plan",
    ),
    "minatar/Seaquest": _task(
        "near",
        "dense",
        "random",
        _PICTURE,
        _MANY,
        _SMALL,
        "a bullet flies at most 9 steps; fish and submarines appear at random",
    ),
    "arcade/PacMan": _task(
        "near", "dense", "random", _PICTURE, _SOME, _LARGE, "most steps eat a pellet; ghosts move at random"
    ),
    "arcade/Snake": _task(
        "far", "dense", "random", _PICTURE, _SOME, _SMALL, "a fruit at a random cell of 12 x 12, then the next one"
    ),
    "arcade/Tetris": _task(
        "far",
        "sparse",
        "random",
        _PICTURE,
        _MANY,
        _SMALL,
        "a full row takes several well placed pieces; pieces are drawn",
    ),
    "minigrid/EmptyRandom-8x8": _task(
        "far",
        "sparse",
        "deterministic",
        _PICTURE,
        _MANY,
        _SMALL,
        "one reward at the goal, up to 12 moves and turns away",
    ),
    "minigrid/FourRooms": _task(
        "far", "sparse", "deterministic", _PICTURE, _MANY, _SMALL, "one reward at a goal in any of four rooms"
    ),
    "minigrid/DoorKey-6x6": _task(
        "far", "sparse", "deterministic", _PICTURE, _MANY, _SMALL, "key, door and goal before the only reward"
    ),
    "minigrid/Unlock": _task(
        "far", "sparse", "deterministic", _PICTURE, _MANY, _SMALL, "key and door before the only reward"
    ),
}
