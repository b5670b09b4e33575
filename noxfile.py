"""Run the tests in environments of their own: every Python, and the lowest and the newest dependencies.

nox --list; nox -s tests-3.13; nox -s lowest newest dropin -- -n 4
"""

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lowest", "newest", "dropin"]

PYTHONS = nox.project.python_versions(nox.project.load_toml())
PYTEST = ("pytest", "-q", "-n", "2")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Test with the versions of constraints.txt."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    session.run(*PYTEST, *session.posargs)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Test with the lowest versions that pyproject.toml allows."""
    session.install("--resolution", "lowest-direct", "-e", ".[test]")
    session.run(*PYTEST, *session.posargs)


@nox.session(python=PYTHONS[-1])
def newest(session: nox.Session) -> None:
    """Test with the newest versions that the dependencies allow."""
    session.install("--upgrade", "-e", ".[test]")
    session.run(*PYTEST, *session.posargs)


@nox.session(python=PYTHONS[-1])
def dropin(session: nox.Session) -> None:
    """Test released rules in other programs with the newest JAX, above gymnax's bound."""
    session.install("--upgrade", "-e", ".", "pytest>=9", "pytest-xdist>=3.8", "hypothesis>=6.140")
    session.install("--upgrade", "--no-deps", "jax", "jaxlib")
    session.run(*PYTEST, "tests/dropin", *session.posargs)
