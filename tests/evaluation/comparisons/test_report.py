"""Reports: files in a folder, or none."""

import pytest

from groove.evaluation.comparisons.comparison import compare_cells
from groove.evaluation.comparisons.report import make_report
from groove.utils.errors import GrooveError
from tests._helpers.cells import cell, three_rules


def test_a_report_writes_its_table_and_pictures(tmp_path):
    report = make_report(compare_cells(three_rules("s/a", [[1.0, 2.0]])), tmp_path / "new" / "folder")
    names = {"table.md", "comparison.json", "curves.png", "aggregate.png", "profile.png"}
    assert {path.name for path in report.folder.iterdir()} == names
    assert (report.folder / "table.md").read_text() == report.table == report._repr_markdown_()


def test_without_references_there_are_no_pictures_of_normalised_scores(tmp_path):
    report = make_report(compare_cells([cell("s/a", "mine", [[1.0, 2.0]])]), tmp_path)
    assert {path.name for path in report.folder.iterdir()} == {"table.md", "comparison.json", "curves.png"}


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = make_report(compare_cells(three_rules("s/a", [[1.0, 2.0]])), None)
    assert report.folder is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_says_what_is_safe(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GrooveError, match=r"file/folder cannot be written: .* The results are stored"):
        make_report(compare_cells(three_rules("s/a", [[1.0, 2.0]])), tmp_path / "file" / "folder")
