"""Eight CPU devices for every test, asked for before any backend starts; compiled programs are kept between runs."""

import gc
import os
import tempfile
from pathlib import Path

from tests._helpers.compilation import fast_compilation

os.environ["XLA_FLAGS"] = fast_compilation()  # read when JAX is imported

import jax
import pytest

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_compilation_cache_dir", str(Path(tempfile.gettempdir()) / "groove-test-xla"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
gc.set_threshold(100_000, 10, 10)  # tracing makes many objects; rarer collections save a tenth of the time

# files that take longest start first, so that no worker is left alone with one of them at the end
LONGEST = ("meta_train", "trainer", "gradient", "generation_step", "tester", "meta_test", "build", "host_lifetime")


def pytest_collection_modifyitems(items):
    """Sort files by how long they take; keep the order within a file."""
    items.sort(
        key=lambda item: next((i for i, name in enumerate(LONGEST) if f"/test_{name}.py" in item.nodeid), len(LONGEST))
    )


@pytest.fixture
def devices_of_the_tests(monkeypatch):
    """Keep the devices and the compilation cache of the tests, whatever a program asks for."""
    monkeypatch.setattr("groove.utils.parallel.request_devices", lambda count: None)
    monkeypatch.setattr("groove.utils.parallel.keep_compilations", lambda: None)
