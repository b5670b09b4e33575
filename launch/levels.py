"""List, draw, export and import levels: python launch/levels.py draw --from RUN --top 64 --to levels.png."""

from groove.cli._main import launch

if __name__ == "__main__":
    launch("levels")
