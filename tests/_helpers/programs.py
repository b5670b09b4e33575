"""Programs of the command line, run in this process."""

from groove.cli._main import find_program, run_program
from groove.utils import parallel


def call(command, *words):
    """Run a command of `groove` with flags and arguments, and return its exit code."""
    program = find_program(command)
    _forget_flags(program)
    return run_program(program, [f"groove {command}", *map(str, words)])


def refusal(program, words, folder, monkeypatch, capsys):
    """Run a program in a folder, and return its one line of complaint.

    Asserts exit code 2, one line on the standard error stream, no output, and no new or changed file.
    """
    monkeypatch.chdir(folder)
    monkeypatch.setattr(parallel, "request_devices", lambda count: None)  # this process has its devices already
    before = _contents(folder)
    _forget_flags(program)
    assert run_program(program, ["program.py", *words]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("groove: ")
    assert printed.err.count("\n") == 1
    assert not printed.out
    assert _contents(folder) == before
    return printed.err


def _forget_flags(program):
    """Reset every flag to its default: flags keep what an earlier test gave."""
    program.flags.values.unparse_flags()
    for name in program.flags.values:
        program.flags.values[name].unparse()


def _contents(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
