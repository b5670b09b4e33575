"""A generator that builds levels by one placement after another, moved by policy gradient (PAIRED, Dennis et al. 2020).

A network sees the level in the making, what is placed next, and a vector of noise that stays the same for a level. It
gives a probability to every cell that the editor of the levels allows. All that is not placed is drawn at random. A
generator that has not learned anything chooses uniformly among the allowed cells.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from groove.agents.networks import make_network
from groove.curriculum.generators.generator import Generator, GeneratorConfig, ScoreScale, clipped_gain
from groove.envs.base import Box, Editor
from groove.types import Array, Key, Params, PyTree

_HEAD = "cell"
_SEED = 0x9A1  # of the network's first layer; the last layer starts at zero
_NEVER = -1e9  # logit of a cell that is not allowed; finite, because zero times infinity is not zero


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AutoregressiveState:
    """A generator with a network."""

    params: Params
    adam: Any
    scale: ScoreScale
    entropy: Array  # f32 []: at the last update, the mean over placements, as a share of the largest


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Placements:
    """The choices of the generator for n levels of P placements."""

    cell: Array  # int32 [n, P]; -1 for a placement that was left out, and all -1 for a level of another origin
    log_prob: Array  # f32 [n, P]: logarithm of the probability of each choice when it was made
    noise: Array  # f32 [n, Z]

    @property
    def designed(self) -> Array:
        """Whether the generator designed the levels, bool [n]."""
        return (self.cell >= 0).any(-1)


class _Static(NamedTuple):
    editor: Editor
    config: GeneratorConfig
    init: Callable[[Key], Params]
    logits: Callable[[Params, Array, Array], Array]  # (params, inputs [..., width], allowed [..., C]) -> f32 [..., C]


def make_autoregressive(editor: Editor, config: GeneratorConfig) -> Generator:
    """Build the generator of an editor.

    Args:
      editor: of the family.
      config: the settings.
    """
    static = _static(editor, config)

    def init() -> AutoregressiveState:
        params = static.init(jax.random.key(_SEED))
        return AutoregressiveState(params, _optimizer(config).init(params), ScoreScale.blank(), jnp.ones(()))

    def none(n: int) -> Placements:
        shape = (n, editor.placements)
        return Placements(jnp.full(shape, -1, jnp.int32), jnp.zeros(shape), jnp.zeros((n, config.noise)))

    def draw(state: AutoregressiveState, key: Key, n: int) -> tuple[PyTree, Placements]:
        return jax.vmap(lambda k: _draw_one(static, state.params, k))(jax.random.split(key, n))

    def learn(
        state: AutoregressiveState, choices: Placements, levels: PyTree, score: Array, mask: Array
    ) -> AutoregressiveState:
        counted = mask & choices.designed & jnp.isfinite(score)
        scale, advantage = state.scale.standardise(score, counted, config.memory)
        inputs, allowed = retrace(editor, levels, choices)
        gradient, share = jax.grad(_objective, argnums=1, has_aux=True)(
            static, state.params, choices, inputs, allowed, advantage, counted.astype(jnp.float32)
        )
        steps, adam = _optimizer(config).update(jax.tree.map(jnp.negative, gradient), state.adam, state.params)
        moved = AutoregressiveState(optax.apply_updates(state.params, steps), adam, scale, share)
        return jax.tree.map(lambda new, old: jnp.where(counted.any(), new, old), moved, state)

    return Generator(init, draw, none, learn, lambda state: {"generator_entropy": state.entropy})


def objective(
    editor: Editor,
    config: GeneratorConfig,
    params: Params,
    choices: Placements,
    levels: PyTree,
    advantage: Array,
    weight: Array,
) -> tuple[Array, Array]:
    """Return the objective of the generator, which it ascends, and its entropy as a share of the largest.

    With q_t, the probability of a level's placement t now divided by its probability when the level was designed::

        sum_n w_n sum_t min(q_nt A_n, clip(q_nt, 1 - c, 1 + c) A_n) / sum_n w_n + beta H

    where H is the mean over placements with m > 1 allowed cells of their entropy divided by log m.

    Args:
      editor: of the family.
      config: c and beta.
      params: of the network.
      choices: [n].
      levels: [n], which these choices built.
      advantage: A, f32 [n].
      weight: w, f32 [n].
    """
    inputs, allowed = retrace(editor, levels, choices)
    return _objective(_static(editor, config), params, choices, inputs, allowed, advantage, weight)


def retrace(editor: Editor, levels: PyTree, choices: Placements) -> tuple[Array, Array]:
    """Return what the network saw at each placement, f32 [n, P, width], and the allowed cells, bool [n, P, C]."""

    def one(level: PyTree, cell: Array, noise: Array) -> tuple[Array, Array]:
        def step(draft: PyTree, now: tuple[Array, Array]) -> tuple[PyTree, tuple[Array, Array]]:
            t, choice = now
            seen = jnp.concatenate([editor.observe(draft, t), noise]), editor.allowed(draft, t)
            return editor.place(draft, t, choice), seen

        return jax.lax.scan(step, editor.again(level, cell), (jnp.arange(editor.placements), cell))[1]

    return jax.vmap(one)(levels, choices.cell, choices.noise)


def _static(editor: Editor, config: GeneratorConfig) -> _Static:
    network = make_network("mlp", Box((editor.width + config.noise,)), {_HEAD: editor.cells}, (config.hidden,))
    bound = math.log(config.max_odds) / 2

    def init(key: Key) -> Params:
        params = network.init(key)
        head = f"head_{_HEAD}"
        return {**params, head: jax.tree.map(jnp.zeros_like, params[head])}

    def logits(params: Params, inputs: Array, allowed: Array) -> Array:
        raw = network.apply(params, inputs, (_HEAD,))[_HEAD]
        return jnp.where(allowed, bound * jnp.tanh(raw / bound), _NEVER)

    return _Static(editor, config, init, logits)


def _draw_one(static: _Static, params: Params, key: Key) -> tuple[PyTree, Placements]:
    editor = static.editor
    level_key, noise_key, choice_key = jax.random.split(key, 3)
    noise = jax.random.normal(noise_key, (static.config.noise,))

    def step(draft: PyTree, now: tuple[Array, Key]) -> tuple[PyTree, tuple[Array, Array]]:
        t, own_key = now
        allowed = editor.allowed(draft, t)
        logits = static.logits(params, jnp.concatenate([editor.observe(draft, t), noise]), allowed)
        drawn = jax.random.categorical(own_key, logits).astype(jnp.int32)
        choice = jnp.where(allowed.any(), drawn, -1)
        log_prob = jnp.where(allowed.any(), jax.nn.log_softmax(logits)[drawn], 0.0)
        return editor.place(draft, t, choice), (choice, log_prob)

    keys = jax.random.split(choice_key, editor.placements)
    draft, (cell, log_prob) = jax.lax.scan(step, editor.begin(level_key), (jnp.arange(editor.placements), keys))
    return editor.finish(draft), Placements(cell, log_prob, noise)


def _objective(
    static: _Static,
    params: Params,
    choices: Placements,
    inputs: Array,
    allowed: Array,
    advantage: Array,
    weight: Array,
) -> tuple[Array, Array]:
    table = jax.nn.log_softmax(static.logits(params, inputs, allowed))
    made = choices.cell >= 0
    chosen = choices.cell[..., None] == jnp.arange(static.editor.cells)  # a select is faster than a gather
    log_prob = jnp.where(chosen, table, 0.0).sum(-1)
    gain = clipped_gain(jnp.where(made, log_prob - choices.log_prob, 0.0), advantage[:, None], static.config.clip)
    total = (weight[:, None] * made * gain).sum() / jnp.maximum(weight.sum(), 1)
    cells = allowed.sum(-1)
    counts = weight[:, None] * (made & (cells > 1))
    share = -(jnp.exp(table) * table).sum(-1) / jnp.log(jnp.maximum(cells, 2))
    entropy = (counts * share).sum() / jnp.maximum(counts.sum(), 1)
    return total + static.config.entropy * entropy, entropy


def _optimizer(config: GeneratorConfig) -> optax.GradientTransformation:
    return optax.adam(config.network_learning_rate)
