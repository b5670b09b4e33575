"""Files of anchors: what is stored is read, damage costs one line, and each anchor says where it comes from."""

import json

import pytest

from groove.evaluation.progression.anchors import KINDS, Anchor, Anchors, declared, load_anchors, save_anchors
from groove.evaluation.suites.registry import SUITES, find_tasks
from groove.utils.errors import ConfigError

ROW = {
    "task": "s/t",
    "best": 2.0,
    "kind": "measured",
    "source": "by hand",
    "levels": 4,
    "standard_error": 0.5,
    "agents": 3,
}


def test_anchors_are_stored_and_found_by_task_and_levels(tmp_path):
    anchors = [Anchor("s/t", 2.0, "exact", "solver", 4), Anchor("s/t", 3.0, "exact", "solver", 16)]
    save_anchors(tmp_path / "a.json", [*anchors, Anchor("s/u", 1.0, "bound", "rules")])
    read = load_anchors(tmp_path / "a.json")
    assert read.find("s/t", 4) == anchors[0]
    assert read.find("s/t", 16) == anchors[1]
    assert read.find("s/t", 8) is None
    assert read.find("s/u", 8).best == 1.0
    assert [anchor.best for anchor in read] == [2.0, 3.0, 1.0]


def test_the_later_anchor_of_a_task_counts():
    assert Anchors([Anchor("s/t", 2.0, "bound", "a"), Anchor("s/t", 3.0, "bound", "b")]).find("s/t", 1).best == 3.0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "is not a file of anchors of format 1"),
        ('{"format": 2}', "is not a file of anchors of format 1"),
        ('{"format": 1, "anchors": 3}', "holds no list of anchors"),
        (ROW | {"best": "high"}, r"anchor 1, is damaged \(best: "),
        (ROW | {"bset": 1.0}, r'bset is no field \(did you mean "best"'),
        ({key: value for key, value in ROW.items() if key != "source"}, "without source"),
        (ROW | {"kind": "guessed"}, 'unknown kind "guessed"'),
        (ROW | {"best": float("nan")}, "cannot be read .NaN is no finite number"),
        (ROW | {"standard_error": -1.0}, "is no number"),
    ],
)
def test_damage_costs_one_line(tmp_path, content, said):
    path = tmp_path / "a.json"
    text = content if isinstance(content, str) else json.dumps({"format": 1, "anchors": [content]})
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        load_anchors(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="does not exist"):
        load_anchors(tmp_path / "nowhere.json")


def test_the_anchors_that_come_along_are_of_registered_tasks_and_known_kinds():
    for anchor in load_anchors():
        (task,) = find_tasks([anchor.task])
        assert anchor.kind in KINDS
        assert anchor.source
        assert (anchor.agents > 1) == (anchor.kind == "measured")
        assert anchor.levels in {None, *(budget.levels for budget in task.budgets.values())}
    assert {anchor.task for anchor in declared()} <= {anchor.task for anchor in load_anchors()}


def test_documented_anchors():
    anchors = load_anchors()
    assert anchors.find("bsuite/Catch", 1).best == 1.0
    assert anchors.find("classic/CartPole", 1).best == 500.0
    assert all(anchors.find("chain/tabular", levels).best == 1.0 for levels in (1, 16, 64))
    assert anchors.find("gridworld/sparse", 4).best == 1.0
    for name in SUITES["gridworld"].tasks:
        assert anchors.find(f"gridworld/{name}", SUITES["gridworld"].tasks[name].budgets["laptop"].levels)
