"""The picture shows what was logged and nothing else."""

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread

from groove.training.logs.curves import OTHERS, PANELS, draw_curves, panels_for, running_mean, series
from groove.training.logs.loggers import JsonlLogger, LoggerError
from groove.utils.plotting import BLUE, ORANGE


def log(path, rows):
    logger = JsonlLogger(path)
    for step, row in rows:
        logger.write(step, row)
    logger.close()
    return path


def training(steps):
    return [(s, {"student_return": s / 100, "antagonist_return": 0.5, "regret": 0.5 - s / 100}) for s in steps]


def validation(steps):
    names = ("return", "low", "high")
    row = {f"validation/normalised_{name}": 0.5 + shift for name, shift in zip(names, (0.0, -0.1, 0.1))}
    return [(step, row | {"validation/untrained_normalised": 0.1}) for step in steps]


def has_colour(picture, colour, minimum=50):
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return (np.abs(picture[..., :3] - rgb).max(-1) < 0.02).sum() >= minimum


def test_the_picture_grows_with_what_there_is(tmp_path):
    few = log(tmp_path / "few.jsonl", training(range(10)))
    draw_curves(few, tmp_path / "few.png")
    all_rows = log(tmp_path / "all.jsonl", training(range(10)) + validation((0, 5, 9)))
    draw_curves(all_rows, tmp_path / "all.png")
    small, large = imread(tmp_path / "few.png"), imread(tmp_path / "all.png")
    assert large.shape[0] > 1.5 * small.shape[0]
    assert small.shape[1] == large.shape[1] > 1000
    for picture in (small, large):
        assert has_colour(picture, BLUE)
        assert has_colour(picture, ORANGE)


def test_the_untrained_rule_is_drawn_as_a_line(tmp_path):
    draw_curves(log(tmp_path / "m.jsonl", validation((0, 5, 9))), tmp_path / "with.png")
    rows = [(s, {k: v for k, v in row.items() if "untrained" not in k}) for s, row in validation((0, 5, 9))]
    draw_curves(log(tmp_path / "n.jsonl", rows), tmp_path / "without.png")
    assert has_colour(imread(tmp_path / "with.png"), ORANGE, 300)
    assert not has_colour(imread(tmp_path / "without.png"), ORANGE, 1)


def test_further_sources_and_groups_are_drawn(tmp_path):
    rows = validation((0, 5, 9))
    rows = [(s, row | {"worlds/validation/normalised_return": 0.7 + s / 10}) for s, row in rows]
    draw_curves(log(tmp_path / "v.jsonl", rows), tmp_path / "v.png")
    assert has_colour(imread(tmp_path / "v.png"), to_hex(OTHERS[0]))
    several = [(s, {f"tables/{name}": x for name, x in row.items()} | row) for s, row in training(range(10))]
    draw_curves(log(tmp_path / "one.jsonl", training(range(10))), tmp_path / "one.png")
    draw_curves(log(tmp_path / "two.jsonl", several), tmp_path / "two.png")
    one, two = imread(tmp_path / "one.png"), imread(tmp_path / "two.png")
    assert (np.abs(two[..., :3] - 1).max(-1) > 0.02).sum() > 1.5 * (np.abs(one[..., :3] - 1).max(-1) > 0.02).sum()


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(1, {"regret": math.nan})],
        [(0, {"student_return": 0.5})],
        validation((0,)),
        [(3, {"meta_grad_norm": 0.0}), (4, {"meta_grad_norm": 1.0})],
        [(2, {"validation/normalised_return": -3.0}), (1, {"validation/normalised_return": math.inf})],
        [(step, {"meta_grad_norm": 10.0 ** (step % 9), "env_steps_per_second": 2e6}) for step in range(200)],
    ],
)
def test_odd_logs_are_drawn_without_complaint(tmp_path, rows):
    draw_curves(log(tmp_path / "m.jsonl", rows), tmp_path / "m.png")
    assert imread(tmp_path / "m.png").shape[1] > 1000


def test_a_picture_is_replaced_but_not_by_a_damaged_log(tmp_path):
    path = log(tmp_path / "m.jsonl", training(range(3)))
    (tmp_path / "m.png").write_bytes(b"old")
    draw_curves(path, tmp_path / "m.png")
    good = (tmp_path / "m.png").read_bytes()
    assert good != b"old"
    path.write_text("{\n" + path.read_text())
    with pytest.raises(LoggerError, match="line 1"):
        draw_curves(path, tmp_path / "m.png")
    assert (tmp_path / "m.png").read_bytes() == good


def test_series_leave_out_what_is_no_number():
    rows = [{"step": 1, "a": 0.5}, {"step": 2, "a": None}, {"step": 3}, {"step": 4, "a": math.nan}, {"step": 5, "a": 2}]
    steps, values = series(rows, "a")
    assert steps.tolist() == [1, 5]
    assert values.tolist() == [0.5, 2.0]
    assert all(len(part) == 0 for part in series(rows, "b"))


@pytest.mark.parametrize("window", [1, 3, 8, 100])
def test_the_running_mean_is_the_mean_of_the_window(window):
    values = np.random.default_rng(0).normal(size=40)
    half = window // 2
    expected = [values[max(0, i - half) : i + half + 1].mean() for i in range(40)]
    np.testing.assert_allclose(running_mean(values, window), expected, rtol=1e-10, atol=1e-12)


def test_the_legend_names_the_antagonists_of_the_run():
    assert panels_for(())[0].lines["antagonist_return"] == "antagonist"
    assert panels_for(("ppo", "optimal"))[0].lines["antagonist_return"] == "antagonist (ppo, optimal)"
    assert [panel.title for panel in panels_for(("a2c",))] == [panel.title for panel in PANELS]
