"""Compare stored results: python launch/compare.py --rules groove,lpg,a2c,random --to comparison."""

from groove.cli._main import launch

if __name__ == "__main__":
    launch("compare")
