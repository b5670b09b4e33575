"""The program report: one page for one run or several, and one line for bad input."""

import pytest

from groove.cli._main import find_program
from tests._helpers.finished_runs import finished_run
from tests._helpers.programs import call, refusal

pytestmark = pytest.mark.usefixtures("devices_of_the_tests")


@pytest.fixture(autouse=True)
def _runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finished_run(tmp_path / "one", 0, 0.8, 0.0)
    finished_run(tmp_path / "two", 1, 0.6, 0.0)
    (tmp_path / "foreign").mkdir()


def test_a_page_is_written(tmp_path, capsys):
    assert call("report", "one", "--levels=0") == 0
    assert capsys.readouterr().out == "report in one/report.html\n"
    assert call("report", "one", "two", "--to=both.html", "--levels=0") == 0
    assert "2 runs" in (tmp_path / "both.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "RUN is missing"),
        (["none"], "none does not exist"),
        (["foreign"], "foreign is no run"),
        (["one", "two"], "several runs need --to"),
        (["one", "--seconds=-1"], "seconds"),
        (["one", "--to=page.pdf"], "in .html"),
    ],
)
def test_bad_input_costs_one_line(words, message, tmp_path, monkeypatch, capsys):
    assert message in refusal(find_program("report"), words, tmp_path, monkeypatch, capsys)
