"""Release the best of several runs: python launch/release.py --name groove --runs runs/A,runs/B,runs/C."""

from groove.cli._main import launch

if __name__ == "__main__":
    launch("release")
