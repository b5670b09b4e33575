"""The two heads that a learned rule needs on an agent's network, for Haiku and Flax torsos."""

from typing import Any, Protocol

from groove.types import Array
from groove.utils.errors import missing_extra


class HasPredictionWidth(Protocol):
    """A rule with a prediction."""

    @property
    def prediction_width(self) -> int:
        """Y."""


def haiku_heads(features: Array, num_actions: int, rule: HasPredictionWidth) -> tuple[Array, Array]:
    """Return logits of the policy and of the prediction from the features of a Haiku torso.

    Call the function inside `hk.transform`::

        def forward(obs):
            features = hk.nets.MLP([64, 64], activate_final=True)(obs)
            return groove.haiku_heads(features, num_actions, rule)

    Args:
      features: f32[B, D].
      num_actions: A.
      rule: the learned rule.

    Returns:
      f32[B, A] and f32[B, Y].
    """
    import haiku as hk

    policy = hk.Linear(num_actions, name="policy")(features)
    return policy, hk.Linear(rule.prediction_width, name="prediction")(features)


def flax_agent(torso: Any, num_actions: int, rule: HasPredictionWidth) -> Any:
    """Return a Flax (linen) module with both heads on a torso: obs -> (policy logits, prediction logits).

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
        """A torso, a policy and a prediction."""

        torso: linen.Module
        num_actions: int
        prediction_width: int

        @linen.compact
        def __call__(self, obs: Array) -> tuple[Array, Array]:
            """Return f32[B, A] and f32[B, Y] for observations [B, ...]."""
            features = self.torso(obs)
            policy = linen.Dense(self.num_actions, name="policy")(features)
            return policy, linen.Dense(self.prediction_width, name="prediction")(features)

    return Agent(torso, num_actions, rule.prediction_width)
