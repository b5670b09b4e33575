"""Where the test of all golden arrays is collected: with the paths of both files in the environment."""

import os

PATHS = ("DISCO103_WEIGHTS", "DISCO103_GOLDEN")
collect_ignore = [] if all(name in os.environ for name in PATHS) else ["test_parity.py"]
