"""A comparison and what people look at: a table, and a folder of pictures."""

from dataclasses import dataclass
from pathlib import Path

from groove.evaluation.comparisons.comparison import Comparison
from groove.evaluation.comparisons.tables import as_json, markdown
from groove.utils.io import write_json
from groove.utils.paths import writing


@dataclass(frozen=True)
class Report:
    """The result of a meta-test.

    Attributes:
      comparison: the numbers.
      table: the numbers as Markdown; notebooks display this table.
      folder: the folder of the table and the pictures; None if nothing was written.
    """

    comparison: Comparison
    table: str
    folder: Path | None

    def _repr_markdown_(self) -> str:
        return self.table


def make_report(comparison: Comparison, folder: Path | None) -> Report:
    """Build the report of a comparison, and write its files if there is a folder for them.

    The files are table.md, comparison.json and curves.png, and, if scores are normalised, aggregate.png and
    profile.png.

    Args:
      comparison: the numbers.
      folder: the folder of the files, made if it does not exist; None to write nothing.

    Raises:
      GrooveError: if a file cannot be written.
    """
    report = Report(comparison, markdown(comparison), folder)
    if folder is not None:
        with writing(folder, "The results are stored; draw them again with the command compare and another --to."):
            _write(report, folder)
    return report


def _write(report: Report, folder: Path) -> None:
    from groove.evaluation.comparisons.compare_plots import draw_aggregates, draw_learning_curves, draw_profile

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.md").write_text(report.table, encoding="utf-8")
    write_json(folder / "comparison.json", as_json(report.comparison))
    draw_learning_curves(report.comparison, folder / "curves.png")
    if report.comparison.scores:
        draw_aggregates(report.comparison, folder / "aggregate.png")
        draw_profile(report.comparison, folder / "profile.png")
