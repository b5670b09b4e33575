"""Regret on the worst levels: by hand, free of the luck of the agents that chose them, and its table."""

import numpy as np
import pytest

from figures.analysis.worst_levels import regrets, table, worst_regret
from groove.evaluation.results import Results
from groove.utils.errors import ConfigError
from tests._helpers.cells import line

TASK = "gridworld/random"


def store(folder, rule, *meta_seeds):
    """Store the final returns f[levels, agents] of each meta-seed of a rule."""
    for i, final in enumerate(meta_seeds):
        final = np.asarray(final, float)
        returns = np.stack([np.zeros_like(final), final], axis=2)
        Results(folder).append(
            "gridworld",
            line(
                f"{rule} {i}",
                seeds=range(final.shape[1]),
                rule=rule,
                returns=returns,
                task=TASK,
                rule_identity=f"{rule} {i}",
            ),
        )


def test_by_hand():
    reference = np.full((4, 2), 3.0)
    rule = np.array([[3.0, 0.0], [2.0, 2.0], [0.0, 1.0], [3.0, 3.0]])  # regrets 0 3, 1 1, 3 2, 0 0
    # the first agent chooses level 2, where the second has 2; the second chooses level 0, where the first has 0
    assert worst_regret(rule, reference, 0.25) == pytest.approx((2.0 + 0.0) / 2)
    # half of the levels: 2 and 1 with regrets 2 and 1 of the second; 0 and 2 with 0 and 3 of the first
    assert worst_regret(rule, reference, 0.5) == pytest.approx((1.5 + 1.5) / 2)
    assert worst_regret(rule, reference, 1.0) == pytest.approx((3.0 - rule).mean())


def test_a_rule_equal_to_the_reference_has_no_regret_on_its_worst_levels_however_noisy():
    rng = np.random.default_rng(0)
    rule, reference = rng.normal(size=(2, 20_000, 2))
    assert worst_regret(rule, reference, 0.1) == pytest.approx(0.0, abs=0.06)  # 3 standard errors of 2 x 2,000 agents
    assert np.sort(rule - reference, axis=0)[:2000].mean() < -2.0  # levels chosen by the agents that are measured


def test_one_agent_cannot_choose_and_measure():
    with pytest.raises(ValueError, match="two agents"):
        worst_regret(np.zeros((4, 1)), np.zeros((4, 1)), 0.5)


def test_meta_seeds_are_pooled_by_label_and_compared_with_the_first_rule(tmp_path):
    store(tmp_path, "a2c", np.ones((4, 2)))
    store(tmp_path, "dr", np.zeros((4, 2)), np.full((4, 2), -1.0), np.full((4, 2), -2.0))
    store(tmp_path, "ar", np.ones((4, 2)), np.ones((4, 2)), np.ones((4, 2)))
    numbers = regrets(Results(tmp_path).cells(), ["dr", "ar"], "a2c", TASK, 0.5)
    assert numbers == {"dr": [1.0, 2.0, 3.0], "ar": [0.0, 0.0, 0.0]}
    head, _, first, second = table(numbers).splitlines()
    assert head == "| rule | regret on its worst levels | more than `dr` | each meta-seed |"
    assert first == "| `dr` | 2.00 [-0.48, 4.48] |  | 1.00, 2.00, 3.00 |"
    assert second == "| `ar` | 0.00 [0.00, 0.00] | -2.00 [-4.48, 0.48] | 0.00, 0.00, 0.00 |"


def test_one_rule_under_two_names_counts_for_both(tmp_path):
    store(tmp_path, "a2c", np.ones((4, 2)))
    store(tmp_path, "dr", np.zeros((4, 2)))
    same = Results(tmp_path).lines("gridworld")[-1]
    Results(tmp_path).append("gridworld", same | {"rule": "ar"})
    assert regrets(Results(tmp_path).cells(), ["dr", "ar"], "a2c", TASK, 0.5) == {"dr": [1.0], "ar": [1.0]}


def test_missing_results_are_named(tmp_path):
    store(tmp_path, "a2c", np.ones((4, 2)))
    store(tmp_path, "dr", np.ones((4, 1)))
    cells = Results(tmp_path).cells()
    with pytest.raises(ConfigError, match='unknown rule with results on gridworld/random "dt"'):
        regrets(cells, ["dt"], "a2c", TASK, 0.5)
    with pytest.raises(ConfigError, match="dr and a2c share 1 agents on gridworld/random: test with --seeds 2"):
        regrets(cells, ["dr"], "a2c", TASK, 0.5)
    store(tmp_path, "ar", np.ones((4, 2)), np.ones((3, 2)))
    cells = Results(tmp_path).cells()
    with pytest.raises(ConfigError, match="ar and a2c have other levels on gridworld/random"):
        regrets(cells, ["ar"], "a2c", TASK, 0.5)
    with pytest.raises(ConfigError, match="--reference = ar has 2 meta-seeds"):
        regrets(cells, ["a2c"], "ar", TASK, 0.5)
