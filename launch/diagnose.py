"""Find the levels on which a rule falls short of A2C: python launch/diagnose.py --rule RUN --to diagnosis."""

from groove.cli._main import launch

if __name__ == "__main__":
    launch("diagnose")
