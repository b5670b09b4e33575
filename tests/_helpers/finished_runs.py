"""Directories of finished runs, made without training."""

import dataclasses
import json

import jax
import numpy as np

from groove.dropin.rule_file import save_rule
from groove.lpg.lpg import make_lpg
from groove.training.run_dir import RunDir
from groove.training.settings.presets import preset
from groove.utils.typed_fields import replace


def finished_run(path, seed, score, value):
    """Make the directory of a run that validates at 1 - score after 10 meta-steps and at score after 20.

    The rules after 10 and 20 meta-steps hold nothing but value + 10 and value + 20.
    """
    config = replace(preset("smoke"), "seed", seed)
    run = RunDir.create(path, config, min_free_bytes=0)
    row = {"step": 20, "env_steps": 3e6, "seconds": 90.0, "validation/normalised_return": score}
    row |= {"validation/normalised_low": score - 0.1, "validation/normalised_high": score + 0.1}
    row["validation/untrained_normalised"] = 0.3
    earlier = row | {"step": 10, "validation/normalised_return": 1 - score}
    run.metrics_jsonl.write_text(json.dumps(earlier) + "\n" + json.dumps(row) + "\n")
    run.summary.write_text(json.dumps(row))
    settings = config.rules["lpg"]
    for step, file in ((20, run.rule), (10, run.best_rule)):
        eta = make_lpg(settings).init(jax.random.key(0))
        eta = jax.tree.map(lambda x, step=step: np.full(x.shape, value + step, np.float32), eta)
        save_rule(file, eta, {"rule": "lpg", "lpg": dataclasses.asdict(settings), "meta_steps": step})
    return path
