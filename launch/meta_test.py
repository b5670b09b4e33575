"""Test rules on tasks that they never saw: python launch/meta_test.py --rules RUN,a2c,random --suite minatar."""

from groove.cli._main import launch

if __name__ == "__main__":
    launch("meta-test")
