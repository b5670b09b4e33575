"""Every program of benchmarks/: bad input costs one line and exit code 2, and nothing is written."""

from pathlib import Path

import pytest

from groove.cli._main import usage
from tests._helpers.programs import refusal

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = sorted(path.stem for path in BENCHMARKS.glob("*.py") if path.stem != "_common")
BAD_INPUT = [
    ("accelerator", ["--config=controls"], "paper|laptop|smoke"),
    ("accelerator", ["--side=1"], "--side"),
    ("accelerator", ["--learning=65"], "--learning = 65 must be a multiple of 10"),
    ("cost_model", ["--curriculum=arr"], 'did you mean "ar"'),
    ("cost_model", ["--bandwidth=0"], "--bandwidth"),
    ("env_steps", ["--env=drr"], 'did you mean "dr"'),
    ("env_steps", ["--generators=threefry"], 'did you mean "threefry2x32"'),
    ("env_steps", ["--draws=outside"], 'unknown draw "outside"'),
    ("env_steps", ["--devices=3"], "3 does not divide --levels = 512"),
    ("env_steps", ["--devices=two"], "two does not divide"),
    ("env_steps", ["--levels=0"], "--levels"),
    ("generation", ["--population=3"], "es.population"),
    ("generation", ["--repeats=0"], "--repeats"),
    ("leaderboard", ["--seeds=5"], "--seeds = 5 must be even"),
    ("level_search", ["--rule=grove"], 'there is no rule "grove"'),
    ("level_search", ["--levels=0"], "--levels"),
    ("leaderboard", ["--rules=1"], "--rules"),
    ("meta_step", ["--curriculum=arr"], 'did you mean "ar"'),
    ("meta_step", ["--slots=8", "--devices=3"], "devices = 3"),
    ("meta_step", ["--hidden=wide"], "not an integer"),
    ("meta_test", ["--task=minatar"], "give one task that runs on devices"),
    ("meta_test", ["--task=minatar/Breakuot"], 'did you mean "Breakout"'),
    ("meta_test", ["--workers=-1"], "--workers"),
    ("meta_test", ["--beside=grove"], 'there is no rule "grove"'),
    ("meta_test", ["--core=none"], "--core = none needs a base"),
    ("scores", ["--curricula=dr,arr"], 'did you mean "ar"'),
    ("scores", ["--curricula="], "--curricula is empty"),
    ("scores", ["--beside="], "--beside is empty"),
    ("scores", ["--beside=arr"], 'did you mean "ar"'),
    ("soak", ["--curriculum=arr"], 'did you mean "ar"'),
    ("soak", ["--minutes=0"], "--minutes"),
    ("soak", ["--minutes=8"], "--every = 5 is too long"),
    ("scores", ["--steps=x"], "not an integer"),
]


@pytest.fixture
def refused(benchmark_program, tmp_path, monkeypatch, capsys):
    return lambda name, words: refusal(benchmark_program(name).PROGRAM, words, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(("name", "words", "message"), BAD_INPUT)
def test_bad_input_is_refused(refused, name, words, message):
    assert message in refused(name, words)


@pytest.mark.parametrize("name", NAMES)
def test_misspelt_flags_and_places_that_cannot_be_written_are_refused(refused, name):
    assert 'unknown flag --jsn (did you mean "json"?)' in refused(name, ["--jsn=x"])
    assert "--json = nowhere/numbers.json cannot be written" in refused(name, ["--json=nowhere/numbers.json"])


@pytest.mark.parametrize("name", NAMES)
def test_help_says_what_every_flag_means(benchmark_program, name):
    program = benchmark_program(name).PROGRAM
    text = usage(program, f"benchmarks/{name}.py")
    assert text.startswith(program.summary)
    assert all(flag in text for flag in program.flags.values)
