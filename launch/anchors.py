"""Make the anchors of the leaderboard: python launch/anchors.py --results docs/results --to anchors.json."""

from groove.cli._main import launch

if __name__ == "__main__":
    launch("anchors")
