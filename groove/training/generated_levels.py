"""The levels that a curriculum's generator designs at one moment of a run, to watch what it learns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from groove.meta.groups import Group
from groove.training.trained_levels import MOST_DRAWN
from groove.types import PyTree, Stream
from groove.utils.processes import is_first, to_host

COUNT = 256  # levels whose features are averaged


def make_generated(group: Group, seed: int) -> Callable[[Any], PyTree] | None:
    """Build the function: state of the group's curriculum -> levels [COUNT], NumPy arrays.

    All calls use the same random numbers, so that pictures of two moments differ by what the generator has learned.

    Args:
      group: of the run.
      seed: of the run.

    Returns:
      The function; None if the curriculum has no generator.
    """
    generate = group.curriculum.generate
    if generate is None:
        return None
    key = jax.random.fold_in(jax.random.key(seed), Stream.GENERATED_LEVELS)
    compiled = jax.jit(lambda state: generate(state, key, COUNT))
    return lambda state: to_host(compiled(state))


def draw_generated(group: Group, levels: PyTree, picture: Path) -> None:
    """Draw the first of these levels, as many as one picture holds; draw nothing if the family cannot draw.

    Args:
      group: of the run.
      levels: [n], NumPy arrays.
      picture: the file to write; its folder is made.
    """
    draw = group.setup.env.draw
    if draw is None or not is_first():
        return
    picture.parent.mkdir(exist_ok=True)
    count = min(MOST_DRAWN, len(jax.tree.leaves(levels)[0]))
    each: list[Any] = [jax.tree.map(lambda x, i=i: x[i], levels) for i in range(count)]
    draw(each, [f"level {i}" for i in range(count)], picture)
