"""The store of results: only appended to, safe against a cut, one cell from several lines, and clear errors."""

import json
import math

import numpy as np
import pytest

from groove.evaluation.results import Results, ResultsError, cell_id, rounded
from groove.utils.io import with_checksum
from tests._helpers.cells import line


def test_appended_lines_are_read(tmp_path):
    results = Results(tmp_path / "new")
    results.append("s", line())
    results.append("s", line("other"))
    results.append("t", line("third"))
    assert [cell.task for cell in results.cells()] == ["s/t"] * 3
    (cell,) = results.cells(["c"])
    assert (cell.seeds, cell.budget, cell.env_steps.tolist()) == ((0, 1), "smoke", [10, 20])
    assert cell.final.tolist() == [[1.0, 3.0]]
    assert results.seeds_of("s", "c") == {0, 1}
    assert results.seeds_of("t", "c") == set()


def test_seeds_of_one_cell_are_merged_and_the_later_line_counts(tmp_path):
    results = Results(tmp_path)
    results.append("s", line(seeds=(2, 0), returns=[[[1, 2], [3, 4]]]))
    results.append("s", line(seeds=(0, 1), returns=[[[5, 6], [7, 8]]]))
    (cell,) = results.cells()
    assert cell.seeds == (0, 1, 2)
    assert cell.returns.tolist() == [[[5, 6], [7, 8], [1, 2]]]
    assert len(cell.lines) == 2


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_line_that_was_cut_off_is_skipped_and_does_not_spoil_the_next(tmp_path, kept):
    notices = []
    results, path = Results(tmp_path, notices.append), tmp_path / "s.jsonl"
    results.append("s", line("first"))
    whole = path.read_bytes()
    results.append("s", line("second"))
    path.write_bytes(whole + path.read_bytes()[len(whole) :][:kept])
    complete = {"first", "second"} if kept == -1 else {"first"}  # -1 cuts off the newline only
    assert {stored["cell"] for stored in results.lines()} == complete
    assert notices == [], "the end of a file may be in the middle of being written"
    results.append("s", line("third"))
    assert {stored["cell"] for stored in results.lines()} == complete | {"third"}
    assert len(notices) == (kept != -1)


def resealed(text, **changes):
    """Return a line with other fields and the checksum that they need."""
    fields = {name: value for name, value in json.loads(text).items() if name != "check"}
    return json.dumps(with_checksum(fields | changes))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text.replace("[[1.0", "[[7.0").replace("[[1,", "[[7,"), "another checksum"),
        (lambda text: text.replace('"task"', '"tusk"'), "another checksum"),
        (lambda text: text[:-30], "no JSON"),
        (lambda text: "[" * 100_000, "no JSON"),
        (lambda text: "3", "no JSON object"),
        (lambda text: '{"format": 1, "suite": "s"}', "without cell"),
        (lambda text: resealed(text, returns=[[[1, 2], [3, math.nan]]]), "no JSON with finite numbers"),
        (lambda text: resealed(text, returns=[[[1, 2], [3, -1e300]]]), "a return beyond the range of float32"),
        (lambda text: resealed(text, env_steps=[10, 10**300]), "no JSON with finite numbers"),
        (lambda text: resealed(text, provenance="x"), "provenance"),
        (lambda text: resealed(text, provenance={"versions": "x"}), "provenance.versions"),
        (lambda text: resealed(text, settings=[1]), "settings"),
    ],
)
def test_a_damaged_line_is_passed_over_with_a_notice(tmp_path, damage, reason):
    notices = []
    results, path = Results(tmp_path, notices.append), tmp_path / "s.jsonl"
    for cell in ("first", "second", "third"):
        results.append("s", line(cell, returns=[[[1, 2], [3, 4]]]))
    texts = path.read_text().splitlines()
    damaged = damage(texts[1])
    assert damaged != texts[1]
    path.write_text("\n".join([texts[0], damaged, texts[2]]) + "\n")
    for _ in range(2):
        assert [stored["cell"] for stored in results.lines()] == ["first", "third"]
    (notice,) = notices
    assert f"s.jsonl, line 2, is damaged ({reason}" in notice
    assert results.seeds_of("s", "second") == set()


def test_lines_without_a_checksum_are_those_of_earlier_versions(tmp_path):
    results, path = Results(tmp_path), tmp_path / "s.jsonl"
    results.append("s", line("first"))
    stored = json.loads(path.read_text())
    del stored["check"]
    path.write_text(json.dumps(stored) + "\n")
    assert [each["cell"] for each in results.lines()] == ["first"]


def test_a_notice_goes_to_standard_error(tmp_path, capsys):
    (tmp_path / "s.jsonl").write_text("{}}\n")
    assert Results(tmp_path).lines() == []
    assert "line 1, is damaged (no JSON with finite numbers) and skipped" in capsys.readouterr().err


def test_another_format_is_refused(tmp_path):
    (tmp_path / "s.jsonl").write_text('{"format": 99}\n')
    with pytest.raises(ResultsError, match=r"s.jsonl, line 1, is not of results format 1"):
        Results(tmp_path).lines()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="cannot be written"):
        Results(tmp_path / "file").append("s", line())


def test_a_byte_that_is_no_text_damages_its_line_only(tmp_path):
    notices = []
    results, path = Results(tmp_path, notices.append), tmp_path / "s.jsonl"
    for cell in ("first", "second", "third"):
        results.append("s", line(cell))
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second.replace(b'"second"', b'"sec\xffnd"') + third)
    assert [stored["cell"] for stored in results.lines()] == ["first", "third"]
    assert notices == [f"{path}, line 2, is damaged (no UTF-8) and skipped: its seeds are missing."]
    results.append("s", line("second"))
    assert len(results.lines()) == 3
    path.write_bytes(path.read_bytes() + b'{"format": 1, \xff')
    assert len(results.lines()) == 3
    assert len(notices) == 1, "the last line was cut off while it was written"


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "s.jsonl").mkdir()
    with pytest.raises(ResultsError, match=r"s.jsonl cannot be read: .* Choose another --results"):
        Results(tmp_path).lines()


def test_cells_are_identified_by_content_not_by_order():
    assert cell_id({"a": 1, "b": [1, 2]}) == cell_id({"b": (1, 2), "a": 1}) != cell_id({"a": 1, "b": [2, 1]})


def test_six_digits_are_kept():
    assert rounded([[1234567.8, -0.00012345678]]) == [[1234570.0, -0.000123457]]
    assert np.shape(rounded(np.zeros((2, 3, 4)))) == (2, 3, 4)
