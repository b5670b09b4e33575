"""Build the leaderboard: python launch/leaderboard.py --results docs/results --to site."""

from groove.cli._main import launch

if __name__ == "__main__":
    launch("leaderboard")
