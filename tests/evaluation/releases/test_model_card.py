"""Model cards: the command as other people would type it, the settings, and the order of sections."""

import dataclasses

import pytest

from groove.evaluation.releases.finished_run import read_run
from groove.evaluation.releases.model_card import Choice, Tables, model_card
from tests._helpers.finished_runs import finished_run

TABLES = Tables(("| first |", "| second |"), "docs/results", ("mine", "a2c"))


@pytest.fixture
def run(tmp_path):
    return read_run(finished_run(tmp_path / "run", 4, 0.5, 1.0))


def _card(run, notes=""):
    return model_card("mine", Choice(run, 20, {run: 0.5}, ()), TABLES, notes)


@pytest.mark.parametrize(
    ("command", "typed"),
    [
        (["launch/meta_train.py", "--run_dir", "/home/me/run", "--seed", "4"], "python launch/meta_train.py --seed 4"),
        (["/home/me/bin/groove", "meta-train", "--run_dir=/home/me/run"], "groove meta-train"),
    ],
)
def test_the_command_names_no_folder_of_this_machine(run, command, typed):
    start = {**run.starts[0], "command": command}
    card = _card(dataclasses.replace(run, starts=(start,)))
    assert f"\n    {typed}\n" in card
    assert "/home/me" not in card


def test_the_card_says_settings_scores_and_tables_in_order(run):
    card = _card(run, "## Limits\n")
    hidden = f"hidden {run.config.rules['lpg'].hidden}"
    parts = ("# mine", hidden, "seed 4: 0.50", "| 10 |", "| 20 |")
    parts += ("--results docs/results --rules mine,a2c", "--suite SUITE", "| first |", "| second |", "## Limits")
    places = [card.index(part) for part in parts]
    assert places == sorted(places)
