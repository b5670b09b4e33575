"""Eight CPU devices for every test, asked for before any backend starts; compiled programs are kept between runs."""

import os
import tempfile
from pathlib import Path

# tests run small programs once: a third of their time is saved by optimising them less
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0".strip()

import jax

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_compilation_cache_dir", str(Path(tempfile.gettempdir()) / "groove-test-xla"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)

# files that take longest, begun first, so that no worker is left alone with one of them at the end
LONGEST = ("test_program", "test_step", "test_gradient", "test_meta_test", "test_build", "test_generation", "test_host")


def pytest_collection_modifyitems(items):
    """Orders files by how long they take; within a file nothing changes."""
    items.sort(
        key=lambda item: next((i for i, name in enumerate(LONGEST) if f"{name}.py" in item.nodeid), len(LONGEST))
    )
