"""The soak test's watch and summary."""

import json
import time

import jax
import numpy as np
import pytest

from groove.utils.errors import GrooveError


@pytest.fixture
def soak(benchmark_program):
    return benchmark_program("soak")


def test_memory_and_compilations_are_seen(soak):
    with soak.watched(0.02) as watch:
        time.sleep(0.1)
        held = np.ones(2**24)  # 128 MiB
        jax.jit(lambda x: x + len(watch.samples))(1.0)
        time.sleep(0.1)
    minutes, memory, compilations = zip(*watch.samples)
    assert len(watch.samples) > 4
    assert sorted(minutes) == list(minutes)
    assert memory[-1] - memory[0] > 0.9 * held.nbytes / 2**20
    assert compilations[0] == 0
    assert compilations[-1] >= 1


def test_nothing_is_counted_after_the_watch(soak):
    with soak.watched(10) as watch:
        pass
    jax.jit(lambda x: x - 3.25)(1.0)
    assert [count for _, _, count in watch.samples] == [0]


def test_the_summary_compares_the_middle_with_the_end(soak):
    samples = [
        (0.0, 100.0, 3),
        (5.0, 300.0, 9),
        (10.0, 200.0, 9),
        (15.0, 210.0, 9),
        (20.0, 220.0, 10),
        (21.0, 500.0, 40),
    ]
    lines = [
        json.dumps({"step": i, "meta_steps_per_second": speed}) for i, speed in enumerate([9, 8, 8, 6, 5, 4, 3, 1])
    ]
    lines.insert(2, json.dumps({"step": 2}))  # a row without a speed, as of validation
    numbers = soak.summary(soak.Watch(samples), lines, minutes=20)
    assert numbers == {
        "memory in the middle, MiB": 200.0,
        "memory at the end, MiB": 220.0,
        "largest memory, MiB": 300.0,
        "compilations": 10,
        "compilations in the second half": 1,
        "meta-steps/s in the second quarter": 7.0,
        "meta-steps/s in the last quarter": 2.0,
    }


def test_runs_that_are_too_short_are_refused(soak):
    with pytest.raises(GrooveError, match="more --minutes"):
        soak.speeds([json.dumps({"meta_steps_per_second": 1.0})] * 3)
    with pytest.raises(GrooveError, match="smaller --every"):
        soak.summary(soak.Watch([(2.0, 1.0, 1)]), [], minutes=1)
