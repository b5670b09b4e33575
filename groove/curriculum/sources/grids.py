"""The sources of tabular gridworlds: random levels, LPG's named levels, mazes, and fixed sets of levels."""

from collections.abc import Callable
from typing import NamedTuple

import jax

from groove.envs.gridworld.level_file import load_levels, pinned, resize
from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution, sample_level, with_lifetimes
from groove.envs.gridworld.mazes import make_sampler
from groove.envs.gridworld.named import HANDCRAFTED, make_named_family, named_sizes
from groove.types import Key
from groove.utils.errors import GrooveError
from groove.utils.limits import MOST_LEVELS

Sampler = Callable[[Key], GridLevel]
_DIGITS = 100  # of a number; Python reads no more than a few thousand


class GridSource(NamedTuple):
    """A distribution of gridworlds whose padded grid can be enlarged.

    Attributes:
      sizes: the smallest sizes that hold the levels.
      sampler: sizes -> (key -> level). Builds a sampler of levels of these sizes, which are at least `sizes`.
    """

    sizes: GridSizes
    sampler: Callable[[GridSizes], Sampler]


class SourceEntry(NamedTuple):
    """One registered source of tabular gridworlds.

    Attributes:
      make: (argument, levels, sizes, key) -> the source. `argument` is the text after "NAME:"; `levels` is the
        distribution of random levels and the range of lifetimes (agent updates); `sizes` are the smallest sizes
        wanted; `key` is the randomness of a source that is drawn once.
      about: one line for listings.
      forms: the ways to write a source with an argument, as in "set:N"; empty for a source without an argument.
      check: argument -> None. Refuses a wrong argument without opening files.
      pin: argument -> argument. Replaces the name of a file by its absolute path and the digest of its content.
    """

    make: Callable[[str, LevelDistribution, GridSizes, Key], GridSource]
    about: str
    forms: tuple[str, ...] = ()
    check: Callable[[str], None] = lambda argument: None
    pin: Callable[[str], str] = lambda argument: argument


def random_levels(argument: str, levels: LevelDistribution, sizes: GridSizes, key: Key) -> GridSource:
    """Build the source of random levels."""
    return GridSource(sizes, lambda sizes: lambda key: sample_level(key, levels, sizes))


def handcrafted(argument: str, levels: LevelDistribution, sizes: GridSizes, key: Key) -> GridSource:
    """Build the source of LPG's five tabular gridworlds, with lifetimes drawn from the range of `levels`."""

    def sampler(sizes: GridSizes) -> Sampler:
        return with_lifetimes(make_named_family(HANDCRAFTED, sizes).sample_level, levels)

    return GridSource(larger_sizes(sizes, named_sizes(HANDCRAFTED)), sampler)


def mazes(argument: str, levels: LevelDistribution, sizes: GridSizes, key: Key) -> GridSource:
    """Build the source of rooms, labyrinths and perfect mazes."""
    return GridSource(sizes, lambda sizes: make_sampler(levels, sizes))


def level_set(argument: str, levels: LevelDistribution, sizes: GridSizes, key: Key) -> GridSource:
    """Build the source of a fixed set: N random levels, or the levels of a file, which keep their lifetimes.

    Args:
      argument: N, or the path of a level file.
      levels: the distribution of the N random levels.
      sizes: the smallest sizes wanted.
      key: the randomness of the N random levels.

    Raises:
      GrooveError: on a file that is not a level set, or whose levels have another set of actions.
    """
    return _frozen(int(argument), levels, sizes, key) if argument.isdecimal() else _from_file(argument, sizes)


def check_set(argument: str) -> None:
    """Refuse a set of no levels, or of more than anybody draws."""
    if argument.isdecimal() and not argument.strip("0"):
        raise GrooveError(f'"set:{argument}" is an empty set: set:N needs at least one level.')
    if argument.isdecimal() and (len(argument) > _DIGITS or int(argument) > MOST_LEVELS):
        raise GrooveError(f'"set:{argument[:40]}" is too large a set: set:N takes at most {MOST_LEVELS:,} levels.')


def count_levels(argument: str) -> int:
    """Return the number of levels of a set.

    Raises:
      GrooveError: on a file that is not a level set.
    """
    return int(argument) if argument.isdecimal() else len(load_levels(argument))


def pin_set(argument: str) -> str:
    """Replace the name of a level file by PATH#DIGEST, with an absolute path; leave a number as it is."""
    return argument if argument.isdecimal() else pinned(argument)


def larger_sizes(sizes: GridSizes, other: GridSizes) -> GridSizes:
    """Return the smallest sizes that hold the levels of both, with the actions of the first."""
    return GridSizes(max(sizes.side, other.side), max(sizes.objects, other.objects), sizes.diagonal)


def _frozen(count: int, levels: LevelDistribution, sizes: GridSizes, key: Key) -> GridSource:
    def sampler(sizes: GridSizes) -> Sampler:
        keys = jax.random.split(key, count)
        return _one_of(jax.jit(jax.vmap(lambda k: sample_level(k, levels, sizes)))(keys))

    return GridSource(sizes, sampler)


def _from_file(path: str, sizes: GridSizes) -> GridSource:
    kept = load_levels(path)
    if kept.sizes.diagonal != sizes.diagonal:
        raise GrooveError(
            f"{path} holds levels of sizes.diagonal = {kept.sizes.diagonal}: set sizes.diagonal to this value."
        )
    return GridSource(larger_sizes(sizes, kept.sizes), lambda sizes: _one_of(resize(kept, sizes)))


def _one_of(levels: GridLevel) -> Sampler:
    """Build a sampler that draws uniformly from levels [n]."""
    count = levels.size.shape[0]
    return lambda key: jax.tree.map(lambda x: x[jax.random.randint(key, (), 0, count)], levels)
