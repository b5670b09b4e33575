"""The program levels: lists, draws, exports and imports levels."""

from collections.abc import Mapping, Sequence
from typing import Any

from groove.cli._main import FlagSet, Program
from groove.utils.errors import ConfigError, unknown_name
from groove.utils.limits import MOST_INTEGER, MOST_LEVELS, MOST_LIFETIME

COMMANDS = ("list", "draw", "export", "import", "play")
_DIGITS = 100  # of a number; Python reads no more than a few thousand

_FLAGS = FlagSet()
_FROM = _FLAGS.string("from", None, "A run directory or a level file; for import, a JSON file. Not for play.")
_TO = _FLAGS.string(
    "to",
    None,
    "The file to write: for draw, a picture (.png, .pdf, .svg); for export and import, a level file (.safetensors), "
    "which meta-train --curriculum set:FILE trains on, or JSON (.json). Not for list.",
)
_TOP = _FLAGS.integer(
    "top",
    64,
    "Number of levels, those with the highest scores, best first; 0 for all. Not for import.",
    least=0,
    most=MOST_LEVELS,
)
_FORCE = _FLAGS.boolean("force", False, "Replace the file if it exists.")
_LIFETIMES = _FLAGS.names(
    "lifetimes",
    [],
    "Shortest and longest lifetime in agent updates, as in 100,1000: replaces the lifetimes of the levels by new ones, "
    "log-uniform between these, for export and draw. Without this flag: the levels keep their lifetimes.",
)
_GIF = _FLAGS.string(
    "gif",
    None,
    "For play: write an animation (.gif) of an agent at birth, in the middle and at the end of its life. Without this "
    "flag: you play at the keyboard.",
)
_RULE = _FLAGS.string(
    "rule", "groove", "For --gif: the rule of the agent: a released rule, a run, a rule file, a2c, ppo or random."
)
_UPDATES = _FLAGS.integer(
    "updates",
    None,
    "For --gif: lifetime of the agent in agent updates. Without this flag: that of the level.",
    least=1,
    most=MOST_LIFETIME,
)
_SEED = _FLAGS.integer("seed", 0, "For play: seed of every random stream.", least=0, most=MOST_INTEGER)


def run(command: str, *level: str) -> None:
    """Run the program."""
    if command not in COMMANDS:
        raise unknown_name("command", command, COMMANDS)
    if command == "play":
        _play(level)
        return
    if level:
        raise ConfigError(f'unexpected argument "{level[0]}": {command} reads the levels of --from.')
    for flag in (_GIF, _RULE, _UPDATES, _SEED):
        if flag.present:
            raise ConfigError(f"--{flag.name} is read by play only: leave it out.")
    if _FROM.value is None:
        raise ConfigError("--from is missing: give a run directory or a level file; for import, a JSON file.")
    lifetimes = _lifetimes(_LIFETIMES.value)
    _check_target(command)
    from groove.evaluation.levels import level_sets as library

    read = library.import_levels if command == "import" else _read
    levels = read(_FROM.value)
    if lifetimes:
        levels = library.with_lifetimes(levels, *lifetimes)
    if command == "list":
        print(_table(library.level_features(levels)))
        return
    write = library.draw_level_set if command == "draw" else library.export_levels
    path = write(levels, _TO.value, force=_FORCE.value)
    print(f"{len(levels)} levels in {path}")


def _play(level: Sequence[str]) -> None:
    """Let the user play one level, or write an animation of an agent on it."""
    if len(level) != 1:
        raise ConfigError("play takes one level: a named one, as in dense, or a level file or a run, PATH or PATH:N.")
    for flag in (_FROM, _TO, _TOP, _LIFETIMES):
        if flag.present:
            raise ConfigError(f"--{flag.name} is not read by play: leave it out; the level is PATH:N, a file is --gif.")
    if _GIF.value is None:
        for flag in (_RULE, _UPDATES, _FORCE):
            if flag.present:
                raise ConfigError(f"--{flag.name} is read with --gif only: add it, or leave --{flag.name} out.")
        from groove.evaluation.levels.play import play

        play(level[0], seed=_SEED.value)
        return
    from groove.evaluation.levels.life_gif import write_life_gif

    path = write_life_gif(
        level[0], _GIF.value, rule=_RULE.value, updates=_UPDATES.value, seed=_SEED.value, force=_FORCE.value
    )
    print(f"animation in {path}")


def _read(source: str) -> Any:
    from groove.evaluation.levels.level_sets import read_levels

    return read_levels(source, _TOP.value)


def _check_target(command: str) -> None:
    """Check, before any level is read, that the file can be written."""
    if command == "list":
        if _TO.value is not None:
            raise ConfigError("list prints a table and writes no file: leave out --to, or say draw or export.")
        return
    if _TO.value is None:
        raise ConfigError(f"{command} needs --to, the file to write.")
    from groove.evaluation.levels.level_sets import LEVEL_SUFFIXES, PICTURE_SUFFIXES, check_target

    check_target(_TO.value, PICTURE_SUFFIXES if command == "draw" else LEVEL_SUFFIXES, _FORCE.value)


def _lifetimes(words: Sequence[str]) -> tuple[int, int] | None:
    if not words:
        return None
    if len(words) != 2 or not all(word.isdecimal() and len(word) < _DIGITS for word in words):
        raise ConfigError(f"--lifetimes {','.join(words)}: give the shortest and the longest, as in 100,1000.")
    return int(words[0]), int(words[1])


def _table(columns: Mapping[str, Any]) -> str:
    """Return one line per level."""
    lines = ["level  " + "  ".join(f"{name:>16}" for name in columns)]
    for i, row in enumerate(zip(*columns.values(), strict=True)):
        lines.append(f"{i:5}  " + "  ".join(f"{value:16.3f}" for value in row))
    return "\n".join(lines)


PROGRAM = Program(
    summary="List, draw, export or import the levels of runs and level files, or play one.",
    example="draw --from runs/RUN --top 64 --to levels.png",
    flags=_FLAGS,
    run=run,
    arguments={"command": "list (print a table), draw, export, import (from JSON), or play LEVEL"},
    more=True,
)
