"""Plans: shared steps are done once."""

import dataclasses

from figures.pipeline.meta_tests import MetaTest
from figures.pipeline.plan import Plan, describe
from groove.sweep.steps import MetaTraining

SMOKE = MetaTraining("groove", "ar", 0, "smoke")


def test_plans_share_what_they_have_in_common(tmp_path):
    other = dataclasses.replace(SMOKE, seed=1)
    one = Plan(((SMOKE,),), (MetaTest(SMOKE, ("chain",), "smoke", 2),))
    both = one + Plan(((SMOKE, other),), (MetaTest("a2c", ("chain",), "smoke", 2),))
    assert both.stages == ((SMOKE, other),)
    assert len(both.tests) == 2
    said = describe(both, tmp_path, tmp_path / "results", 2)
    assert said.count("-smoke-") == 3  # two trainings, and the test of one
    assert "0 of 4 are done" in said


def test_one_configuration_is_trained_once_whatever_figures_call_it():
    plan = Plan(((SMOKE,),), ()) + Plan(((dataclasses.replace(SMOKE, label="other"),),), ())
    assert [step.name for stage in plan.stages for step in stage] == [SMOKE.name]
