"""A submission that is in order: a tiny learned rule and A2C, meta-tested on a chain at the budget smoke."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np

from groove.dropin.rule_file import save_rule
from groove.evaluation.results import Results
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig
from groove.utils.io import to_json


def save_tiny_rule(path, seed=0):
    """Write the file of an untrained rule of four units."""
    config = LPGConfig(hidden=4, prediction_width=3)
    eta = jax.tree.map(np.asarray, jax.device_get(make_lpg(config).init(jax.random.key(seed))))
    save_rule(path, eta, {"rule": "lpg", "lpg": to_json(vars(config)), "meta_steps": 0})
    return path


def copy_of(folder, to):
    """Return a copy of a submission, to be tampered with."""
    return Path(shutil.copytree(folder, to))


def edit(folder, change, number=0, suite="chain"):
    """Change a line of results as somebody does who knows how checksums are made."""
    path = Path(folder) / f"{suite}.jsonl"
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    path.unlink()
    for i, line in enumerate(lines):
        del line["check"]
        if i == number:
            change(line)
        Results(folder).append(suite, line)
