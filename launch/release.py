"""Release the best of several runs: python launch/release.py --name mine --runs runs/A,runs/B --to released."""

from groove.cli._main import launch

if __name__ == "__main__":
    launch("release")
