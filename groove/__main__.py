"""Run `groove` as `python -m groove`."""

from groove.cli._main import console

if __name__ == "__main__":
    console()
