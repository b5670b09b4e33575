"""The command line of every program, and the only place where errors become messages and exit codes.

A program is a `Program`: its flags and the function that reads them. `python launch/meta_train.py`, `groove meta-train`
and the programs of `figures/` and `benchmarks/` all start through `run_program`.
"""

import importlib
import io
import math
import os
import re
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from absl import flags as absl_flags
from absl import logging

from groove.utils.errors import ConfigError, GrooveError, nearest, unknown_name

COMMANDS: Mapping[str, str] = {  # command -> module that holds its PROGRAM
    "meta-train": "groove.cli.meta_train",
    "sweep": "groove.cli.sweep",
    "meta-test": "groove.cli.meta_test",
    "compare": "groove.cli.compare",
    "diagnose": "groove.cli.diagnose",
    "levels": "groove.cli.levels",
    "report": "groove.cli.report",
    "release": "groove.cli.release",
    "leaderboard": "groove.cli.leaderboard",
    "anchors": "groove.cli.anchors",
}
BAD_INPUT = 2  # exit code of a program that refused its input
_INTERRUPTED = 130  # exit code that shells expect after Ctrl-C
_NO_READER = 141  # exit code that shells expect of a program whose output nobody reads any more
_INTERRUPT_AGAIN = 0.05  # seconds until a Ctrl-C that was dropped is repeated
_WIDTH = 100


class FlagSet:
    """The flags of one program; every method defines a flag and returns the holder of its value.

    Help texts say what a flag means and in which unit; `--help` appends the default.
    """

    def __init__(self) -> None:
        self.values = absl_flags.FlagValues()
        self.required: list[str] = []

    def string(self, name: str, default: str | None, help: str, *, required: bool = False) -> absl_flags.FlagHolder:
        """Define a flag that takes text."""
        self.required += [name] if required else []
        return absl_flags.DEFINE_string(name, default, help, flag_values=self.values)

    def integer(
        self, name: str, default: int | None, help: str, *, least: int | None = None, most: int | None = None
    ) -> absl_flags.FlagHolder:
        """Define a flag that takes an integer, not below `least`, nor above `most`."""
        return absl_flags.DEFINE_integer(
            name, default, help, lower_bound=least, upper_bound=most, flag_values=self.values
        )

    def number(self, name: str, default: float | None, help: str, *, least: float | None = None) -> Any:
        """Define a flag that takes a finite number, not below `least`."""
        return absl_flags.DEFINE(
            _FiniteParser(lower_bound=least),
            name,
            default,
            help,
            flag_values=self.values,
            serializer=absl_flags.ArgumentSerializer(),
        )

    def boolean(self, name: str, default: bool | None, help: str) -> absl_flags.FlagHolder:
        """Define a flag that is switched on by --NAME and off by --noNAME."""
        return absl_flags.DEFINE_bool(name, default, help, flag_values=self.values)

    def names(self, name: str, default: Sequence[str], help: str) -> absl_flags.FlagHolder:
        """Define a flag that takes a comma-separated list; no name in it may be empty."""
        return absl_flags.DEFINE(
            _NamesParser(),
            name,
            list(default),
            help,
            flag_values=self.values,
            serializer=absl_flags.CsvListSerializer(","),
        )

    def choice(self, name: str, default: str | None, choices: Sequence[str], help: str) -> absl_flags.FlagHolder:
        """Define a flag that takes one of several words."""
        return absl_flags.DEFINE_enum(name, default, list(choices), help, flag_values=self.values)

    def repeated(self, name: str, help: str) -> absl_flags.FlagHolder:
        """Define a flag that may be given several times; its value is the list of what was given."""
        holder = absl_flags.DEFINE_multi_string(name, [], help, flag_values=self.values)
        self.values[name].help = help  # without the sentence that absl appends
        return holder


class _FiniteParser(absl_flags.FloatParser):
    """Reads finite numbers."""

    def convert(self, argument: Any) -> float:
        """Return the number; NaN and infinity, which pass every bound or mean no end, are refused."""
        number: float = super().convert(argument)
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        return number


class _NamesParser(absl_flags.ListParser):
    """Reads names between commas."""

    def parse(self, argument: Any) -> list[str]:
        """Return the names; an empty one, as in "a,,b", is refused."""
        names: list[str] = super().parse(argument)
        if not all(name.strip() for name in names):
            raise ValueError("a name between commas is empty")
        return names


@dataclass(frozen=True)
class Program:
    """A program.

    Attributes:
      summary: one sentence that says what the program does.
      example: arguments of a typical call.
      flags: the flags that it takes.
      run: does the work; reads the flags, receives the positional arguments, and raises GrooveError on bad input.
      arguments: name -> meaning of each positional argument, all of them required.
      more: whether further positional arguments may follow; `run` receives them, too.
    """

    summary: str
    example: str
    flags: FlagSet
    run: Callable[..., None]
    arguments: Mapping[str, str] = field(default_factory=dict)
    more: bool = False


def run_program(program: Program, argv: Sequence[str]) -> int:
    """Parse the command line, run the program, and return its exit code.

    Bad input, from a misspelt flag to a missing file, costs one line per complaint on the standard error stream, and
    exit code 2. Any other exception is a bug and keeps its traceback.

    Args:
      program: the program.
      argv: how the program was called, followed by its arguments.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # paths may have letters that the terminal does not
            stream.reconfigure(errors="backslashreplace")
    logging.set_verbosity(logging.FATAL)  # libraries announce every file they write, and log errors that they raise
    try:
        if {"--help", "-help", "-h", "--helpfull"} & set(argv[1:]):
            print(usage(program, argv[0]), flush=True)
            return 0
        arguments = _parse(program, argv)
        from groove.utils.jax_flags import standard_flags  # imports JAX, which --help and bad flags do not wait for

        with _interrupts_repeated(), standard_flags():
            program.run(*arguments)
        sys.stdout.flush()
    except GrooveError as error:
        for line in str(error).splitlines():
            print(f"groove: {line}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("groove: interrupted.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # the reader of the output is gone, as in `groove compare | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes the output when it ends
        return _NO_READER
    return 0


@contextmanager
def _interrupts_repeated() -> Iterator[None]:
    """Repeat a Ctrl-C that arrives where Python drops exceptions, such as in JAX's callback of garbage collection."""
    hook = sys.unraisablehook

    def repeat(dropped: Any) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            return hook(dropped)
        timer = threading.Timer(_INTERRUPT_AGAIN, os.kill, (os.getpid(), signal.SIGINT))
        timer.daemon = True  # does not hold up a program that ends by itself
        return timer.start()

    sys.unraisablehook = repeat
    try:
        yield
    finally:
        sys.unraisablehook = hook


def main(argv: Sequence[str]) -> int:
    """Run the command that the first argument names and return its exit code: `groove meta-train --curriculum ar`."""
    if len(argv) < 2 or argv[1] in ("--help", "-help", "-h", "help"):
        print(_overview())
        return 0
    name = argv[1]
    if name not in COMMANDS:
        print(f"groove: {unknown_name('command', name, COMMANDS)}", file=sys.stderr)
        return BAD_INPUT
    return run_program(find_program(name), [f"groove {name}", *argv[2:]])


def console() -> None:
    """Run the console script `groove`, or `python -m groove`."""
    sys.argv[0] = "groove"  # what runs record as their command, instead of the place where the script is installed
    sys.exit(main(sys.argv))


def launch(name: str) -> None:
    """Run one command as the script that was started, such as launch/meta_train.py."""
    sys.exit(run_program(find_program(name), sys.argv))


def find_program(name: str) -> Program:
    """Import the program of a command."""
    program: Program = importlib.import_module(COMMANDS[name]).PROGRAM
    return program


def usage(program: Program, called: str) -> str:
    """Return the text of --help: the summary, an example, and every flag with its default."""
    command = called if called.startswith("groove ") else f"python {Path(called).as_posix()}"
    lines = [program.summary, "", f"  {command} {program.example}", ""]
    if program.arguments:
        lines += ["Arguments:", *(_entry(name.upper(), text) for name, text in program.arguments.items()), ""]
    flags = [program.flags.values[name] for name in program.flags.values]
    return "\n".join(
        [*lines, "Flags:", *(_entry(_spelling(flag), _help(flag, program.flags.required)) for flag in flags)]
    )


def _parse(program: Program, argv: Sequence[str]) -> list[str]:
    """Read the flags into the program's FlagSet and return the positional arguments."""
    values = program.flags.values
    try:
        arguments: list[str] = values(list(argv))[1:]
    except absl_flags.UnrecognizedFlagError as error:
        raise ConfigError(
            f"unknown flag --{error.flagname}{nearest(error.flagname, values)}; --help lists every flag."
        ) from None
    except absl_flags.Error as error:  # a value of another type, or out of range
        text = re.sub(r"invalid literal for int.*", "not an integer", " ".join(str(error).split()))
        text = re.sub(r"could not convert string to float.*", "not a number", text).removeprefix("flag ")
        raise ConfigError(f"{text}; --help says more.") from None
    for name in program.flags.required:
        if values[name].value is None:
            raise ConfigError(f"--{name} is missing: {values[name].help}")
    expected = list(program.arguments)
    if len(arguments) < len(expected):
        missing = expected[len(arguments)]
        raise ConfigError(f"{missing.upper()} is missing: give {program.arguments[missing]}")
    if len(arguments) > len(expected) and not program.more:
        extra = arguments[len(expected)]
        raise ConfigError(f'unexpected argument "{extra}": every option is a --flag; --help lists them.')
    return arguments


def _overview() -> str:
    """Return the text of `groove --help`: every command with its summary."""
    rows = [_entry(name, find_program(name).summary) for name in COMMANDS]
    return "\n".join(
        ["usage: groove COMMAND [--flag=value ...]", "", *rows, "", "groove COMMAND --help lists its flags."]
    )


def _spelling(flag: absl_flags.Flag) -> str:
    return f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"


def _help(flag: absl_flags.Flag, required: Sequence[str]) -> str:
    default = flag.default_as_str
    shown = default.strip("'") if default not in (None, "''") else "none"
    choices, _, text = flag.help.partition(">: ") if isinstance(flag, absl_flags.EnumFlag) else ("", "", flag.help)
    words = f" Choices: {choices[1:].replace('|', ', ')}." if choices else ""
    if shown in ("none", "") and "Without this flag" in text:  # the help text says what happens without a value
        return f"{text}{words}"
    return f"{text}{words} (required)" if flag.name in required else f"{text}{words} (default: {shown})"


def _entry(name: str, text: str) -> str:
    body = textwrap.fill(text, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return f"  {name}\n{body}"
