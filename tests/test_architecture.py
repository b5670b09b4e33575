"""Folders import only folders before them, libraries load late, and files stay readable."""

import ast
import importlib.util
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import groove

ROOT = Path(groove.__file__).parent
# a folder (or a module at the top) may import from itself and from any before it
ORDER = (
    "types",
    "utils",
    "pages",
    "ops",
    "envs",
    "agents",
    "lpg",
    "lifetimes",
    "curriculum",
    "meta",
    "dropin",
    "training",
    "evaluation",
    "sweep",
    "cli",
    "torch",
    "__init__",
    "__main__",
)
TOUCH_FILES = {"utils", "pages", "dropin", "training", "evaluation", "sweep", "cli"}  # and the two modules below
TOUCH_FILES_TOO = {"envs.gridworld.level_file", "envs.gridworld.render"}
LONGEST_FILE, LONGEST_MEDIAN = 350, 170  # lines


def _modules():
    return {
        ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in ROOT.rglob("*.py")
    }


MODULES = _modules()


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "groove":
            yield from (f"groove.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize(("module", "path"), MODULES.items(), ids=list(MODULES))
def test_folders_import_only_folders_before_them(module, path):
    own = ORDER.index(module.partition(".")[0])
    for name in _imports(path):
        folder = name.removeprefix("groove.").partition(".")[0]
        if name.startswith("groove.") and folder in ORDER:
            assert ORDER.index(folder) <= own, f"{module} imports {name}, which comes after it"


def test_every_folder_has_its_place():
    assert {module.partition(".")[0] for module in MODULES} == set(ORDER)


def test_the_top_level_holds_few_modules_and_files_are_short():
    assert len(list(ROOT.glob("*.py"))) <= 6
    lengths = {path: len(path.read_text().splitlines()) for path in MODULES.values()}
    assert {path.name: n for path, n in lengths.items() if n > LONGEST_FILE} == {}
    assert statistics.median(lengths.values()) < LONGEST_MEDIAN


def test_curricula_know_no_rules_and_rules_no_environments():
    for module, path in MODULES.items():
        names = set(_imports(path))
        if module.startswith("curriculum"):
            assert not any(n.startswith("groove.lpg") for n in names), module
        if module.startswith("lpg"):
            assert not any(n.startswith("groove.envs") for n in names), module


def test_files_are_touched_in_few_places():
    touching = {module for module, path in MODULES.items() if "pathlib" in set(_imports(path))}
    assert {m for m in touching if m.partition(".")[0] not in TOUCH_FILES} <= TOUCH_FILES_TOO


@pytest.mark.parametrize(
    "library",
    [
        "gymnax",
        "pgx",
        "evosax",
        "jumanji",
        "ale_py",
        "orbax",
        "ray",
        "submitit",
        "tensorboardX",
        "altair",
        "jinja2",
        "vl_convert",
    ],
)
def test_slow_libraries_are_imported_where_they_are_used(library):
    for module, path in MODULES.items():
        top = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.Import | ast.ImportFrom)]
        names = {getattr(n, "module", None) or n.names[0].name for n in top}
        assert not any(str(name).split(".")[0] == library for name in names), module


def test_importing_everything_starts_no_backend():
    installed = [m for m in MODULES if m.split(".")[0] != "torch" or importlib.util.find_spec("torch")]
    modules = ", ".join(f"groove.{m}" for m in installed if m != "__init__")
    check = f"import {modules}\nfrom jax._src import xla_bridge\nassert not xla_bridge.backends_are_initialized()"
    subprocess.run([sys.executable, "-W", "ignore", "-c", check], check=True)


def test_loading_a_rule_imports_no_training_library():
    slow = "{'evosax', 'gymnax', 'orbax', 'matplotlib', 'tensorboardX'}"
    check = f"import sys, groove; groove.load('groove'); print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", check], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
