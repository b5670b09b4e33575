"""The report is one file of known size with every tab, for one run or several, and says what it lacks."""

import json
import re
import sys

import pytest

from groove.training.report.report import MOST_BYTES, report, report_at_end
from groove.training.run_dir import RunDir
from groove.utils.errors import ConfigError, MissingExtraError
from tests._helpers.finished_runs import finished_run
from tests._helpers.old_runs import unpack_run

pytestmark = pytest.mark.usefixtures("devices_of_the_tests")


@pytest.fixture
def run(tmp_path):
    return finished_run(tmp_path / "run", 0, 0.8, 0.0)


def _tab(html, name):
    return html.split(f'id="{name}" role="tabpanel"')[1].split('role="tabpanel"')[0]


def test_a_report_shows_the_validated_return_with_interval_and_n(run):
    html = report([run]).read_text()
    assert "[0.7, 0.9], n = 8 levels" in _tab(html, "summary")
    assert "[0.7, 0.9], n = 8 levels" in _tab(html, "validation")
    assert "3 M" in _tab(html, "summary")


def test_the_configuration_says_what_differs_from_the_preset(run):
    html = report([run]).read_text()
    row = re.search(r"<tr>\s*<th[^>]*>seed</th>.*?</tr>", _tab(html, "configuration"), re.S)
    assert row is not None
    assert "differs" not in row[0], "seed 0 is that of the preset"
    assert "checkpoint_every" in _tab(html, "configuration")


def test_a_run_without_checkpoints_has_no_levels_and_says_so(run):
    RunDir(run).checkpoints.rmdir()
    assert "has no checkpoint" in _tab(report([run]).read_text(), "levels")


def test_several_runs_share_a_page(run, tmp_path):
    other = finished_run(tmp_path / "other", 1, 0.6, 0.0)
    html = report([run, other], to=tmp_path / "both.html").read_text()
    assert "2 runs side by side" in html
    assert "differs between runs" in _tab(html, "configuration")
    assert "[0.5, 0.7], n = 8 levels" in _tab(html, "summary")


def test_levels_of_a_checkpoint_are_shown(tmp_path):
    old = unpack_run("ar", tmp_path / "old")
    path = report([old], seconds=0, levels=3)
    assert path == RunDir(old).report
    html = path.read_text()
    assert _tab(html, "levels").count('class="card"') == 3
    assert len(html) < MOST_BYTES


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"to": "report.txt"}, "in .html"),
        ({"to": "there.html"}, "exists"),
        ({"to": "no/folder.html"}, "does not exist"),
    ],
)
def test_files_that_cannot_be_written_are_refused(run, tmp_path, monkeypatch, settings, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.html").write_text("mine")
    with pytest.raises(ValueError, match=message):
        report([run], **settings)
    assert (tmp_path / "there.html").read_text() == "mine"
    report([run], to="there.html", force=True)
    assert (tmp_path / "there.html").read_text() != "mine"


def test_several_runs_need_a_file_and_none_is_refused(run):
    with pytest.raises(ConfigError, match="several runs need --to"):
        report([run, run])
    with pytest.raises(ConfigError, match="at least one run"):
        report([])


def test_without_the_extra_a_run_ends_with_one_line_and_a_report_is_refused(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    directory = RunDir(run)
    note = report_at_end(directory, directory.read_config(), (), None)
    assert note == 'no report.html: Altair is not installed; run pip install "groove-rl[report]".'
    with pytest.raises(MissingExtraError):
        report([run])


def test_settings_of_the_report_do_not_bind_a_run(run):
    stored = json.loads((run / "config.json").read_text())
    assert stored["config"]["run"]["report_seconds"] == 0.0
