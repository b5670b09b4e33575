"""The gallery shows the highest scores first, with agents of both rules while there is time."""

import json
import re
from types import SimpleNamespace

import pytest

from groove.training.report.levels_tab import levels_tab
from tests._helpers.galleries import tiny_gallery


@pytest.fixture(scope="module")
def gallery():
    return tiny_gallery(seconds=600)


def _html(gallery):
    return levels_tab([SimpleNamespace(name="run")], [gallery])


def test_levels_come_by_score(gallery):
    assert [level.score for level in gallery.levels] == [2.0, 1.0]
    assert (gallery.score, gallery.antagonist, gallery.note) == ("regret", "a2c", "")


def test_both_agents_live_the_lifetime_of_the_level(gallery):
    for level in gallery.levels:
        assert level.student.ages == level.antagonist.ages
        assert level.student.ages[-1] == level.level.lifetime
        assert level.student.returns[0].tolist() == level.antagonist.returns[0].tolist(), "the same agent at birth"


def test_one_level_gets_agents_however_little_time_there_is():
    short = tiny_gallery(seconds=1e-9)
    assert [level.student is not None for level in short.levels] == [True, False]
    assert "agents on 1 of 2 levels" in short.note


def test_without_time_there_are_pictures_alone():
    still = tiny_gallery(seconds=0)
    assert all(level.student is None for level in still.levels)
    html = _html(still)
    assert html.count('class="card"') == 2
    assert "--seconds 60" in html
    assert "Learning curves" not in html


def test_without_antagonists_the_baseline_lives_beside_the_rule():
    gallery = tiny_gallery(seconds=1e-9, antagonist=False)
    assert gallery.antagonist == "A2C"
    assert gallery.levels[0].antagonist is not None


def test_a_click_has_acts_at_three_ages_and_curves_with_n(gallery):
    html = _html(gallery)
    acts = [json.loads(text) for text in re.findall(r'class="acts">(.*?)</script>', html)]
    assert len(acts) == 2
    for lives in acts:
        assert [[act["age"] for act in life] for life in lives] == [[0, 2, 4]] * 2
        assert all(len(act["cells"]) == len(act["reward"]) + 1 == len(act["present"]) for life in lives for act in life)
    assert html.count("Learning curves") >= 2
    assert "n = 32 episodes of one agent each" in html


def test_levels_have_a_text_for_people_who_do_not_see_them(gallery):
    assert _html(gallery).count('aria-label="Gridworld of ') == 2


def test_no_levels_are_explained():
    assert "no checkpoint" in _html(SimpleNamespace(levels=(), note="The run has no checkpoint."))
