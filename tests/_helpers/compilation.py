"""Flags for programs that compile for longer than they run, as tests do."""

import os
from importlib.metadata import version


def fast_compilation():
    """Return the environment's XLA_FLAGS with flags that save more than half of the time of compilation."""
    flags = [os.environ.get("XLA_FLAGS", ""), "--xla_backend_optimization_level=0"]
    major, minor = version("jaxlib").split(".")[:2]
    if (int(major), int(minor)) < (0, 11):  # later versions do not know this flag, and abort
        flags.append("--xla_cpu_use_fusion_emitters=false")
    return " ".join(flags).strip()
