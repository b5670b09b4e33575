"""The report of one run or several: what is read, the page, and where it is written."""

from collections.abc import Sequence
from pathlib import Path

from groove.meta.groups import Group
from groove.meta.trainer import TrainState
from groove.pages.charts import chart_library
from groove.pages.page import Page, Tab, render_page, write_page
from groove.training.report.configuration import configuration_tab
from groove.training.report.gallery import MOST_LEVELS, Gallery, make_gallery
from groove.training.report.levels_tab import levels_tab
from groove.training.report.outcome import summary_tab
from groove.training.report.reported_run import ReportedRun, read_runs
from groove.training.report.series import Curves
from groove.training.report.through_time import curriculum_tab, training_tab
from groove.training.report.validation_tab import validation_tab
from groove.training.run_dir import RunDir
from groove.training.saved_run import load_run
from groove.training.settings.config import Config
from groove.utils import parallel
from groove.utils.errors import ConfigError, GrooveError, MissingExtraError
from groove.utils.io import one_line
from groove.utils.jax_flags import matmul_precision, standard_flags
from groove.utils.paths import PathLike, check_file, user_path
from groove.utils.processes import is_first

MOST_BYTES = 5_000_000
_FOOTER = "Written by groove report. The page needs no network."
SECONDS = 10.0  # for agents on the levels of the runs


@standard_flags()
def report(
    runs: Sequence[PathLike],
    *,
    to: PathLike | None = None,
    seconds: float = SECONDS,
    levels: int = MOST_LEVELS,
    force: bool = False,
) -> Path:
    """Write the report of a run, or of several runs side by side, as one HTML file that needs no network.

    Args:
      runs: run directories; runs may still be in progress.
      to: the file; None for report.html in the directory of the run.
      seconds: wall-clock time to train new agents on the levels of the runs, to show how they act; 0 for no agents.
      levels: number of levels of each run, those with the highest scores; 0 for none.
      force: replace a file that exists; report.html of a run is replaced in any case.

    Returns:
      The file.

    Raises:
      GrooveError: if a run cannot be read, the packages of the extra `report` are missing, or the file exists, cannot
        be written or would be larger than 5 MB.
    """
    chart_library()  # before any work, because it may not be installed
    paths = [user_path(run, "a run") for run in runs]
    if not paths:
        raise ConfigError("give at least one run: groove report RUN.")
    file = _target(paths, to, force)
    found = read_runs(paths)
    parallel.keep_compilations()  # before anything is compiled
    galleries = [_gallery(run, seconds / len(found), levels) for run in found]
    write_page(file, report_page(found, galleries), MOST_BYTES, "give fewer runs, or fewer --levels")
    return file


def report_at_end(run_dir: RunDir, config: Config, groups: Sequence[Group], state: TrainState) -> str:
    """Write report.html of a run that has just ended; all processes of the run have to call this together.

    Returns:
      An empty text, or one line that says why there is no report. The run itself is complete in any case.
    """
    try:
        chart_library()
    except MissingExtraError as error:
        return f"no {run_dir.report.name}: {error}"
    try:
        gallery = make_gallery(config, groups, state, config.run.report_seconds)
        if is_first():
            write_page(run_dir.report, report_page(read_runs([run_dir.path]), [gallery]), MOST_BYTES)
    except GrooveError as error:
        return f"no {run_dir.report.name}: {one_line(error)}"
    return ""


def _target(paths: Sequence[Path], to: PathLike | None, force: bool) -> Path:
    """Return the file to write, after checking that it can be written."""
    if to is None:
        if len(paths) > 1:
            raise ConfigError("several runs need --to, the file of their report, as in --to report.html.")
        if not paths[0].is_dir():  # the message for a run that is not there
            read_runs(paths)
        file = RunDir(paths[0]).report
    else:
        file = user_path(to, "--to")
        if file.suffix not in (".html", ".htm"):
            raise ConfigError(f"{file}: end the file's name in .html.")
        if file.exists() and not force:
            raise ConfigError(f"{file} exists; choose another --to, or replace it with --force.")
    check_file(file, "--to")
    return file


def _gallery(run: ReportedRun, seconds: float, count: int) -> Gallery:
    """Return the levels of a run from its latest checkpoint, or a note that says why there are none."""
    if not count:
        return Gallery((), "score", "", "No levels were asked for.")
    if not RunDir(run.path).checkpoints.is_dir():
        return Gallery((), "score", "", "The run has no checkpoint, so that its levels are not known.")
    try:
        saved = load_run(run.path)
    except GrooveError as error:
        return Gallery((), "score", "", f"The levels of the run cannot be read: {one_line(error)}")
    with matmul_precision(saved.config.precision):
        return make_gallery(saved.config, saved.parts.groups, saved.state, seconds, count)


def report_page(runs: Sequence[ReportedRun], galleries: Sequence[Gallery]) -> str:
    """Return the HTML of a report: the runs, and the gallery of each run."""
    curves = Curves(runs)
    tabs = [
        Tab("summary", "Summary", summary_tab(runs)),
        Tab("training", "Meta-training", training_tab(curves)),
        Tab("validation", "Validation", validation_tab(curves)),
        Tab("curriculum", "Curriculum", curriculum_tab(curves)),
        Tab("levels", "Levels", levels_tab(runs, galleries)),
        Tab("configuration", "Configuration", configuration_tab(runs)),
    ]
    (first, *others) = runs
    if others:
        title, lead = f"{len(runs)} runs side by side", ", ".join(run.name for run in runs)
    else:
        title = f"Run {first.name}"
        lead = f"Curriculum {first.config.curriculum}, preset {first.config.preset}, seed {first.config.seed}."
    return render_page(Page(title, lead, tabs, styles=["gallery.css"], scripts=["gallery.js"], footer=_FOOTER))
