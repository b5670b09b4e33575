"""Bad input to the programs of figures/ and benchmarks/, run in this process."""

from groove.cli._main import run_program
from groove.utils import parallel


def refusal(program, words, folder, monkeypatch, capsys):
    """Run a program in an empty folder, and return its one line of complaint.

    Asserts exit code 2, one line on the standard error stream, no output, and no new file.
    """
    monkeypatch.chdir(folder)
    monkeypatch.setattr(parallel, "request_devices", lambda count: None)  # this process has its devices already
    before = sorted(folder.rglob("*"))
    program.flags.values.unparse_flags()
    for name in program.flags.values:
        program.flags.values[name].unparse()  # what an earlier test gave
    assert run_program(program, ["program.py", *words]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("groove: ")
    assert printed.err.count("\n") == 1
    assert not printed.out
    assert sorted(folder.rglob("*")) == before
    return printed.err
