"""Designed levels against random ones: numbers by hand, a picture, and runs that did not compare."""

import json

import numpy as np
import pytest

from figures.analysis.designed_levels import Course, draw, lead, measure
from groove.curriculum.generators.generator import entropy_floor
from groove.training.run_dir import RunDir
from groove.training.settings.presets import preset
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import replace_all


def course(leads, floor=0.5):
    """Return a course in which designed levels are ahead by these leads."""
    count = len(leads)
    random = np.linspace(0.0, 1.0, count)
    return Course(list(range(count)), (random + leads).tolist(), random.tolist(), [0.9] * count, floor)


def test_the_lead_is_that_of_the_second_half_with_an_interval_over_runs():
    first, second = course([9.0, 9.0, 0.1, 0.3]), course([-9.0, 9.0, 0.5, 0.3])  # means 0.2 and 0.4
    ahead = lead([first, second])
    half_width = 12.706 * 0.1  # t of one degree of freedom, times the standard error
    np.testing.assert_allclose(ahead, (0.3, 0.3 - half_width, 0.3 + half_width), rtol=1e-4)
    assert lead([first]).value == pytest.approx(0.2)
    assert np.isnan(lead([first]).low)


def test_the_picture_is_drawn_with_and_without_a_floor(tmp_path):
    for name, floor in {"with": 0.5, "without": None}.items():
        draw([course([0.1, 0.2], floor)], tmp_path / f"{name}.png")
    assert (tmp_path / "with.png").read_bytes() != (tmp_path / "without.png").read_bytes()


@pytest.mark.parametrize(("generator", "floor"), [("factored", entropy_floor(50.0, 8)), ("autoregressive", None)])
def test_a_course_has_the_steps_at_which_both_kinds_of_levels_have_scores(tmp_path, generator, floor):
    run = written_run(
        tmp_path,
        generator,
        {"generated_score_mean": None, "random_score_mean": 1.0, "generator_entropy": 1.0},
        {"generated_score_mean": 3.0, "random_score_mean": 2.0, "generator_entropy": 0.9},
    )
    assert measure([str(run)]) == {
        "paired": {"steps": [20.0], "designed": [3.0], "random": [2.0], "entropy": [0.9], "floor": floor}
    }


def test_a_run_without_the_comparison_is_refused(tmp_path):
    run = written_run(tmp_path, "factored", {"generator_entropy": 1.0})
    with pytest.raises(ConfigError, match=r"no scores of both designed and random levels; train .*random_share"):
        measure([str(run)])


def written_run(folder, generator, *rows):
    """Write a run directory with these rows of the log, every ten meta-steps."""
    config = replace_all(preset("smoke"), {"curriculum": "paired", "paired.generator": generator})
    run = RunDir.create(folder / "paired", config, min_free_bytes=0)
    lines = [json.dumps({"step": 10 * (i + 1)} | row) for i, row in enumerate(rows)]
    run.metrics_jsonl.write_text("\n".join(lines) + "\n")
    return run.path
