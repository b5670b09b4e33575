"""Agents: a policy, the other heads that a rule needs, and the optimizer that moves the parameters.

A rule reads the outputs of heads and hands the agent the gradients with respect to these outputs. One interface
therefore serves tables, which are updated by row, and networks, which are updated by a vector-Jacobian product.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import jax
import jax.numpy as jnp
import optax

from groove.agents import tables
from groove.agents.action_model import make_action_model
from groove.agents.networks import NATURE_CONVOLUTIONS, Network, make_network
from groove.envs.base import Box, Discrete, MultiHot
from groove.types import LOGITS, VALUE, Array, Heads, Key, Learner, Params, PyTree
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import above, at_least


@dataclass(frozen=True)
class AgentConfig:
    """Settings of the agents that a rule trains.

    Attributes:
      torso: "table", "mlp", "conv" (small pictures) or "nature" (screens of bytes).
      widths: units of each hidden layer of the torso.
      channels: output channels of each 3 x 3 convolution of "conv", or of the three strided convolutions of "nature".
      optimizer: "sgd" or "adam".
      learning_rate: step size of a whole network, or of a table's policy.
      critic_learning_rate: step size of a table's value head.
      prediction_learning_rate: step size of a table's prediction head, and of any other head of a table.
      max_grad_norm: global norm to which gradients are clipped; the table of each head is clipped separately.
    """

    torso: Literal["table", "mlp", "conv", "nature"] = "table"
    widths: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = above(0, 40.0)
    critic_learning_rate: float = above(0, 4.0)
    prediction_learning_rate: float = above(0, 40.0)
    max_grad_norm: float = above(0, 0.5)


@dataclass(frozen=True)
class ActionModelConfig:
    """Settings of agents with a model of one action: some heads have outputs for every action, after the action.

    The model is one step of an LSTM on the action, as in the agents of Disco103. Their Adam has no limit of the
    gradient's norm; each element of a step is bounded instead.

    Attributes:
      torso: see AgentConfig; "mlp" also takes Discrete observations, as vectors with a single one.
      widths: units of each hidden layer of the torso; the last one has no activation.
      channels: see AgentConfig.
      learning_rate: step size.
      max_update: bound of every element of Adam's step, before the learning rate.
      model_width: units of the LSTM, and of the hidden layer of each head after it.
      by_action: the heads that follow the model; their width is a multiple of the number of actions.
    """

    torso: Literal["mlp", "conv", "nature"] = "mlp"
    widths: tuple[int, ...] = (512, 512)
    channels: tuple[int, ...] = ()
    learning_rate: float = above(0, 3e-4)
    max_update: float = above(0, 1.0)
    model_width: int = at_least(1, 128)
    by_action: tuple[str, ...] = ()


AnyAgentConfig: TypeAlias = AgentConfig | ActionModelConfig

# Adam's square root has no derivative at zero, the value for a parameter that has had no gradient yet; the
# meta-gradient passes through the square root.
_EPS_ROOT = 1e-12


class Step(Protocol):
    """One step of an agent's optimizer; see `Agent.step`."""

    def __call__(
        self, params: Params, opt_state: PyTree, obs: Array, gradients: Heads, factor: Array | None = None
    ) -> tuple[Params, PyTree]:
        """Return the parameters and the optimizer's state after the step."""


class Agent(NamedTuple):
    """Pure functions of one agent's parameters, to be batched by vmap.

    Attributes:
      init: key -> (params, opt_state).
      read: (params, obs [...], names) -> (params, {name: f32[..., width]}). Continue with the returned params: the
        gradient of a table is cheap only through a chain of reads and steps.
      step: (params, opt_state, obs [...], {name: gradient of the loss by the outputs of the head}) -> (params,
        opt_state). A factor f32 [] as the last argument multiplies the step.
      policy: params -> the parameters that `read` needs for LOGITS; see `policy_form`.
      hold: (params, name) -> params in which the parameters of one head are constants of every gradient.
    """

    init: Callable[[Key], tuple[Params, PyTree]]
    read: Callable[[Params, Array, Sequence[str]], tuple[Params, Heads]]
    step: Step
    policy: Callable[[Params], Params]
    hold: Callable[[Params, str], Params]


def make_agent(observation: Discrete | MultiHot | Box, heads: Mapping[str, int], config: AnyAgentConfig) -> Agent:
    """Build the agent for an observation space and the heads that a rule needs.

    Args:
      observation: the observation space.
      heads: head name -> width.
      config: settings of the agent.

    Raises:
      ConfigError: if the torso cannot take the observations.
    """
    single = isinstance(config, ActionModelConfig) and config.torso == "mlp" and isinstance(observation, Discrete)
    if (config.torso == "table") != isinstance(observation, Discrete) and not single:
        raise ConfigError(
            f'torso "{config.torso}" cannot take {observation}: use "table" for Discrete observations, and "mlp", '
            '"conv" or "nature" for Box ones.'
        )
    if isinstance(observation, MultiHot) and config.torso != "mlp":
        raise ConfigError(f'{observation} needs the torso "mlp", not "{config.torso}".')
    if config.torso == "nature" and len(config.channels) != len(NATURE_CONVOLUTIONS):
        raise ConfigError(f'the torso "nature" has three convolutions: channels = {config.channels} must name three.')
    if isinstance(config, ActionModelConfig):
        optimizer = bounded_adam(config.learning_rate, config.max_update)
        return _network_agent(_action_model(observation, heads, config), optimizer)
    if not isinstance(observation, Discrete):
        network = make_network(config.torso, observation, heads, config.widths, config.channels)
        return _network_agent(network, _clipped(config))
    if config.optimizer != "sgd":
        raise ConfigError('a table is updated by row: its optimizer must be "sgd".')
    return _table_agent(observation.size, heads, config)


def policy_form(agent: Agent) -> tuple[Any, tuple[tuple[int, ...], ...]]:
    """Return the tree structure and the shapes of `agent.policy(params)`; agents read the policies of equal forms.

    Most rules train agents of one form in an environment. Rules that bring agents of their own do not.
    """
    policy = jax.eval_shape(lambda: agent.policy(agent.init(jax.random.key(0))[0]))
    return jax.tree.structure(policy), tuple(x.shape for x in jax.tree.leaves(policy))


def bounded_adam(learning_rate: float, most: float) -> optax.GradientTransformation:
    """Return Adam without a root epsilon, whose steps are clipped to +-`most`, element by element, before the rate."""
    return optax.chain(optax.scale_by_adam(), optax.clip(most), optax.scale(-learning_rate))


def scaled(updates: PyTree, factor: Array | None) -> PyTree:
    """Return the updates of an optimizer times a factor; unchanged if the factor is None."""
    return updates if factor is None else jax.tree.map(lambda update: factor * update, updates)


def begin_learner(agent: Agent, key: Key, lifetime: Array, rule_state: PyTree = ()) -> Learner:
    """Return an agent at the beginning of its lifetime.

    Args:
      agent: the agent's functions.
      key: the randomness of the initial parameters.
      lifetime: int32 [], agent updates.
      rule_state: `UpdateRule.state` of the rule that trains the agent.
    """
    params, opt_state = agent.init(key)
    rule_state = jax.tree.map(lambda x: jnp.asarray(x, float), rule_state)
    return Learner(params, opt_state, updates=jnp.int32(0), lifetime=lifetime, rule_state=rule_state)


def _table_agent(states: int, heads: Mapping[str, int], config: AgentConfig) -> Agent:
    rates = {name: config.prediction_learning_rate for name in heads}
    rates |= {LOGITS: config.learning_rate, VALUE: config.critic_learning_rate}

    def init(key: Key) -> tuple[Params, PyTree]:
        del key  # a table starts at zero: the uniform policy
        return {name: jnp.zeros((states, width)) for name, width in heads.items()}, ()

    def read(params: Params, obs: Array, names: Sequence[str]) -> tuple[Params, Heads]:
        params, outputs = dict(params), {}
        for name in names:
            params[name], rows = tables.read_rows(params[name], obs.reshape(-1))
            outputs[name] = rows.reshape((*obs.shape, heads[name]))
        return params, outputs

    def step(
        params: Params, opt_state: PyTree, obs: Array, gradients: Heads, factor: Array | None = None
    ) -> tuple[Params, PyTree]:
        index = obs.reshape(-1)
        representative = tables.representatives(index, states)
        params = dict(params)
        for name, gradient in gradients.items():
            rows = gradient.reshape((-1, heads[name]))
            scale = tables.clip_scale(rows, representative, config.max_grad_norm)
            scale = scale if factor is None else factor * scale
            params[name] = tables.add_rows(params[name], index, -rates[name] * scale * rows)
        return params, opt_state

    def hold(params: Params, name: str) -> Params:
        return {**params, name: jax.lax.stop_gradient(params[name])}

    return Agent(init=init, read=read, step=step, policy=lambda params: {LOGITS: params[LOGITS]}, hold=hold)


def _clipped(config: AgentConfig) -> optax.GradientTransformation:
    if config.optimizer == "adam":
        scale = optax.adam(config.learning_rate, eps_root=_EPS_ROOT)
    else:
        scale = optax.sgd(config.learning_rate)
    return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), scale)


def _action_model(
    observation: Discrete | MultiHot | Box, heads: Mapping[str, int], config: ActionModelConfig
) -> Network:
    """Return the network of an agent with a model of one action; a Discrete observation is a vector with one one."""
    sizes = config.torso, config.widths, config.channels, config.model_width, config.by_action
    if not isinstance(observation, Discrete):
        return make_action_model(observation, heads, *sizes)
    network = make_action_model(MultiHot(observation.size, active=1), heads, *sizes)
    return network._replace(apply=lambda params, obs, names: network.apply(params, obs[..., None], names))


def _network_agent(network: Network, optimizer: optax.GradientTransformation) -> Agent:
    def init(key: Key) -> tuple[Params, PyTree]:
        params = network.init(key)
        return params, optimizer.init(params)

    def read(params: Params, obs: Array, names: Sequence[str]) -> tuple[Params, Heads]:
        return params, network.apply(params, obs, tuple(names))

    def step(
        params: Params, opt_state: PyTree, obs: Array, gradients: Heads, factor: Array | None = None
    ) -> tuple[Params, PyTree]:
        _, pull = jax.vjp(lambda p: network.apply(p, obs, tuple(gradients)), params)
        updates, opt_state = optimizer.update(pull(gradients)[0], opt_state, params)
        return optax.apply_updates(params, scaled(updates, factor)), opt_state

    def policy(params: Params) -> Params:
        return {name: p for name, p in params.items() if name.startswith("torso") or name == f"head_{LOGITS}"}

    def hold(params: Params, name: str) -> Params:
        return {**params, f"head_{name}": jax.lax.stop_gradient(params[f"head_{name}"])}

    return Agent(init=init, read=read, step=step, policy=policy, hold=hold)
