"""The check of submissions: honest results pass to the bit, made-up ones do not, here or on another machine."""

import numpy as np
import pytest

from groove.evaluation.leaderboard import check as module
from groove.evaluation.leaderboard.check import check_submission
from groove.utils.errors import GrooveError
from tests._helpers.submissions import copy_of, edit

pytestmark = pytest.mark.usefixtures("devices_of_the_tests")


def _check(folder, seed=0):
    return check_submission(folder, seed, progress=False)


def test_honest_results_are_reproduced_to_the_bit(submitted):
    verdict = _check(submitted)
    assert verdict.to_the_bit
    assert (verdict.rules, verdict.lines, verdict.agents) == (("mine", "a2c"), 2, 3)
    assert verdict.difference == 0.0
    assert verdict.bare == ("chain/tabular",), "without random play, a page leaves the task out"
    assert {_check(submitted, seed).again for seed in range(3)} == {"mine on chain/tabular"}, "a2c is no news"


def _raise(by):
    def change(line):
        line["returns"] = (np.asarray(line["returns"]) + by).tolist()

    return change


@pytest.fixture
def made_up(submitted, tmp_path):
    folder = copy_of(submitted, tmp_path / "submission")
    for number in range(2):
        edit(folder, _raise(0.001), number)
    return folder


def test_a_thousandth_is_noticed_on_the_same_machine(made_up):
    with pytest.raises(
        GrooveError, match=r"is not what this machine computes: 100% of the returns differ, by up to 0.001"
    ):
        _check(made_up)


@pytest.mark.parametrize(("group", "name"), [("device", "kind"), ("device", "processor"), ("versions", "jaxlib")])
def test_on_another_machine_results_are_compared_within_their_interval(made_up, group, name):
    for number in range(2):
        edit(made_up, lambda line: line["provenance"][group].update({name: "another"}), number)
    verdict = _check(made_up)
    assert not verdict.to_the_bit
    assert 0 < abs(verdict.difference) < verdict.allowed
    for number in range(2):
        edit(made_up, _raise(1000.0), number)
    with pytest.raises(GrooveError, match="cannot be reproduced: new agents have a mean return that differs by -1e"):
        _check(made_up)


def test_the_interval_of_a_difference_by_hand():
    stored, new = np.array([[[1.0], [3.0]]]), np.array([[[2.0], [8.0]]])  # means 2 and 5, errors 1 and 3
    difference, allowed = module._difference(stored, new)
    assert difference == 3.0
    freedom = (1 + 9) ** 2 / (1 + 81)
    np.testing.assert_allclose(allowed, module.student_quantile(0.995, freedom) * np.sqrt(10))
    assert module._difference(stored * 0, new * 0) == (0.0, 0.0)


def test_equal_agents_have_to_be_equal_again():
    assert module._difference(np.ones((1, 3, 1)), np.full((1, 3, 1), 2.0)) == (1.0, 0.0)


def test_what_makes_two_machines_the_same():
    here = {
        "device": {"platform": "cpu", "kind": "cpu", "count": 2, "processor": "model"},
        "versions": {"jax": "1", "jaxlib": "1", "numpy": "1"},
    }
    assert module._same_machine(here, here, 2)
    assert module._same_machine(here | {"versions": here["versions"] | {"numpy": "2"}}, here, 2)
    assert not module._same_machine(here, here, 3), "there are fewer devices here"
    assert not module._same_machine(here | {"versions": {"jax": "2", "jaxlib": "1"}}, here, 2)
    old = here | {"device": {"platform": "cpu", "kind": "cpu", "count": 2}}
    assert not module._same_machine(old, here, 2), "results of earlier versions name no processor"
