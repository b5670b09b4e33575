"""Meta-train every combination of a TOML file: python launch/sweep.py sweep.toml --to runs/sweep."""

from groove.cli._main import launch

if __name__ == "__main__":
    launch("sweep")
