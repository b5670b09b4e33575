"""Devices are shared out equally, requests are polite, and the cache is optional."""

from pathlib import Path

import jax
import pytest

from groove.utils import parallel
from groove.utils.errors import GrooveError


def test_the_largest_share_divides():
    assert parallel.largest_share(12, 5) == 4
    assert parallel.largest_share(7, 5) == 1
    assert parallel.usable_devices(12) == 6
    assert parallel.usable_devices(64) == 8


def test_a_request_after_the_backend_has_started_changes_nothing():
    before = jax.local_device_count()
    parallel.request_devices(before + 1)
    assert jax.local_device_count() == before


def test_more_devices_than_there_are_is_refused():
    assert parallel.make_mesh(2).size == 2
    with pytest.raises(GrooveError, match="9 devices were asked for, but this process has 8; lower --devices"):
        parallel.make_mesh(9)


@pytest.mark.parametrize("count", [-1, 1025, 10**6])
def test_a_number_of_devices_that_no_machine_has_is_refused_before_it_is_requested(monkeypatch, count):
    monkeypatch.setattr(jax.config, "update", lambda *_: pytest.fail("requested devices"))
    with pytest.raises(GrooveError, match=f"{count} devices were asked for: choose 1 to 1024, or 0 for all"):
        parallel.request_devices(count)


@pytest.mark.parametrize("error", [RuntimeError("Unable to initialize backend 'cuda'"), AssertionError()])
def test_a_platform_without_a_device_is_one_line(monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    monkeypatch.setattr(jax, "local_devices", fail)
    with pytest.raises(GrooveError, match=r"no device of JAX_PLATFORMS = cuda: unset JAX_PLATFORMS, or install"):
        parallel.start_backend()


@pytest.mark.parametrize(("variable", "home", "cache"), [("/c", None, "/c"), ("", "/h", "/h/.cache"), ("", None, None)])
def test_the_cache_lies_in_the_users_folder_if_there_is_one(monkeypatch, variable, home, cache):
    def find_home():
        if home is None:
            raise RuntimeError("Could not determine home directory.")
        return Path(home)

    updates = []
    monkeypatch.setenv("XDG_CACHE_HOME", variable)
    monkeypatch.setattr(Path, "home", find_home)
    monkeypatch.setattr(jax.config, "update", lambda name, value: updates.append(value))
    parallel.keep_compilations()
    assert updates == ([f"{cache}/groove/xla"] if cache else [])
