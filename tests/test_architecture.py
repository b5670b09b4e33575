"""Imports point one way, nothing touches a device or an environment library too early, and files stay readable."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import groove

ROOT = Path(groove.__file__).parent
# a module may import from its own layer's neighbours named here and from any layer before it
LAYERS = [
    ("types",),
    ("ops", "tables", "parallel", "stats", "aggregate"),
    ("nets", "envs"),
    ("agent",),
    ("rollout",),
    ("lpg",),
    ("lifetime", "host"),
    ("meta.critic", "slots", "meta", "curriculum"),
    ("config", "run_dir"),
    ("level_file",),
    ("sources",),
    ("checks", "step", "evaluate", "level_metrics"),
    ("lockstep", "generation"),
    ("build",),
    ("rule_file", "checkpoint", "loggers", "console", "report"),
    ("train",),
    ("rules", "suites", "results"),
    ("meta_test", "api", "heads", "torch"),
    ("compare", "diagnose"),
    ("compare_report",),
    ("program", "level_program", "release"),
    ("meta_test_program",),
]
TOUCH_FILES = {
    "checkpoint",
    "compare_report",
    "diagnose",
    "envs.gridworld.render",
    "level_file",
    "level_program",
    "loggers",
    "meta_test_program",
    "parallel",  # where compiled programs are kept
    "program",
    "release",
    "report",
    "results",
    "rule_file",
    "rules",
    "run_dir",
}


def _modules():
    return {
        ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in ROOT.rglob("*.py")
    }


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _layer(module):
    matches = [
        (len(name), i) for i, layer in enumerate(LAYERS) for name in layer if f"{module}.".startswith(f"{name}.")
    ]
    return max(matches)[1] if matches else None


@pytest.mark.parametrize(("module", "path"), [(m, p) for m, p in _modules().items() if m != "__init__"])
def test_imports_point_one_way(module, path):
    own = _layer(module)
    assert own is not None, f"{module} has no layer: add it to LAYERS"
    for name in _imports(path):
        if name.startswith("groove.") and (other := _layer(name.removeprefix("groove."))) is not None:
            assert other <= own, f"{module} imports {name}, which lies above it"


def test_curricula_know_no_rules_and_rules_no_environments():
    for module, path in _modules().items():
        names = set(_imports(path))
        if module.startswith("curriculum"):
            assert not any(n.startswith("groove.lpg") for n in names), module
        if module.startswith("lpg"):
            assert not any(n.startswith("groove.envs") for n in names), module


def test_files_are_touched_where_one_expects_it():
    assert {module for module, path in _modules().items() if "pathlib" in set(_imports(path))} == TOUCH_FILES


@pytest.mark.parametrize("library", ["gymnax", "pgx", "evosax", "jumanji", "ale_py"])
def test_optional_environments_are_imported_lazily(library):
    for module, path in _modules().items():
        top = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.Import | ast.ImportFrom)]
        names = {getattr(n, "module", None) or n.names[0].name for n in top}
        assert not any(str(name).split(".")[0] == library for name in names), module


def test_importing_everything_starts_no_backend():
    modules = ", ".join(f"groove.{m}" for m in _modules() if m != "__init__")
    check = f"import {modules}\nfrom jax._src import xla_bridge\nassert not xla_bridge.backends_are_initialized()"
    subprocess.run([sys.executable, "-W", "ignore", "-c", check], check=True)
