"""The heads that a learned rule needs on an agent's network, for Haiku, Flax and Equinox torsos."""

from typing import Any, Protocol

from groove.types import LOGITS, PREDICTION, VALUE, Array, Key
from groove.utils.errors import MissingExtraError, missing_extra


class HasPredictionWidth(Protocol):
    """A rule with a prediction; `heads` of `groove.Rule` says which further heads it needs."""

    @property
    def prediction_width(self) -> int:
        """Y."""


def haiku_heads(features: Array, num_actions: int, rule: HasPredictionWidth) -> tuple[Array, ...]:
    """Return the outputs of a rule's heads from the features of a Haiku torso, in the order of `rule.heads`.

    Call the function inside `hk.transform`::

        def forward(obs):
            features = hk.nets.MLP([64, 64], activate_final=True)(obs)
            return groove.haiku_heads(features, num_actions, rule)

    Args:
      features: f32[B, D].
      num_actions: A.
      rule: the learned rule.

    Returns:
      f32[B, A], f32[B, Y], and for rules with a value head f32[B, 1].
    """
    import haiku as hk

    return tuple(hk.Linear(width, name=name)(features) for name, width in _layers(rule, num_actions).items())


def flax_agent(torso: Any, num_actions: int, rule: HasPredictionWidth) -> Any:
    """Return a Flax (linen) module with a rule's heads on a torso: obs -> the outputs of the heads.

    ::

        agent = groove.flax_agent(Torso(), num_actions, rule)
        params = agent.init(key, obs)
        loss = rule.loss(params, agent.apply, rollout)

    Args:
      torso: a linen module, obs [B, ...] -> features f32[B, D].
      num_actions: A.
      rule: the learned rule.

    Raises:
      GrooveError: if Flax is not installed.
    """
    try:
        from flax import linen
    except ImportError as error:
        raise missing_extra("Flax", "examples") from error

    class Agent(linen.Module):
        """A torso, and linear heads by name."""

        torso: linen.Module
        layers: tuple[tuple[str, int], ...]

        @linen.compact
        def __call__(self, obs: Array) -> tuple[Array, ...]:
            """Return the outputs of the heads, f32[B, width] each, for observations [B, ...]."""
            features = self.torso(obs)
            return tuple(linen.Dense(width, name=name)(features) for name, width in self.layers)

    return Agent(torso, tuple(_layers(rule, num_actions).items()))


def nnx_agent(torso: Any, features: int, num_actions: int, rule: HasPredictionWidth, rngs: Any) -> Any:
    """Return a Flax (NNX) module with a rule's heads on a torso: obs -> the outputs of the heads.

    ::

        agent = groove.nnx_agent(torso, 64, num_actions, rule, nnx.Rngs(0))
        graph, params = nnx.split(agent, nnx.Param)
        loss = rule.loss(params, lambda params, obs: nnx.merge(graph, params)(obs), rollout)

    Args:
      torso: an NNX module or function, obs [B, ...] -> features f32[B, D].
      features: D.
      num_actions: A.
      rule: the learned rule.
      rngs: nnx.Rngs, the randomness of the initial parameters.

    Raises:
      GrooveError: if Flax is not installed.
    """
    try:
        from flax import nnx
    except ImportError as error:
        raise missing_extra("Flax", "examples") from error

    class Agent(nnx.Module):
        """A torso, and linear heads as attributes with the names of the layers."""

        def __init__(self) -> None:
            self.torso = torso
            self.names = tuple(_layers(rule, num_actions))
            for name, width in _layers(rule, num_actions).items():
                setattr(self, name, nnx.Linear(features, width, rngs=rngs))

        def __call__(self, obs: Array) -> tuple[Array, ...]:
            """Return the outputs of the heads, f32[B, width] each, for observations [B, ...]."""
            x = self.torso(obs)
            return tuple(getattr(self, name)(x) for name in self.names)

    return Agent()


def equinox_heads(features: int, num_actions: int, rule: HasPredictionWidth, key: Key) -> Any:
    """Return an Equinox module with a rule's heads: features f32[D] of one observation -> the outputs of the heads.

    ::

        agent = eqx.nn.Sequential([torso, eqx.nn.Lambda(groove.equinox_heads(64, num_actions, rule, key))])
        params, static = eqx.partition(agent, eqx.is_array)
        loss = rule.loss(params, lambda params, obs: jax.vmap(eqx.combine(params, static))(obs), rollout)

    Args:
      features: D.
      num_actions: A.
      rule: the learned rule.
      key: the randomness of the initial parameters.

    Raises:
      GrooveError: if Equinox is not installed.
    """
    try:
        import equinox as eqx
    except ImportError as error:
        raise MissingExtraError("Equinox is not installed; run pip install equinox.") from error
    import jax

    layers = _layers(rule, num_actions)
    keys = jax.random.split(key, len(layers))

    class Heads(eqx.Module):  # type: ignore[misc]  # Equinox need not be installed
        """Linear heads."""

        heads: tuple[eqx.nn.Linear, ...]

        def __call__(self, x: Array) -> tuple[Array, ...]:
            """Return the outputs of the heads, f32[width] each, for features f32[D]."""
            return tuple(head(x) for head in self.heads)

    return Heads(tuple(eqx.nn.Linear(features, n, key=k) for n, k in zip(layers.values(), keys, strict=True)))


def _layers(rule: HasPredictionWidth, num_actions: int) -> dict[str, int]:
    """Return the layers of a rule's heads, name -> width, in the order of their outputs."""
    heads = {LOGITS: num_actions, PREDICTION: rule.prediction_width}
    widths: dict[str, int] = rule.heads(num_actions) if hasattr(rule, "heads") else heads
    names = {LOGITS: "policy", PREDICTION: "prediction", VALUE: "value"}
    return {names.get(name, name): width for name, width in widths.items()}
