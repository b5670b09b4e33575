"""The command line of every program: help, flags, exit codes, and bugs that keep their traceback."""

import gc
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from groove.cli._main import COMMANDS, FlagSet, Program, find_program, main, run_program, usage
from groove.utils.errors import GrooveError

LAUNCH = Path(__file__).parents[2] / "launch"


def _program(run=lambda: None, arguments=None):
    flags = FlagSet()
    flags.integer("count", 3, "Number of things.", least=1)
    flags.number("share", 0.5, "Share of things.")
    flags.boolean("force", False, "Replace things.")
    flags.choice("size", "small", ["small", "large"], "Size of things.")
    flags.string("to", None, "Folder of things.", required=True)
    flags.names("kinds", ["a", "b"], "Kinds of things.")
    flags.repeated("set", "A setting.")
    return Program("Make things.", "--to things", flags, run, arguments or {})


def _call(program, *arguments):
    return run_program(program, ["launch/things.py", *arguments])


def test_flags_reach_the_program():
    seen = {}
    program = _program(lambda: seen.update({name: program.flags.values[name].value for name in program.flags.values}))
    flags = ("--count=4", "--to", "x", "--force", "--size=large", "--kinds=c,d", "--set=p=1", "--set=q=2")
    assert _call(program, *flags) == 0
    assert seen["count"] == 4
    assert (seen["to"], seen["force"], seen["size"], seen["share"]) == ("x", True, "large", 0.5)
    assert (seen["kinds"], seen["set"]) == (["c", "d"], ["p=1", "q=2"])
    assert _call(program, "--to=x", "--kinds=") == 0
    assert seen["kinds"] == []


def test_positional_arguments_are_passed_on_and_counted(capsys):
    seen = []
    program = _program(seen.append, {"command": "what to do"})
    assert _call(program, "draw", "--to=x") == 0
    assert seen == ["draw"]
    assert _call(program, "--to=x") == 2
    assert capsys.readouterr().err == "groove: COMMAND is missing: give what to do\n"
    assert _call(program, "draw", "more", "--to=x") == 2
    assert capsys.readouterr().err.startswith('groove: unexpected argument "more"')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cuont=4", "--to=x"], 'unknown flag --cuont (did you mean "count"?); --help lists every flag.'),
        (["--count=four", "--to=x"], "not an integer; --help says more."),
        (["--count=0", "--to=x"], "count=0"),
        (["--share=half", "--to=x"], "not a number"),
        (["--share=nan", "--to=x"], "--share=nan: not a finite number; --help says more."),
        (["--share=-inf", "--to=x"], "not a finite number"),
        (["--kinds=a,,b", "--to=x"], "a name between commas is empty; --help says more."),
        (["--kinds=a, ", "--to=x"], "a name between commas is empty"),
        (["--size=huge", "--to=x"], "size=huge"),
        ([], "--to is missing: Folder of things."),
    ],
)
def test_bad_flags_cost_one_line_and_run_nothing(arguments, said, capsys):
    assert _call(_program(lambda: pytest.fail("ran")), *arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.startswith("groove: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_complaints_cost_one_line_each_and_bugs_keep_their_traceback(capsys):
    def complain():
        raise GrooveError("first\nsecond")

    def fail():
        raise ValueError("a bug")

    assert _call(_program(complain), "--to=x") == 2
    assert capsys.readouterr().err == "groove: first\ngroove: second\n"
    with pytest.raises(ValueError, match="a bug"):
        _call(_program(fail), "--to=x")


def test_an_interrupted_program_exits_as_shells_expect(capsys):
    def interrupt():
        raise KeyboardInterrupt

    assert _call(_program(interrupt), "--to=x") == 130
    assert capsys.readouterr().err == "groove: interrupted.\n"


def test_output_that_nobody_reads_ends_a_program_without_a_traceback():
    code = "import sys; sys.stdin.read(); from groove.cli._main import launch; launch('compare')"
    program = [sys.executable, "-c", code, "--help"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdin.close()  # now the program may write
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")


def test_an_interrupt_is_not_lost_where_python_drops_exceptions(capsys):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

    def collect_and_wait():
        gc.callbacks.append(interrupted_once)
        gc.collect()
        time.sleep(30)

    def interrupted_once(phase, info):
        gc.callbacks.remove(interrupted_once)
        signal.raise_signal(signal.SIGINT)  # Python drops what a callback of garbage collection raises

    begin = time.monotonic()
    try:
        assert _call(_program(collect_and_wait), "--to=x") == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - begin < 20
    assert capsys.readouterr().err == "groove: interrupted.\n"


def test_other_dropped_exceptions_are_reported_as_before(monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", reported.append)

    class Fails:
        def __del__(self):
            raise ValueError("dropped")

    def drop():
        Fails()
        gc.collect()

    assert _call(_program(drop), "--to=x") == 0
    assert [str(each.exc_value) for each in reported] == ["dropped"]
    assert sys.unraisablehook == reported.append


def test_help_names_every_flag_its_meaning_and_its_default(capsys):
    assert _call(_program(lambda: pytest.fail("ran")), "--help") == 0
    output = capsys.readouterr().out
    assert output.startswith("Make things.\n\n  python launch/things.py --to things\n")
    for said in ("Number of things. (default: 3)", "--[no]force", "Choices: small, large.", "(default: a,b)"):
        assert said in output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_has_a_sentence_and_lines_fit_the_screen(name):
    program = find_program(name)
    text = usage(program, f"groove {name}")
    assert max(map(len, text.splitlines())) <= 100
    words = " ".join(text.split())
    said = words.count("(default: ") + words.count("Without this flag") + words.count("(required)")
    assert said == len(list(program.flags.values))
    for flag in program.flags.values:
        assert program.flags.values[flag].help.rstrip().endswith("."), flag


def test_an_unknown_command_is_corrected(capsys):
    assert main(["groove", "meta-tset"]) == 2
    assert 'did you mean "meta-test"' in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_help_and_bad_flags_do_not_wait_for_jax(name):
    check = (
        f"import sys; from groove.cli._main import find_program, usage; usage(find_program({name!r}), 'groove')\n"
        "assert not {'jax', 'matplotlib', 'numpy'} & set(sys.modules), 'slow'"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_every_launch_script_runs_its_command():
    for command in COMMANDS:
        text = (LAUNCH / f"{command.replace('-', '_')}.py").read_text()
        assert command in COMMANDS
        assert f'launch("{command}")' in text


def test_the_console_script_lists_and_runs_commands(capsys):
    assert main(["groove", "--help"]) == 0
    overview = capsys.readouterr().out
    assert all(f"\n  {name}\n" in overview for name in COMMANDS)
    assert main(["groove", "meta-train", "--help"]) == 0
    assert "\n  groove meta-train " in capsys.readouterr().out
