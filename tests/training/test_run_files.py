"""The JSON of a run: what is written is read back, and anything else is refused with the name of the file."""

import json

import pytest

from groove.training.run_files import check_host, read_table
from groove.utils.errors import GrooveError

VALIDATION = {"step": 3, "score": 0.5, "metrics": {"a": 1.0, "b": None}, "returns": {"a2c": [1, 2.5]}}
SUMMARY = {"step": 3, "seconds": 1.5, "regret": None, "env_steps": 10, "stopped": None, "run_dir": "x"}
HOST = {"seconds": 1.5, "last": {"a": 1.0}, "best": None, "validated": 2, "config": {"seed": 1}}


def changed(content, path, value):
    """Return the content with one value replaced; `path` are the keys on the way to it."""
    head, *rest = path
    return {**content, head: changed(content[head], rest, value) if rest else value}


@pytest.mark.parametrize(("name", "content"), [("validation.json", VALIDATION), ("summary.json", SUMMARY)])
def test_the_files_of_runs_are_read(tmp_path, name, content):
    path = tmp_path / name
    with pytest.raises(GrooveError, match=r"json does not exist; remove it\."):
        read_table(path, "remove it")
    path.write_text(json.dumps(content))
    assert read_table(path, "remove it") == content


@pytest.mark.parametrize("text", ["5", "null", '"score"', "[]", "{", '{"step": 1e999}'])
@pytest.mark.parametrize("name", ["validation.json", "summary.json"])
def test_a_file_without_a_table_is_refused(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(GrooveError, match=rf"{name} .*; remove it\."):
        read_table(path, "remove it")


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("validation.json", ["step"], 1.5),
        ("validation.json", ["score"], "0.5"),
        ("validation.json", ["returns"], True),
        ("validation.json", ["returns", "a2c"], "x"),
        ("validation.json", ["returns", "a2c"], [None]),
        ("validation.json", ["metrics", "a"], [1.0]),
        ("summary.json", ["seconds"], []),
        ("summary.json", ["env_steps"], [1]),
        ("summary.json", ["regret"], "x"),
        ("summary.json", ["stopped"], 3),
    ],
)
def test_a_value_of_another_type_is_named(tmp_path, name, field, value):
    path = tmp_path / name
    content = {"validation.json": VALIDATION, "summary.json": SUMMARY}[name]
    path.write_text(json.dumps(changed(content, field, value)))
    with pytest.raises(GrooveError, match=rf"{name} cannot be used \({field[0]}.*\); remove it\."):
        read_table(path, "remove it")


@pytest.mark.parametrize("name", ["seconds", "last", "best"])
def test_altered_values_of_a_checkpoint_are_refused(tmp_path, name):
    check_host(tmp_path / "7", HOST)
    absent = {key: value for key, value in HOST.items() if key != name}
    for host in (absent, HOST | {name: "x"}, "x", None):
        with pytest.raises(GrooveError, match=r"7 was altered \(.*--resume"):
            check_host(tmp_path / "7", host)
