"""The archive, by hand."""

import numpy as np
import pytest

from groove.envs.level_axes import Axis
from groove.evaluation.failures.search.archive import Archive
from groove.utils.errors import MissingExtraError

AXES = (Axis("a", np.array([1.0, 2.0])), Axis("b", np.array([10.0])))  # 3 x 2 cells


def offer(archive, *rows):
    """Offer levels (number, regret, cell)."""
    numbers, regret, cells = zip(*rows, strict=True)
    archive.add(np.array(numbers), np.array(regret, float), np.array(cells))


def test_a_level_takes_an_empty_cell_and_a_better_one_takes_its_place():
    archive = Archive(AXES)
    offer(archive, (0, 0.5, (0, 0)), (1, -1.0, (2, 1)))
    assert (archive.elites.tolist(), archive.coverage, archive.quality, archive.cells) == ([0, 1], 2, 0.5, 6)
    offer(archive, (2, 0.4, (0, 0)), (3, 0.6, (2, 1)))  # worse; better
    assert (archive.elites.tolist(), archive.quality) == ([0, 3], pytest.approx(1.1))


def test_the_best_of_a_batch_takes_the_cell():
    archive = Archive(AXES)
    offer(archive, (0, 1.0, (1, 0)), (1, 3.0, (1, 0)), (2, 2.0, (1, 0)))
    assert archive.elites.tolist() == [1]


def test_a_level_whose_feature_is_undefined_is_in_no_cell():
    archive = Archive(AXES)
    offer(archive, (0, 9.0, (-1, 0)), (1, 9.0, (0, -1)))
    assert (archive.coverage, archive.quality, archive.elites.tolist()) == (0, 0.0, [])


def test_every_cell_is_a_place_of_its_own():
    archive = Archive(AXES)
    cells = [(i, j) for i in range(3) for j in range(2)]
    offer(archive, *[(n, float(n), cell) for n, cell in enumerate(cells)])
    assert archive.elites.tolist() == list(range(6))  # by cell


def test_without_ribs_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ribs.archives", None)
    with pytest.raises(MissingExtraError, match=r"groove-rl\[search\]"):
        Archive(AXES)
