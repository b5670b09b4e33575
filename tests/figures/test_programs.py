"""Every program of figures/: bad input costs one line and exit code 2, and nothing is written."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from figures.paper.all import FIGURES
from groove.cli._main import usage
from tests._helpers.programs import refusal

ROOT = Path(__file__).parents[2]
PAPER = [f"paper.{name}" for name in (*FIGURES, "all")]
ANALYSIS = {  # program -> a misspelt flag and what it should be
    "analysis.catch": ("--sed=3", "--seed"),
    "analysis.compare_curricula": ("--swep=x", "--sweep"),
    "analysis.control_anatomy": ("--level=3", "--levels"),
    "analysis.designed_levels": ("--rum=x", "--run"),
    "analysis.development_table": ("--buget=smoke", "--budget"),
    "analysis.examples": ("--seed=3", "--seeds"),
    "analysis.level_search": ("--level=3", "--levels"),
    "analysis.linear_rule": ("--rul=x", "--rule"),
    "analysis.openness": ("--rum=x", "--run"),
    "analysis.reproduction_numbers": ("--result=x", "--results"),
    "analysis.rule_anatomy": ("--level=3", "--levels"),
    "analysis.second_attack": ("--rule=x", "--rules"),
    "analysis.suite_table": ("--rule=x", "--rules"),
    "analysis.schedules": ("--lifetime=3", "--lifetimes"),
    "analysis.worst_levels": ("--rule=x", "--rules"),
}
BAD_REQUESTS = {
    "--sede=3": 'unknown flag --sede (did you mean "seeds"?)',
    "--scale=huge": "smoke|laptop|paper",
    "--seeds=0": "--seeds",
    "--jobs=many": "not an integer",
    "--jobs=0": "--jobs=0",
    "--jobs=1000000000": "--jobs=1000000000",
    "--runs=a_file": "--runs = a_file: a_file is not a folder",
    "--results=a_file/below": "a_file is not a folder",
    "--to=a_file": "--to = a_file",
    "laptop": 'unexpected argument "laptop"',
}
BAD_INPUT = [
    ("analysis.compare_curricula", ["--sweep=nowhere.toml"], "nowhere.toml cannot be read"),
    (
        "analysis.compare_curricula",
        ["--sweep=arr.toml"],
        'arr.toml: arr: unknown curriculum "arr" (did you mean "ar"?)',
    ),
    ("analysis.compare_curricula", ["--jobs=0"], "--jobs"),
    *[
        (f"analysis.{name}", ["--draw_only", "--to=foreign"], "foreign.json does not hold the numbers of this picture")
        for name in (
            "compare_curricula",
            "control_anatomy",
            "designed_levels",
            "examples",
            "level_search",
            "openness",
            "second_attack",
        )
    ],
    ("analysis.compare_curricula", ["--draw_only", "--to=nowhere/comparison"], "comparison.json does not exist"),
    ("analysis.compare_curricula", ["--to=comparison.png"], "without its suffix"),
    ("analysis.compare_curricula", ["--suite=gridwold"], 'did you mean "gridworld"'),
    ("analysis.compare_curricula", ["--suite=gridworld", "--draw_only"], "leave out one of the two"),
    ("analysis.control_anatomy", ["--rule=nosuch"], 'there is no rule "nosuch"'),
    ("analysis.control_anatomy", ["--rule=ta-lpg"], "does more than set controls, or sets none"),
    ("analysis.control_anatomy", ["--levels=1"], "--levels"),
    ("analysis.designed_levels", [], "--run must name at least one run"),
    ("analysis.designed_levels", ["--run=nowhere"], "nowhere does not exist"),
    ("analysis.suite_table", ["--rules=a2c"], "--rules lacks random"),
    ("analysis.suite_table", ["--results=nowhere"], "holds no results"),
    ("analysis.development_table", ["--results=nowhere"], "the folder holds no results of budget laptop"),
    ("analysis.development_table", ["--budget=large"], "smoke|short|laptop|long|paper"),
    ("analysis.examples", ["--rule=nosuch"], 'there is no rule "nosuch"'),
    ("analysis.examples", ["--python=nosuch"], "--python = nosuch is no program"),
    ("analysis.examples", ["--draw_only", "--to=nowhere/examples"], "examples.json does not exist"),
    ("analysis.examples", ["--draw_only", "--to=a_file/examples"], "a_file is not a folder"),
    ("analysis.level_search", ["--rule=nosuch"], 'there is no rule "nosuch"'),
    ("analysis.level_search", ["--references=nosuch"], "nosuch"),
    ("analysis.level_search", ["--seeds=0"], "--seeds"),
    ("analysis.level_search", ["--to=search.png"], "without its suffix"),
    ("analysis.catch", [], "--rule is missing"),
    ("analysis.catch", ["--rule=nosuch"], 'there is no rule "nosuch"'),
    ("analysis.linear_rule", [], "--rule is missing"),
    ("analysis.linear_rule", ["--rule=nosuch"], 'there is no rule "nosuch"'),
    (
        "analysis.linear_rule",
        ["--rule=paper-groove"],
        "only residuals of a linear core around a base, and controls,",
    ),
    ("analysis.openness", [], "--run must name at least one run, and no two of one name"),
    ("analysis.openness", ["--run=x", "--run=y/x"], "no two of one name"),
    ("analysis.openness", ["--run=nowhere"], "nowhere is no directory"),
    ("analysis.reproduction_numbers", ["--results=nowhere"], "the folder holds no results of budget laptop"),
    ("analysis.rule_anatomy", ["--rule=nosuch"], 'there is no rule "nosuch"'),
    ("analysis.rule_anatomy", ["--levels=2"], "--levels"),
    ("analysis.rule_anatomy", ["--to="], "without its suffix"),
    ("analysis.second_attack", [], "no rules were given"),
    ("analysis.worst_levels", [], "--rules is empty"),
    ("analysis.worst_levels", ["--rules=dr", "--share=0"], "--share = 0.0 must be above 0"),
    ("analysis.worst_levels", ["--rules=dr", "--results=nowhere"], "the folder holds no results"),
    ("analysis.second_attack", ["--rules=nosuch"], "nosuch"),
    ("analysis.second_attack", ["--rules=groove", "--references=nosuch"], "nosuch"),
    ("analysis.second_attack", ["--rules=groove", "--margin=-1"], "--margin"),
    ("analysis.schedules", ["--rule=groove"], "--to is missing"),
    ("analysis.schedules", ["--to=x.json", "--lifetimes=5,50"], "--lifetimes = 5 must be at least 10, and at most"),
    ("analysis.schedules", ["--to=x.json", "--lifetimes=50,3000000000"], "--lifetimes = 3000000000 must be at least"),
    ("analysis.schedules", ["--to=x.json", "--lifetimes=ten"], "integers of 10 or more"),
    ("analysis.schedules", ["--to=x.json", "--rule=nosuch"], "nosuch"),
]


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "a_file").touch()
    (tmp_path / "arr.toml").write_text('curricula = ["arr"]')
    (tmp_path / "foreign.json").write_text('{"foreign": [1]}')
    return lambda name, words: refusal(_program(name), words, tmp_path, monkeypatch, capsys)


def _program(name):
    return importlib.import_module(f"figures.{name}").PROGRAM


def test_every_program_is_tested_here():
    programs = {
        f"{path.parent.name}.{path.stem}"
        for path in (ROOT / "figures").glob("*/*.py")
        if "\nPROGRAM = " in path.read_text()
    }
    assert programs == {*PAPER, *ANALYSIS}


@pytest.mark.parametrize("words", BAD_REQUESTS)
@pytest.mark.parametrize("name", PAPER)
def test_figures_refuse_bad_requests(refused, name, words):
    assert BAD_REQUESTS[words] in refused(name, [words])


@pytest.mark.parametrize("name", PAPER)
def test_figures_refuse_to_draw_results_that_are_not_there(refused, name):
    message = refused(name, ["--draw_only", "--results=results", "--to=pictures", "--runs=runs"])
    assert "there are no results of" in message or "does not exist; leave out --draw_only" in message


@pytest.mark.parametrize("name", ANALYSIS)
def test_analyses_refuse_misspelt_flags(refused, name):
    flag, meant = ANALYSIS[name]
    assert f'(did you mean "{meant[2:]}"?)' in refused(name, [flag])


@pytest.mark.parametrize(("name", "words", "message"), BAD_INPUT)
def test_analyses_refuse_bad_input(refused, name, words, message):
    assert message in refused(name, words)


@pytest.mark.parametrize("name", [*PAPER, *ANALYSIS])
def test_help_says_what_every_flag_means(name):
    program = _program(name)
    text = usage(program, f"figures/{name.replace('.', '/')}.py")
    assert text.startswith(program.summary)
    for flag in program.flags.values:
        assert flag in text
        assert len(program.flags.values[flag].help.split()) > 3, flag


def test_a_program_started_by_its_path_refuses_bad_input_too(tmp_path):
    command = [sys.executable, str(ROOT / "figures/paper/fig11_a2c_ppo.py"), "--sede", "3"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
    assert ran.returncode == 2
    assert ran.stderr == 'groove: unknown flag --sede (did you mean "seeds"?); --help lists every flag.\n'
