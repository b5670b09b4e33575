"""Eight CPU devices for every test, asked for before any backend starts; compiled programs are kept between runs."""

import tempfile
from pathlib import Path

import jax

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_compilation_cache_dir", str(Path(tempfile.gettempdir()) / "groove-test-xla"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
