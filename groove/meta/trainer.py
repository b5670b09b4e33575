"""The device side of training: meta-steps in jitted chunks, without files or host work."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from groove.meta.past_selves import Copies, first_copies, take_copies
from groove.meta.slots import Levels
from groove.types import Array, Key
from groove.utils import parallel


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """The state of a run; a checkpoint of this state is resumed to the bit."""

    eta: Any  # the parameters of the rule
    optimizer: Any  # of eta: the state of Adam, or of the evolution strategy
    average: Any  # exponential moving average of eta; () if the run keeps none
    levels: Levels  # being trained on, one for each slot or pair of candidates
    lives: Any  # Lives of the slots; () if a meta-step lives whole lifetimes
    curriculum: Any
    key: Key  # of the run; never changes
    step: Array  # int32 []: meta-steps done
    past: tuple[Copies, ...] = ()  # earlier parameters of the rule; () unless they are antagonists


class MetaStep(NamedTuple):
    """One step of meta-training; `step` runs inside `over_slots`, on one device's share of the slots.

    Attributes:
      init: key -> TrainState.
      step: TrainState -> (TrainState, {name: [...]}), the same names and shapes in every step: scalars for the log, and
        the record of finished lifetimes.
      sharded: fields of TrainState that are distributed over devices; all others are replicated.
    """

    init: Callable[[Key], TrainState]
    step: Callable[[TrainState], tuple[TrainState, dict[str, Array]]]
    sharded: frozenset[str]


class Trainer(NamedTuple):
    """The jitted program of a run.

    Attributes:
      init: key -> TrainState, on the mesh.
      run: (TrainState, n) -> (TrainState, {name: f32[chunk, ...]}): n meta-steps, at most a chunk; the first n entries
        of each metric are filled. The given state is consumed. One compilation serves every n.
      compilations: () -> number of times that `run` has been compiled.
      lower: TrainState -> the program of `run` before its compilation, to ask the compiler for its memory.
    """

    init: Callable[[Key], TrainState]
    run: Callable[[TrainState, int], tuple[TrainState, dict[str, Array]]]
    compilations: Callable[[], int]
    lower: Callable[[TrainState], jax.stages.Lowered]


_EVERYWHERE: Any = PartitionSpec()
_SHARDED: Any = PartitionSpec(parallel.SLOTS)


def make_trainer(
    meta_step: MetaStep, mesh: Mesh, chunk: int, average_decay: float = 0.0, past_shares: Sequence[float] = ()
) -> Trainer:
    """Build the program.

    Args:
      meta_step: one step of meta-training.
      mesh: of devices; its size divides the slots.
      chunk: meta-steps of one call, at most.
      average_decay: decay per meta-step of the moving average of eta; 0 for no average.
      past_shares: of the past selves that are antagonists.
    """
    fields = [field.name for field in dataclasses.fields(TrainState)]
    specs: Any = TrainState(**{name: _SHARDED if name in meta_step.sharded else _EVERYWHERE for name in fields})

    def init(key: Key) -> TrainState:
        state = meta_step.init(key)
        past = first_copies(state.eta, past_shares)
        return dataclasses.replace(state, average=state.eta if average_decay else (), past=past)

    @jax.jit  # traced once, although its output shapes are computed first
    def one(state: TrainState) -> tuple[TrainState, dict[str, Array]]:
        state, metrics = meta_step.step(state)
        if average_decay:
            mix = jax.tree.map(lambda a, e: a + (1 - average_decay) * (e - a), state.average, state.eta)
            state = dataclasses.replace(state, average=mix)
        if past_shares:
            state = dataclasses.replace(state, past=take_copies(state.past, state.eta, state.step, past_shares))
        return state, {name: value.astype(jnp.float32) for name, value in metrics.items()}

    traces = []  # one entry per compilation

    def run(state: TrainState, n: Array) -> tuple[TrainState, dict[str, Array]]:
        traces.append(n)
        log = {name: jnp.full((chunk, *x.shape), jnp.nan) for name, x in jax.eval_shape(one, state)[1].items()}

        def body(i: Array, carry: tuple[TrainState, dict[str, Array]]) -> tuple[TrainState, dict[str, Array]]:
            state, metrics = one(carry[0])
            return state, {name: carry[1][name].at[i].set(value) for name, value in metrics.items()}

        return jax.lax.fori_loop(0, n, body, (state, log))

    program = parallel.over_slots(mesh, run, (specs, _EVERYWHERE), (specs, _EVERYWHERE))
    jitted = jax.jit(program, donate_argnums=0)

    def bounded_run(state: TrainState, n: int) -> tuple[TrainState, dict[str, Array]]:
        if not 0 < n <= chunk:
            raise ValueError(f"n = {n} must lie between 1 and {chunk}, the largest chunk of this program.")
        return jitted(state, np.int32(n))

    shardings = parallel.shardings_of(mesh, specs)
    started = jax.jit(init, out_shardings=shardings, compiler_options=parallel.RUN_ONCE)
    return Trainer(
        init=started,
        run=bounded_run,
        compilations=lambda: len(traces),
        lower=lambda state: jitted.lower(state, np.int32(1)),
    )
