"""Identifiers of entries on the leaderboard's page."""

from groove.evaluation.leaderboard.site.shown import slugs


def test_no_two_names_share_an_identifier():
    names = ["lpg", "lpg-2", "lpg+", "lpg++", "lpg-2!", "ä", "ö"]
    found = slugs("rule", names)
    assert list(found) == names
    assert len(set(found.values())) == len(names)
    assert found["lpg"] == "rule-lpg"
