"""The examples run with learned rules and with A2C."""

import dataclasses
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from groove.dropin.rule_file import save_rule
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig

EXAMPLES = Path(__file__).parent.parent / "examples"
NEEDS_TORCH = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="PyTorch is an optional dependency: pip install -e '.[torch]'",
)
PROGRAMS = [
    pytest.param(path.name, marks=NEEDS_TORCH if path.name.startswith("torch_") else ())
    for path in sorted(EXAMPLES.glob("*.py"))
]


RULES = {"lpg": LPGConfig(hidden=8), "ppo": LPGConfig(hidden=8, base="ppo"), "a2c": None}


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """Return what --rule takes: files of rules with two heads and with three, and A2C."""
    paths = {}
    for name, config in RULES.items():
        if config is not None:
            path = tmp_path_factory.mktemp("rules") / f"{name}.safetensors"
            eta = jax.device_get(make_lpg(config).init(jax.random.key(0)))
            save_rule(path, eta, {"rule": "lpg", "lpg": dataclasses.asdict(config)})
            paths[name] = str(path)
    return {**paths, "a2c": "a2c"}


@pytest.mark.parametrize("name", ["ppo", *(pytest.param(name, marks=pytest.mark.slow) for name in ("lpg", "a2c"))])
@pytest.mark.parametrize("example", PROGRAMS)
def test_runs_as_its_header_says(example, name, rules):
    command = [sys.executable, EXAMPLES / example, "--rule", rules[name]]
    sizes = ["--env", "CartPole-v1", "--updates", "4", "--workers", "4", "--steps", "8"]
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "JAX_PLATFORMS": "cpu"}
    ran = subprocess.run([*command, *sizes], env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    rows = [line.split() for line in ran.stdout.splitlines()]
    assert [row[0] for row in rows] == ["32", "64", "96", "128"]
    assert all(row[1:3] == ["steps", "return"] for row in rows)
