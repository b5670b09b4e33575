"""Diagnoses: shortfall, worst levels, and agents of both rules on the same levels."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from groove.dropin.find import find_rules
from groove.envs.gridworld.level_file import load_levels, save_levels
from groove.evaluation.failures.diagnosis import measure
from groove.evaluation.suites.registry import find_tasks
from groove.utils import parallel
from tests._helpers.diagnoses import N, diagnosis


def test_the_worst_levels_come_first_and_are_a_level_set(tmp_path):
    found = diagnosis()
    worst = found.worst(3)
    assert worst.scores.tolist() == [N - 1.0, N - 2.0, N - 3.0]
    np.testing.assert_array_equal(worst.levels.start, found.levels.start[[N - 1, N - 2, N - 3]])
    save_levels(tmp_path / "worst.safetensors", worst)
    again = load_levels(tmp_path / "worst.safetensors")
    assert again.about["diagnosed"] == "mine"
    assert isinstance(jnp.asarray(again.levels.walls), jax.Array)


def test_a_rule_beside_itself_falls_short_by_nothing():
    (task,) = find_tasks(["gridworld/random"])
    budget = dataclasses.replace(task.budgets["smoke"], levels=3)
    (a2c,), done = find_rules(["a2c"]), ([], [])
    reports = [lambda x, hear=hear: hear.append(x) for hear in done]
    found = measure(a2c, a2c, task, budget, 2, parallel.make_mesh(2), reports)
    np.testing.assert_array_equal(found.shortfall, np.zeros(3))
    assert found.ratio == 1.0 or found.a2c_returns.sum() == 0
    assert [hear[-1] for hear in done] == [6, 6]
    assert {len(values) for values in found.features.values()} == {3}
