"""When, where, by which command and with which versions a program runs."""

import importlib.metadata
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
    """When, where, by which command and with which versions a run starts; needs the JAX backend."""
    import jax  # here, so that who only reads rules does without

    devices = jax.devices()
    versions = {name: _version(distribution) for name, distribution in DISTRIBUTIONS.items()}
    return {
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": sys.argv,
        "versions": {"python": platform.python_version(), **versions},
        "git": git_revision(Path(__file__).parent),
        "device": {"platform": devices[0].platform, "kind": devices[0].device_kind, "count": len(devices)},
    }


def git_revision(folder: Path) -> dict[str, Any] | None:
    """The commit a folder is checked out at, and whether files differ from it; None outside a checkout."""

    def git(*command: str) -> str:
        return subprocess.run(
            ["git", *command], cwd=folder, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()

    try:
        if not git("ls-files", "."):  # installed into a virtual environment inside somebody else's checkout
            return None
        return {"revision": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
