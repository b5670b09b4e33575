"""The golden arrays of the published rule, and where the test of all of them is collected.

`golden.npz` is an excerpt. The whole file and the published weights are not part of the repository; with both paths in
the environment, `test_parity.py` compares every array. With that of the weights, `test_catch.py` trains an agent.
"""

import os
from pathlib import Path

import numpy as np
import pytest

PATHS = ("DISCO103_WEIGHTS", "DISCO103_GOLDEN")
collect_ignore = [] if all(name in os.environ for name in PATHS) else ["test_parity.py"]
collect_ignore += [] if PATHS[0] in os.environ else ["test_catch.py"]


@pytest.fixture(scope="session")
def golden():
    with np.load(Path(__file__).parent / "golden.npz") as file:
        return dict(file)
