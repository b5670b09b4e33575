"""Pictures of a search: the archive beside each reference, and coverage and quality over the search."""

from pathlib import Path

import numpy as np

from groove.evaluation.failures.search.elites import Failures
from groove.utils.plotting import BLUE, INK, dress, new_figure, save_picture

_LABELS = {
    "size": "grid side",
    "max_steps": "episode length (steps)",
    "wall_share": "share of walls",
    "nearest_positive": "steps to the nearest reward",
    "mean_respawn": "respawn probability",
    "objects": "objects",
    "positive_objects": "objects with positive reward",
}


def draw_archive(failures: Failures, path: Path) -> None:
    """Draw a heat map for each reference: its return minus the rule's on the elite of each cell, by new agents."""
    rows, columns = failures.axes
    leads = failures.returns[1:] - failures.returns[0]
    limit = max(float(np.abs(leads).max()), 1e-6)
    figure = new_figure(1.5 + 5.2 * len(leads), 5.2)
    panels = np.atleast_1d(figure.subplots(1, len(leads), sharey=True))
    for axes, name, lead in zip(panels, failures.names[1:], leads, strict=True):
        shown = np.full((len(rows), len(columns)), np.nan)
        shown[tuple(failures.cells.T)] = lead
        image = axes.imshow(shown, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", origin="lower")
        for (i, j), value in np.ndenumerate(shown):
            if np.isfinite(value):
                colour = "white" if abs(value) > 0.6 * limit else INK
                axes.text(j, i, f"{round(value, 1) + 0.0:+.1f}", ha="center", va="center", fontsize=7, color=colour)
        dress(axes, f"{name} minus {failures.names[0]}", grid=None)
        axes.set_xticks(range(len(columns)), columns.labels(), rotation=45, ha="right")
        axes.set_yticks(range(len(rows)), rows.labels())
        axes.set_xlabel(_LABELS.get(columns.feature, columns.feature), color=INK)
    panels[0].set_ylabel(_LABELS.get(rows.feature, rows.feature), color=INK)
    figure.colorbar(image, ax=panels, shrink=0.8, label="lead of the reference in mean return; red: the rule fails")
    save_picture(figure, path)


def draw_progress(failures: Failures, path: Path) -> None:
    """Draw the number of elites and the sum of their regrets over the levels evaluated."""
    figure = new_figure(7.2, 2.8)
    curves = {
        "cells with an elite": failures.coverage,
        "sum of the elites' positive regrets, when found": failures.quality,
    }
    for axes, (title, values) in zip(figure.subplots(1, 2), curves.items(), strict=True):
        axes.plot(failures.evaluated, values, color=BLUE)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("levels evaluated", fontsize=8, color=INK)
        dress(axes, title)
    save_picture(figure, path)
