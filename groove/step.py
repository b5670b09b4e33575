"""One meta-step, and a jitted chunk of them: the device side of training, with no files and no host work."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from groove import parallel
from groove.curriculum.base import Curriculum
from groove.meta.base import MetaOptimizer
from groove.slots import (
    Setup,
    Slots,
    advance_antagonists,
    begin_slots,
    finished_slots,
    level_outcome,
    replace_finished,
    round_up,
    staggered_lengths,
)
from groove.types import Array, Key, LevelOutcome


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """Everything a bit-exact resume needs."""

    eta: Any
    meta: Any  # the meta-optimizer's state
    slots: Slots  # sharded over devices; everything else is replicated
    curriculum: Any
    key: Key  # of the run; never changes
    step: Array  # int32 []: meta-steps done


class Trainer(NamedTuple):
    """The jitted program of a run.

    Attributes:
      init: key -> TrainState, on the mesh.
      run: (TrainState, n) -> (TrainState, metrics f32[chunk] of which the first n are filled): n meta-steps, at most
        a chunk. The state given is consumed. One compilation serves every n.
      compilations: how often `run` has been compiled.
    """

    init: Callable[[Key], TrainState]
    run: Callable[[TrainState, int], tuple[TrainState, dict[str, Array]]]
    compilations: Callable[[], int]


_EVERYWHERE: Any = PartitionSpec()
_SHARDED: Any = PartitionSpec(parallel.SLOTS)
_SPECS = TrainState(
    eta=_EVERYWHERE,
    meta=_EVERYWHERE,
    slots=_SHARDED,
    curriculum=_EVERYWHERE,
    key=_EVERYWHERE,
    step=_EVERYWHERE,
)
_INIT, _STEP = range(2)


def make_trainer(
    setup: Setup,
    meta: MetaOptimizer,
    curriculum: Curriculum,
    mesh: Mesh,
    slots: int,
    updates: int,
    stagger: int,
    chunk: int,
) -> Trainer:
    """Builds the program.

    Args:
      setup: the players.
      meta: moves eta.
      curriculum: chooses levels.
      mesh: of devices; its size divides `slots`.
      slots: N.
      updates: K; lifetimes are rounded up to multiples of it.
      stagger: groups in which the first lifetimes end.
      chunk: the most meta-steps of one call.
    """

    def init(key: Key) -> TrainState:
        rule_key, level_key, slot_key = jax.random.split(jax.random.fold_in(key, _INIT), 3)
        eta = setup.rule.init(rule_key)
        state, levels, ids = curriculum.init(level_key, slots)
        index = jnp.arange(slots)
        lengths = staggered_lengths(jax.vmap(setup.env.lifetime)(levels), index, stagger, updates)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(slot_key, index)
        return TrainState(
            eta=eta,
            meta=meta.init(eta),
            slots=begin_slots(setup, levels, ids, lengths, keys),
            curriculum=state,
            key=key,
            step=jnp.int32(0),
        )

    def meta_step(state: TrainState) -> tuple[TrainState, dict[str, Array]]:
        eta, meta_state, own, metrics = meta.step(state.eta, state.meta, state.slots)
        own, antagonists = advance_antagonists(setup, own, updates)
        if antagonists is not None:
            totals = {
                "antagonist_return_sum": antagonists.return_sum,
                "antagonist_episodes": antagonists.episodes,
            }
            metrics |= jax.lax.pmean(jax.tree.map(jnp.sum, totals), parallel.SLOTS)
        own, curriculum_state, outcome = _turnover(setup, curriculum, updates, state, own)
        metrics |= _outcome_metrics(outcome) | dict(curriculum.metrics(curriculum_state))
        state = TrainState(eta, meta_state, own, curriculum_state, state.key, state.step + 1)
        return state, jax.tree.map(lambda m: m.astype(jnp.float32), metrics)

    traces = []  # one entry a compilation

    def run(state: TrainState, n: Array) -> tuple[TrainState, dict[str, Array]]:
        traces.append(n)
        shapes = jax.eval_shape(meta_step, state)[1]
        log = {name: jnp.full(chunk, jnp.nan) for name in shapes}

        def body(i: Array, carry: tuple[TrainState, dict[str, Array]]) -> tuple[TrainState, dict[str, Array]]:
            state, metrics = meta_step(carry[0])
            return state, {name: carry[1][name].at[i].set(value) for name, value in metrics.items()}

        return jax.lax.fori_loop(0, n, body, (state, log))

    program = parallel.over_slots(mesh, run, (_SPECS, _EVERYWHERE), (_SPECS, _EVERYWHERE))
    jitted = jax.jit(program, donate_argnums=0)

    def bounded_run(state: TrainState, n: int) -> tuple[TrainState, dict[str, Array]]:
        if not 0 < n <= chunk:
            raise ValueError(f"{n} meta-steps were asked of a program built for chunks of 1 to {chunk}.")
        return jitted(state, jnp.int32(n))

    started = jax.jit(init)
    return Trainer(
        init=lambda key: parallel.shard(mesh, started(key), _SPECS),
        run=bounded_run,
        compilations=lambda: len(traces),
    )


def _turnover(
    setup: Setup, curriculum: Curriculum, updates: int, state: TrainState, own: Slots
) -> tuple[Slots, Any, LevelOutcome]:
    """Scores the levels of lifetimes that ended, and starts new lifetimes on the curriculum's next levels."""
    finished = finished_slots(own)
    local = finished.shape[0]
    everyone = parallel.gather_slots(finished)

    def turn(own: Slots, curriculum_state: Any) -> tuple[Slots, Any, LevelOutcome]:
        outcome = parallel.gather_slots(level_outcome(setup, own, finished, curriculum.needs))
        curriculum_state = curriculum.update(curriculum_state, parallel.gather_slots(own.level_id), outcome)
        key = jax.random.fold_in(jax.random.fold_in(state.key, _STEP), state.step)
        level_key, slot_key = jax.random.split(key)
        curriculum_state, levels, ids = curriculum.sample(curriculum_state, level_key, everyone)
        levels, ids = parallel.own_slots((levels, ids), local)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(slot_key, parallel.global_index(local))
        lengths = round_up(jax.vmap(setup.env.lifetime)(levels), updates)
        fresh = begin_slots(setup, levels, ids, lengths, keys)
        return replace_finished(own, fresh, finished), curriculum_state, outcome

    def stay(own: Slots, curriculum_state: Any) -> tuple[Slots, Any, LevelOutcome]:
        nothing = jnp.full(everyone.shape, jnp.nan)
        return own, curriculum_state, LevelOutcome(everyone, nothing, nothing)

    return jax.lax.cond(everyone.any(), turn, stay, own, state.curriculum)


def _outcome_metrics(outcome: LevelOutcome) -> dict[str, Array]:
    """Sums over the finished slots, so that a chunk's averages weigh lifetimes alike."""
    regret = outcome.antagonist_return - outcome.student_return
    return {
        "finished": outcome.finished.sum(),
        "finished_student_return_sum": jnp.nansum(outcome.student_return),
        "finished_antagonist_return_sum": jnp.nansum(outcome.antagonist_return),
        "regret_sum": jnp.nansum(regret),
    }
