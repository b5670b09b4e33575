"""A jitted chunk of meta-steps: the device side of training, with no files and no host work."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from groove.meta.slots import Slots
from groove.types import Array, Key, LevelOutcome
from groove.utils import parallel


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """Everything a bit-exact resume needs."""

    eta: Any
    meta: Any  # the meta-optimizer's state
    average: Any  # of eta, an exponential moving average; () where it is not kept
    slots: Slots | None  # sharded over devices; everything else is replicated. None where lifetimes are lived whole
    curriculum: Any
    key: Key  # of the run; never changes
    step: Array  # int32 []: meta-steps done


class MetaStep(NamedTuple):
    """What is iterated. `step` runs inside `over_slots`, on one device's share of the slots.

    Attributes:
      init: key -> TrainState.
      step: TrainState -> (TrainState, {name: []}), the same metrics every time.
    """

    init: Callable[[Key], TrainState]
    step: Callable[[TrainState], tuple[TrainState, dict[str, Array]]]


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
    average=_EVERYWHERE,
    slots=_SHARDED,
    curriculum=_EVERYWHERE,
    key=_EVERYWHERE,
    step=_EVERYWHERE,
)


def make_trainer(meta_step: MetaStep, mesh: Mesh, chunk: int, average_decay: float = 0.0) -> Trainer:
    """Builds the program.

    Args:
      meta_step: what is iterated.
      mesh: of devices; its size divides the slots.
      chunk: the most meta-steps of one call.
      average_decay: of the moving average of eta, per meta-step; 0 keeps none.
    """

    def init(key: Key) -> TrainState:
        state = meta_step.init(key)
        return dataclasses.replace(state, average=state.eta if average_decay else ())

    @jax.jit  # so that it is traced once, though asked for its shapes first
    def one(state: TrainState) -> tuple[TrainState, dict[str, Array]]:
        state, metrics = meta_step.step(state)
        if average_decay:
            mix = jax.tree.map(lambda a, e: a + (1 - average_decay) * (e - a), state.average, state.eta)
            state = dataclasses.replace(state, average=mix)
        return state, {name: value.astype(jnp.float32) for name, value in metrics.items()}

    traces = []  # one entry a compilation

    def run(state: TrainState, n: Array) -> tuple[TrainState, dict[str, Array]]:
        traces.append(n)
        log = {name: jnp.full(chunk, jnp.nan) for name in jax.eval_shape(one, state)[1]}

        def body(i: Array, carry: tuple[TrainState, dict[str, Array]]) -> tuple[TrainState, dict[str, Array]]:
            state, metrics = one(carry[0])
            return state, {name: carry[1][name].at[i].set(value) for name, value in metrics.items()}

        return jax.lax.fori_loop(0, n, body, (state, log))

    program = parallel.over_slots(mesh, run, (_SPECS, _EVERYWHERE), (_SPECS, _EVERYWHERE))
    jitted = jax.jit(program, donate_argnums=0)

    def bounded_run(state: TrainState, n: int) -> tuple[TrainState, dict[str, Array]]:
        if not 0 < n <= chunk:
            raise ValueError(f"{n} meta-steps were asked of a program built for chunks of 1 to {chunk}.")
        return jitted(state, jnp.int32(n))

    started = jax.jit(init, compiler_options=parallel.RUN_ONCE)
    return Trainer(
        init=lambda key: parallel.shard(mesh, started(key), _SPECS),
        run=bounded_run,
        compilations=lambda: len(traces),
    )


def outcome_metrics(outcome: LevelOutcome) -> dict[str, Array]:
    """Sums over the finished slots, so that a chunk's averages weigh lifetimes alike."""
    regret = outcome.antagonist_return - outcome.student_return
    return {
        "finished": outcome.finished.sum(),
        "finished_student_return_sum": jnp.nansum(outcome.student_return),
        "finished_antagonist_return_sum": jnp.nansum(outcome.antagonist_return),
        "regret_sum": jnp.nansum(regret),
        "regret_known": jnp.sum(~jnp.isnan(regret)),
    }
