"""The baseline and the untrained rule are trained once; the learned rule at every validation."""

import io
from types import SimpleNamespace

import numpy as np
from rich.console import Console

from groove.training.logs.progress import Progress
from groove.training.validation import Domain
from groove.training.validator import Validator


def test_constant_returns_are_computed_once():
    calls = []

    def returns(kind):
        def function(eta, report):
            calls.append((kind, eta))
            report(1)
            report(3)
            return np.full(3, 1.0 if isinstance(eta, tuple) else float(eta), np.float32)

        return function

    levels = {"level": np.zeros(3)}
    parts = SimpleNamespace(domains=[Domain("dr", None, levels, returns("rule"), returns("baseline"))])
    out = io.StringIO()
    progress = Progress(10, console=Console(file=out, width=80))
    validator = Validator(parts, 2.0, progress)
    first, second = validator.validate(3.0)["dr"], validator.validate(4.0)["dr"]
    assert calls == [("baseline", ()), ("rule", 2.0), ("rule", 3.0), ("rule", 4.0)]
    assert (first.student[0], second.student[0]) == (3.0, 4.0)
    assert (second.untrained[0], second.baseline[0]) == (2.0, 1.0)
    assert out.getvalue().splitlines() == [
        "validating a2c on 3 unseen levels",
        "validating untrained on 3 unseen levels",
        "validating the rule on 3 unseen levels",
        "validating the rule on 3 unseen levels",
    ]
