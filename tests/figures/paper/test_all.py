"""The programs of the paper's figures, as a user starts them."""

import subprocess
import sys
from pathlib import Path

import pytest

from figures.paper import all as all_figures

PAPER = Path(all_figures.__file__).parent


def _run(program, tmp_path, *options):
    """Start a program from another folder than the repository's, and return what it prints."""
    folders = {"runs": "runs", "results": "results", "to": "pictures"}
    where = [word for flag, folder in folders.items() for word in (f"--{flag}", folder)]
    command = [sys.executable, str(PAPER / program), *where, *options]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return ran.stdout


def test_every_file_with_a_figure_is_listed():
    files = {path.stem for path in PAPER.glob("*.py")} - {"all", "__init__"}
    assert files == set(all_figures.FIGURES)
    assert [figure.name for figure in all_figures.load()] == list(all_figures.FIGURES)


@pytest.mark.slow  # .ci/run draws all figures from nothing
def test_a_figure_is_drawn_from_nothing_and_again_without_repeating_anything(tmp_path):
    _run("fig11_a2c_ppo.py", tmp_path, "--scale", "smoke")
    picture = tmp_path / "pictures" / "fig11_a2c_ppo-smoke.png"
    assert picture.stat().st_size > 10_000
    stored = (tmp_path / "results" / "gridworld.jsonl").read_bytes()
    assert stored.count(b"\n") == 18  # six tasks, three rules
    picture.unlink()
    assert "3 of 3 are done" in _run("fig11_a2c_ppo.py", tmp_path, "--scale", "smoke", "--dry_run")
    _run("fig11_a2c_ppo.py", tmp_path, "--scale", "smoke")
    assert (tmp_path / "results" / "gridworld.jsonl").read_bytes() == stored
    assert picture.exists()


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_all_figures_can_be_planned(tmp_path, scale):
    assert " 0 of " in _run("all.py", tmp_path, "--dry_run", "--scale", scale)
    assert not list(tmp_path.iterdir())
