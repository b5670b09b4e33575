"""Meta-tests of plans: rules that lack the same tasks share a process."""

import pytest

from figures.pipeline.meta_tests import MetaTest, batches
from groove.evaluation.results import Results
from tests._helpers.cells import line


def test_rules_that_lack_the_same_tasks_are_tested_in_one_process(tmp_path):
    store = tmp_path / "results"
    both = [MetaTest(rule, ("chain", "bsuite/Catch"), "smoke", 2) for rule in ("a2c", "random")]
    (batch,) = batches(both, tmp_path, store)
    assert batch.tasks == ("chain/tabular", "chain/distractor", "bsuite/Catch")
    assert "a2c,random" in batch.command(tmp_path, store)
    assert batch.progress(store) == 0
    job = batch.jobs[0]
    Results(store).append(job.task.suite, line(job.cell, task=job.task.path))
    assert batch.progress(store) == pytest.approx(1 / 6)
    assert [(b.tasks, len(b.tests)) for b in batches(both, tmp_path, store)] == [(batch.tasks[1:], 1), (batch.tasks, 1)]
