"""The level buffer compared with a plain Python version, and its operations one by one."""

import dataclasses
import math

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import Phase, event, given, settings

from groove.curriculum.buffer import (
    LevelBuffer,
    Status,
    activate,
    best_places,
    drop_copies,
    empty,
    insert,
    levels_at,
    record,
    top,
)
from groove.types import LevelMemory

B, N = 6, 3
EXAMPLE = {"id": jnp.int32(0), "grid": jnp.zeros((2, 2), jnp.float32)}

insert_jit = jax.jit(insert)
activate_jit = jax.jit(activate)
record_jit = jax.jit(record)


def levels_of(ids) -> dict[str, jax.Array]:
    ids = jnp.asarray(ids, jnp.int32)
    return {"id": ids, "grid": jnp.broadcast_to(ids[:, None, None], (len(ids), 2, 2)).astype(jnp.float32)}


def buffer_of(status, score=None, stamp=None, clock=0) -> LevelBuffer:
    """Build a buffer whose level at place i has id 100 + i."""
    n = len(status)
    return LevelBuffer(
        level=levels_of(np.arange(n) + 100),
        memory=LevelMemory.blank(n),
        score=jnp.asarray([-jnp.inf] * n if score is None else score, jnp.float32),
        status=jnp.asarray(status, jnp.int8),
        stamp=jnp.asarray([0] * n if stamp is None else stamp, jnp.int32),
        clock=jnp.int32(clock),
    )


class Reference:
    """The buffer in plain Python, with one list entry for each place."""

    def __init__(self, capacity: int):
        self.status = [Status.EMPTY] * capacity
        self.level = [0] * capacity
        self.score = [-math.inf] * capacity
        self.best = [-math.inf] * capacity
        self.stamp = [0] * capacity
        self.clock = 0

    def insert(self, levels, mask) -> list[int]:
        ids = []
        for level, wanted in zip(levels, mask):
            free = [i for i, s in enumerate(self.status) if s == Status.EMPTY and i not in ids]
            scored = [i for i, s in enumerate(self.status) if s == Status.SCORED and i not in ids]
            best = free[:1] or sorted(scored, key=lambda i: (self.score[i], self.stamp[i], i))[:1]
            ids.append(best[0] if wanted and best else -1)
            if wanted and best:
                event("evicts" if not free else "takes an empty place")
                place = best[0]
                self.status[place], self.level[place] = Status.FRESH, level
                self.score[place], self.stamp[place], self.best[place] = -math.inf, 0, -math.inf
        return ids

    def activate(self, ids, mask) -> None:
        rows = [i for i, m in zip(ids, mask) if m and i >= 0]
        rows = [i for i in rows if self.status[i] in (Status.FRESH, Status.SCORED)]
        self.clock += len(rows)
        for i in rows:
            self.status[i], self.stamp[i] = Status.ACTIVE, self.clock

    def record(self, ids, scores, mask) -> None:
        for i, score, m in zip(ids, scores, mask):
            if m and i >= 0 and self.status[i] == Status.ACTIVE:
                event("records a finite score" if math.isfinite(score) else "forgets a level")
                self.status[i] = Status.SCORED if math.isfinite(score) else Status.EMPTY
                self.score[i] = score if math.isfinite(score) else -math.inf
                self.best[i] = self.best[i] if math.isnan(score) else score


def assert_same(buffer: LevelBuffer, reference: Reference) -> None:
    np.testing.assert_array_equal(buffer.status, reference.status)
    np.testing.assert_array_equal(buffer.score, np.asarray(reference.score, np.float32))
    np.testing.assert_array_equal(buffer.memory.best_return, np.asarray(reference.best, np.float32))
    np.testing.assert_array_equal(buffer.stamp, reference.stamp)
    assert int(buffer.clock) == reference.clock
    np.testing.assert_array_equal(buffer.level["id"], reference.level)
    np.testing.assert_array_equal(buffer.level["grid"][:, 1, 0], reference.level)


ids_strategy = st.lists(st.integers(-1, B - 1), min_size=N, max_size=N, unique=True)
scores_strategy = st.lists(
    st.sampled_from([-2.0, -1.0, 0.0, 0.5, 3.0, math.nan, math.inf, -math.inf]), min_size=N, max_size=N
)
mask_strategy = st.lists(st.sampled_from([True, True, False]), min_size=N, max_size=N)
operations = st.tuples(st.sampled_from(["insert", "activate", "record"]), ids_strategy, scores_strategy, mask_strategy)


# Shrinking is off because it would take minutes; the sequences are short enough to read.
@settings(max_examples=60, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(st.lists(operations, min_size=8, max_size=25))
def test_any_sequence_of_operations_agrees_with_the_reference(sequence):
    buffer, reference, next_level = empty(EXAMPLE, B), Reference(B), 1
    for name, ids, scores, mask in sequence:
        before = jax.device_get(buffer)
        if name == "insert":
            levels = list(range(next_level, next_level + N))
            next_level += N
            buffer, placed = insert_jit(buffer, levels_of(levels), jnp.asarray(mask))
            assert placed.tolist() == reference.insert(levels, mask)
            taken = [i for i in placed.tolist() if i >= 0]
            assert len(set(taken)) == len(taken)
        elif name == "activate":
            buffer = activate_jit(buffer, jnp.asarray(ids), jnp.asarray(mask))
            reference.activate(ids, mask)
        else:
            memory = LevelMemory(best_return=jnp.asarray(scores), optimal_return=jnp.asarray(scores) + 1)
            buffer = record_jit(buffer, jnp.asarray(ids), jnp.asarray(scores), memory, jnp.asarray(mask))
            reference.record(ids, scores, mask)
        assert_same(buffer, reference)
        assert_only_allowed_transitions(before, buffer)


def assert_only_allowed_transitions(before: LevelBuffer, after: LevelBuffer) -> None:
    allowed = {
        (Status.EMPTY, Status.FRESH),
        (Status.SCORED, Status.FRESH),  # evicted
        (Status.FRESH, Status.ACTIVE),
        (Status.SCORED, Status.ACTIVE),
        (Status.ACTIVE, Status.SCORED),
        (Status.ACTIVE, Status.EMPTY),  # forgotten
    }
    pairs = zip(np.asarray(before.status), np.asarray(after.status))
    assert {(Status(a), Status(b)) for a, b in pairs if a != b} <= allowed
    held = np.isin(before.status, [Status.FRESH, Status.ACTIVE])
    np.testing.assert_array_equal(np.asarray(after.level["id"])[held], before.level["id"][held])
    assert np.isfinite(np.asarray(after.score)[np.asarray(after.scored)]).all()


def test_an_empty_buffer_has_no_levels_and_the_shapes_of_the_example():
    buffer = empty(jax.eval_shape(lambda: EXAMPLE), B)
    assert buffer.capacity == B
    assert (buffer.status == Status.EMPTY).all()
    assert not buffer.scored.any()
    assert jax.tree.map(lambda x: (x.shape, x.dtype), buffer.level) == {
        "id": ((B,), jnp.int32),
        "grid": ((B, 2, 2), jnp.float32),
    }


def test_insert_takes_empty_places_first_then_the_lowest_scores():
    status = [Status.SCORED, Status.EMPTY, Status.SCORED, Status.ACTIVE, Status.FRESH, Status.SCORED]
    buffer = buffer_of(status, score=[2.0, -jnp.inf, -7.0, -100.0, -jnp.inf, -3.0])
    buffer, ids = insert_jit(buffer, levels_of([1, 2, 3]), jnp.ones(N, bool))
    assert ids.tolist() == [1, 2, 5]
    assert buffer.level["id"].tolist() == [100, 1, 2, 103, 104, 3]


def test_insert_evicts_protected_levels_last():
    buffer = buffer_of([Status.SCORED] * 3, score=[0.1, 0.9, 0.2])
    protected = jnp.asarray([True, False, False])
    inserted, ids = insert_jit(buffer, levels_of([1, 2]), jnp.ones(2, bool), protected)
    assert ids.tolist() == [2, 1]
    assert inserted.level["id"].tolist() == [100, 2, 1]
    _, ids = insert_jit(buffer, levels_of([1, 2, 3]), jnp.ones(3, bool), protected)
    assert ids.tolist() == [2, 1, 0]


def test_insert_finds_no_place_when_every_level_is_held():
    held = buffer_of([Status.ACTIVE, Status.FRESH, Status.ACTIVE, Status.FRESH, Status.SCORED, Status.ACTIVE])
    held = dataclasses.replace(held, score=held.score.at[4].set(1e30))
    buffer, ids = insert_jit(held, levels_of([1, 2, 3]), jnp.asarray([False, True, True]))
    assert ids.tolist() == [-1, 4, -1]
    assert buffer.level["id"].tolist() == [100, 101, 102, 103, 2, 105]


def test_masked_rows_and_missing_ids_write_nowhere():
    status = [Status.SCORED, Status.FRESH, Status.ACTIVE, Status.ACTIVE, Status.EMPTY, Status.ACTIVE]
    buffer = buffer_of(status, score=[1.0] * B, stamp=[3] * B, clock=9)
    nobody, all_missing = jnp.zeros(N, bool), jnp.full((N,), -1)
    ones = jnp.ones(N)
    unchanged = [
        insert_jit(buffer, levels_of([1, 2, 3]), nobody)[0],
        activate_jit(buffer, jnp.asarray([0, 1, 2]), nobody),
        activate_jit(buffer, all_missing, ~nobody),
        record_jit(buffer, jnp.asarray([2, 3, 5]), ones, LevelMemory.blank(3), nobody),
        record_jit(buffer, all_missing, ones, LevelMemory.blank(3), ~nobody),
    ]
    for after in unchanged:
        jax.tree.map(np.testing.assert_array_equal, after, buffer)


def test_an_active_level_is_not_handed_out_again_and_does_not_move_the_clock():
    buffer = buffer_of([Status.ACTIVE, Status.FRESH, Status.EMPTY], stamp=[4, 0, 0], clock=7)
    buffer = activate(buffer, jnp.asarray([0, 1, 2]), jnp.ones(3, bool))
    assert buffer.status.tolist() == [Status.ACTIVE, Status.ACTIVE, Status.EMPTY]
    assert buffer.stamp.tolist() == [4, 8, 0]
    assert int(buffer.clock) == 8


def test_record_overwrites_the_score_with_the_newest():
    buffer = buffer_of([Status.ACTIVE] * 3, score=[5.0, 5.0, -jnp.inf])
    buffer = record(
        buffer, jnp.asarray([0, 2, 1]), jnp.asarray([-1.0, 2.0, 9.0]), LevelMemory.blank(3), jnp.ones(3, bool)
    )
    assert buffer.score.tolist() == [-1.0, 9.0, 2.0]
    assert buffer.scored.all()


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_level_whose_score_is_not_finite_is_forgotten(score):
    buffer = buffer_of([Status.ACTIVE, Status.SCORED, Status.SCORED], score=[4.0, 1.0, 2.0])
    buffer = record_jit(
        buffer, jnp.asarray([0, -1, -1]), jnp.full((N,), score), LevelMemory.blank(N), jnp.ones(N, bool)
    )
    assert buffer.status.tolist() == [Status.EMPTY, Status.SCORED, Status.SCORED]
    levels, scores = top(buffer, 3)
    assert levels["id"].tolist()[:2] == [102, 101]
    np.testing.assert_array_equal(scores, [2.0, 1.0, np.nan])


def test_top_orders_levels_with_a_score_only_and_pads_with_nan():
    status = [Status.SCORED, Status.ACTIVE, Status.SCORED, Status.EMPTY, Status.SCORED, Status.FRESH]
    buffer = buffer_of(status, score=[-4.0, 99.0, 0.0, 99.0, -0.5, 99.0])
    levels, scores = jax.jit(top, static_argnums=1)(buffer, 5)
    assert levels["id"].tolist()[:4] == [101, 102, 104, 100]
    np.testing.assert_array_equal(scores, np.asarray([99.0, 0.0, -0.5, -4.0, np.nan], np.float32))


@pytest.mark.parametrize("count", [0, B + 1])
def test_top_refuses_more_levels_than_there_are_places(count):
    with pytest.raises(ValueError, match=f"1 to {B}"):
        top(empty(EXAMPLE, B), count)


def test_best_places_goes_by_priority_and_serves_masked_rows_in_order():
    priority = jnp.asarray([0.0, 5.0, -jnp.inf, 5.0, 1.0])
    assert best_places(priority, jnp.asarray([False, True, True, False])).tolist() == [-1, 1, 3, -1]
    everyone = jnp.ones(5, bool)
    assert best_places(priority, everyone).tolist() == [1, 3, 4, 0, -1]


def test_levels_at_gathers_every_leaf():
    levels = levels_at(buffer_of([Status.SCORED] * 4), jnp.asarray([3, 1]))
    assert levels["id"].tolist() == [103, 101]
    assert levels["grid"].shape == (2, 2, 2)
    assert (levels["grid"][0] == 103).all()


@pytest.mark.parametrize("newest_score", [True, False])
def test_a_level_that_is_drawn_again_keeps_its_place(newest_score):
    S, A, E, F = Status.SCORED, Status.ACTIVE, Status.EMPTY, Status.FRESH
    buffer = buffer_of([S, S, A, S, E, F, S, S], score=[5, 4, -np.inf, 3, -np.inf, -np.inf, 2, 1])
    copies = [100, 101, 100, 100, 100, 100, 101, 102]  # the level at each place
    best, stamp = jnp.array([7.0, 0, 0, 9, 0, 0, 1, 2]), jnp.arange(8, dtype=jnp.int32)
    memory = dataclasses.replace(buffer.memory, best_return=best)
    buffer = dataclasses.replace(buffer, level=levels_of(copies), memory=memory, stamp=stamp)
    ids, mask = jnp.array([3, 6, 1, 7, -1]), jnp.array([True, True, True, False, True])  # 7 was not recorded now
    first = jnp.array([True, True, True, False, False])  # the first lifetimes on the levels at 3, 6 and 1
    after = jax.jit(drop_copies, static_argnames="newest_score")(buffer, ids, mask, first, newest_score=newest_score)
    assert after.status.tolist() == [S, E, A, E, E, F, S, S]  # 0 had a score before; of 6 and 1, 6 is the first row
    assert after.score.tolist() == [3 if newest_score else 5, *[-np.inf] * 5, 2, 1]
    assert after.memory.best_return[jnp.array([0, 6])].tolist() == [9, 1]
    assert after.stamp[jnp.array([0, 6])].tolist() == [3, 6]
    jax.tree.map(np.testing.assert_array_equal, after.level, buffer.level)


def test_a_level_in_training_again_keeps_its_place_and_its_score():
    """A copy ends its first lifetime while the level itself, which has a score, is in training once more."""
    buffer = buffer_of([Status.ACTIVE, Status.SCORED], score=[5, 3])
    buffer = dataclasses.replace(buffer, level=levels_of([100, 100]))
    after = drop_copies(buffer, jnp.array([1]), jnp.array([True]), jnp.array([True]))
    assert after.status.tolist() == [Status.ACTIVE, Status.EMPTY]
    assert after.score.tolist() == [5, -np.inf]


def test_buffers_without_copies_stay_as_they_are():
    buffer = buffer_of([Status.SCORED] * 6, score=np.arange(6.0))
    for first in (True, False):
        after = drop_copies(buffer, jnp.array([0, 3]), jnp.array([True, True]), jnp.array([first, False]))
        jax.tree.map(np.testing.assert_array_equal, after, buffer)
