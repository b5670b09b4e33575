"""The record of a program's start: when, where, by which command and with which versions."""

import importlib.metadata
import math
import os
import platform
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

DISTRIBUTIONS = {
    "groove": "groove-rl",
    "jax": "jax",
    "jaxlib": "jaxlib",
    "numpy": "numpy",
    "optax": "optax",
    "haiku": "dm-haiku",
    "orbax": "orbax-checkpoint",
}


def describe_start() -> dict[str, Any]:
    """Return when, where, by which command and with which versions a run starts; this starts the JAX backend."""
    import jax  # here, because readers of rules need no JAX

    devices = jax.devices()
    versions = {name: _version(distribution) for name, distribution in DISTRIBUTIONS.items()}
    return {
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": sys.argv,
        "versions": {"python": platform.python_version(), **versions},
        "git": git_revision(Path(__file__).parent),
        "device": {
            "platform": devices[0].platform,
            "kind": devices[0].device_kind,
            "count": len(devices),
            "processor": processor(),
        },
    }


def processor() -> str:
    """Return the model of the processor, which decides the last bits of results on CPUs; empty if nobody says."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # Linux; other systems tell Python
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except (OSError, UnicodeDecodeError):
        names = []
    return names[0] if names else platform.processor()


def physical_memory() -> float:
    """Return the memory of this machine in bytes; infinity where the operating system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return math.inf


def git_revision(folder: Path) -> dict[str, Any] | None:
    """Return the commit that a folder is checked out at, and whether its files differ; None outside a checkout."""

    def git(*command: str) -> str:
        return subprocess.run(
            ["git", *command], cwd=folder, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()

    try:
        if not git("ls-files", "."):  # a virtual environment inside another project's checkout
            return None
        return {"revision": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _version(distribution: str) -> str | None:
    """Return the version of an installed distribution; None if the distribution is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
