"""Networks with a model of one action: what follows an action is predicted from one step of an LSTM on the action."""

from collections.abc import Mapping, Sequence

import haiku as hk
import jax
import jax.numpy as jnp

from groove.agents.networks import Network, as_network, features, flatten_batch
from groove.envs.base import Box, MultiHot
from groove.types import LOGITS, Array, Heads

_SMALL = 0.01  # standard deviation of the initial weights of heads of the state


class ActionStep(hk.Module):
    """One step of an LSTM from the state of the torso, for each of A actions as a vector with a single one.

    The part of the gates that does not depend on the action is computed once.
    """

    def __init__(self, num_actions: int, width: int, name: str) -> None:
        """Declare a step for A actions, with `width` units."""
        super().__init__(name=name)
        self._actions, self._width = num_actions, width

    def __call__(self, x: Array) -> Array:
        """Return the state after each action, f32[B, A, width], from the features f32[B, D] before it."""
        cell = hk.Linear(self._width, name="cell")(x)
        inputs = self._actions + self._width
        initial = hk.initializers.TruncatedNormal(inputs**-0.5)
        w = hk.get_parameter("w", [inputs, 4 * self._width], init=initial)
        b = hk.get_parameter("b", [4 * self._width], init=jnp.zeros)
        gates = (jnp.tanh(cell) @ w[self._actions :] + b)[:, None] + w[: self._actions]
        i, g, f, o = jnp.split(gates, 4, axis=-1)
        cell = jax.nn.sigmoid(f + 1) * cell[:, None] + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(cell)


def make_action_model(
    observation: Box | MultiHot,
    heads: Mapping[str, int],
    torso: str,
    widths: Sequence[int],
    channels: Sequence[int],
    model_width: int,
    by_action: Sequence[str],
) -> Network:
    """Build a network in which some heads follow a model of the action, one layer of `model_width` units each.

    The other heads are linear in the features of the torso.

    Args:
      observation: the observation space.
      heads: head name -> width; LOGITS has the number of actions A.
      torso: see `make_network`; its last hidden layer has no activation.
      widths: see `make_network`.
      channels: see `make_network`.
      model_width: units of the LSTM.
      by_action: heads that follow the model; a width of A n stands for n outputs for each action.
    """
    actions = heads[LOGITS]

    def after_action(state: Array, name: str) -> Array:
        hidden = jax.nn.relu(hk.Linear(model_width, name=f"head_{name}_hidden")(state))
        return hk.Linear(heads[name] // actions, name=f"head_{name}")(hidden)

    def forward(obs: Array, names: Sequence[str]) -> Heads:
        flat, batch = flatten_batch(obs, observation)
        x = features(flat, torso, observation, widths, channels, linear_end=True)
        outputs = {}
        if any(name in by_action for name in names):
            state = ActionStep(actions, model_width, name="model")(x)
        for name in names:
            small = hk.initializers.TruncatedNormal(_SMALL)
            outputs[name] = (
                after_action(state, name)
                if name in by_action
                else hk.Linear(heads[name], w_init=small, name=f"head_{name}")(x)
            )
        return {name: y.reshape((*batch, heads[name])) for name, y in outputs.items()}

    return as_network(forward, observation, tuple(heads))
