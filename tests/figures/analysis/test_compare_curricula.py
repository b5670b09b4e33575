"""The comparison of curricula: its numbers by hand, and the runs of the documentation."""

from pathlib import Path

import numpy as np
import pytest

from figures.analysis.compare_curricula import draw, held_out_table, lead, of_each_seed, table
from groove.evaluation.comparisons.report import Report
from groove.sweep.sweep_file import read_sweep
from groove.utils.typed_fields import flatten, to_dict


def run(student, a2c, seed=0):
    returns = {"student": list(student), "a2c": list(a2c), "untrained": [0.5 * x for x in a2c]}
    return {"seed": seed, "env_steps": 2e6, "seconds": 1.0, "returns": returns}


SWEEP = Path(__file__).parents[3] / "docs" / "comparison.toml"
A2C = np.full(20, 2.0)
GOOD = np.where(np.arange(20) < 2, 0.0, 2.2)  # two of twenty levels are lost
EVEN = np.full(20, 1.9)
RUNS = {"good": [run(GOOD, A2C), run(GOOD, A2C, 1)], "even": [run(EVEN, A2C), run(EVEN, A2C, 1)]}


def test_the_lead_is_paired_by_seed_and_level():
    assert lead(RUNS, "even").value == pytest.approx((1.9 - 1.98) / 2.0)
    assert of_each_seed(RUNS["good"]) == pytest.approx([0.99, 0.99])


def test_the_rules_of_a_curriculum_are_tested_as_its_meta_seeds(tmp_path, monkeypatch):
    asked = {}

    def meta_test(rules, suites, **settings):
        asked.update(rules=rules, suites=suites, **settings)
        return Report(None, "the table", tmp_path)

    monkeypatch.setattr("figures.analysis.compare_curricula.meta_test", meta_test)
    trainings = [each for each in read_sweep(SWEEP) if each.label in ("dr", "stabilised paired")]
    assert held_out_table(trainings, Path("runs"), ["gridworld"], 2, tmp_path) == "the table"
    assert asked["rules"] == [*(f"{each.label}=runs/{each.name}" for each in trainings), "a2c", "random"]
    assert asked["rules"][0].startswith("dr=runs/dr-laptop-0-")
    assert (len(asked["rules"]), asked["suites"], asked["seeds"], asked["results"]) == (12, ["gridworld"], 2, tmp_path)


def test_the_table_and_the_picture(tmp_path):
    good, even = table(RUNS).splitlines()[2:]
    assert good.startswith("| `good` | 0.99 [")
    assert even.startswith("| `even` | 0.95 [0.95, 0.95] |")
    assert even.endswith("| 2.0 M |")
    draw(RUNS, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5_000


def test_each_stabiliser_of_the_documentation_is_left_out_alone():
    trainings = read_sweep(SWEEP)
    settings = {each.label: flatten(to_dict(each.config)) for each in trainings if each.seed == 0}
    whole = settings["stabilised paired"]
    left_out = {
        label.rpartition("without ")[2]: [field for field in whole if own[field] != whole[field]]
        for label, own in settings.items()
        if label.startswith("stabilised paired without ")
    }
    assert left_out == {
        "the entropy bonus": ["paired.entropy"],
        "cloning": ["paired.cloning"],
        "edits": ["paired.edit_probability"],
        "replay": ["curriculum"],
    }
