"""The tab of the levels: a gallery, and for each level the learning curves and the acts of two agents."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from groove.envs.gridworld.svg import level_svg, level_words
from groove.lifetimes.recording import Act, Life
from groove.pages.charts import line_chart, script_json
from groove.pages.measures import Measured
from groove.pages.palette import COLOURS
from groove.pages.parts import facts, section
from groove.pages.templates import markup, render
from groove.training.report.gallery import Gallery, ShownLevel
from groove.training.report.reported_run import ReportedRun

if TYPE_CHECKING:
    from markupsafe import Markup

_AGES = ("at birth", "in the middle of life", "at the end of life")
_NORMAL = 1.96  # standard errors of a 95 % interval


def levels_tab(runs: Sequence[ReportedRun], galleries: Sequence[Gallery]) -> "Markup":
    """Return the galleries of the runs, one below the other."""
    parts = [
        section(run.name if len(runs) > 1 else "Levels", _gallery(r, gallery), about=_about(gallery))
        for r, (run, gallery) in enumerate(zip(runs, galleries, strict=True))
    ]
    return section("Levels by score", *parts) if len(runs) > 1 else parts[0]


def _about(gallery: Gallery) -> str:
    if not gallery.levels:
        return gallery.note
    text = (
        f"The levels with the highest {gallery.score}, or those in use if the curriculum keeps none. Walls are dark, "
        "the start is a diamond, and objects are discs from red (reward -1) through white to blue (+1); the dark arc "
        "around an object is the probability that collecting it ends the episode."
    )
    shown = any(level.student for level in gallery.levels)
    how = f" A click shows how new agents under the rule and under {gallery.antagonist} learn and act." if shown else ""
    return f"{text}{how} {gallery.note}".strip()


def _gallery(run: int, gallery: Gallery) -> "Markup | str":
    if not gallery.levels:
        return ""
    cards = [_card(f"level-{run}-{i}", i, level, gallery) for i, level in enumerate(gallery.levels)]
    return render("gallery.html", cards=cards)


def _card(name: str, index: int, shown: ShownLevel, gallery: Gallery) -> dict[str, Any]:
    """Return what the template reads of one level."""
    title = f"Level {index + 1}" + (f", {shown.group}" if shown.group else "")
    acts = None
    if shown.student and shown.antagonist:
        acts = script_json([_acts(life, shown) for life in (shown.student, shown.antagonist)])
    return {
        "name": name,
        "title": title,
        "score": f"{gallery.score} {shown.score:.2f}" if math.isfinite(shown.score) else "no score yet",
        "words": level_words(shown.level, shown.sizes),
        "picture": markup(level_svg(shown.level, shown.sizes)),
        "facts": facts(_facts(shown, gallery)),
        "curves": _curves(shown, gallery) if shown.student else "",
        "acts": acts,
        "ages": _AGES,
        "players": (("learned rule", COLOURS[0]), (gallery.antagonist, COLOURS[1])),
    }


def _facts(shown: ShownLevel, gallery: Gallery) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    if math.isfinite(shown.score):
        pairs[f"{gallery.score} in training"] = Measured(shown.score, 1, "lifetime, the last one on this level")
    if shown.student and shown.antagonist and shown.student.ages == shown.antagonist.ages:
        pairs["regret of these agents"] = _regret(shown.student, shown.antagonist)
    known = {name: value for name, value in shown.features.items() if math.isfinite(value)}
    return pairs | {name.replace("_", " "): f"{value:.4g}" for name, value in known.items()}


def _regret(student: Life, antagonist: Life) -> Measured:
    """Return the antagonist's return at the end of life less the student's, with the interval over episodes."""
    ends = [life.returns[-1].astype(np.float64) for life in (antagonist, student)]
    value = float(ends[0].mean() - ends[1].mean())
    error = _NORMAL * math.sqrt(sum(end.var(ddof=1) / len(end) for end in ends))
    return Measured(value, len(ends[0]), "episodes of one agent each", value - error, value + error)


def _curves(shown: ShownLevel, gallery: Gallery) -> "Markup":
    """Return the learning curves of both agents with 95 % intervals over episodes."""
    assert shown.student is not None
    assert shown.antagonist is not None
    names, rows = ("learned rule", gallery.antagonist), []
    for name, life in zip(names, (shown.student, shown.antagonist)):
        for age, returns in zip(life.ages, life.returns):
            mean, error = returns.mean(), _NORMAL * returns.std(ddof=1) / math.sqrt(len(returns))
            row = {"x": age, "y": mean, "low": mean - error, "high": mean + error, "n": len(returns)}
            rows.append({key: float(f"{value:.4g}") for key, value in row.items()} | {"series": name})
    ends = " and ".join(
        f"{name} {life.returns[-1].mean():.2f}" for name, life in zip(names, (shown.student, shown.antagonist))
    )
    return line_chart(
        rows,
        title="Learning curves",
        description=f"Return over agent updates of one agent under each rule; at the end {ends}.",
        x="agent updates",
        y="return",
        series=names,
        colours=dict(zip(names, COLOURS)),
        points=True,
        n_of="episodes",
        height=220,
        caption="One agent under each rule; bands are 95 % intervals of the mean over 32 episodes.",
    )


def _acts(life: Life, shown: ShownLevel) -> list[dict[str, Any]]:
    """Return the acts at birth, in the middle and at the end of a life, for the script of the page."""
    side, size = shown.sizes.side, int(shown.level.size)
    last = len(life.ages) - 1
    return [_act(life.acts[i], life.ages[i], life.returns[i], side, size) for i in (0, (last + 1) // 2, last)]


def _act(act: Act, age: int, returns: Any, side: int, size: int) -> dict[str, Any]:
    steps = act.length
    row, col = act.states.row[: steps + 1], act.states.col[: steps + 1]
    return {
        "age": age,
        "mean": f"{returns.mean():.2f}",
        "n": len(returns),
        "cells": (row * size + col).tolist(),
        "present": act.states.present[: steps + 1].tolist(),
        "reward": [round(float(reward), 3) for reward in act.reward[:steps]],
        "ended": bool(act.ended[steps - 1]),
    }
