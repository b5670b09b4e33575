"""Disco103 as a PyTorch module: one step of an agent towards the rule's targets for a batch of trajectories.

::

    rule = groove.torch.load("disco103=disco_103.npz")
    agent = rule.add_heads(torso, features=512, num_actions=2)
    optimizer = groove.torch.BoundedAdam(agent.parameters(), lr=3e-4)
    state = rule.init_state(agent)
    experience = (obs, action, reward, terminated, truncated, next_obs, mask)
    state, info = rule.update(agent, optimizer, *experience, state, behaviour=behaviour)

The rule was discovered with agents that learn from a transition about 32 times. Loops therefore keep rollouts together
with the logits that acted, and call `update` with batches that are drawn from them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from groove.dropin.shapes import check_observations
from groove.lpg.disco.heads import WIDTH, head_widths
from groove.lpg.disco.weights import DiscoWeights
from groove.torch.disco.agent import AgentWithActionModel
from groove.torch.disco.experience import Outputs, Trajectories, as_outputs
from groove.torch.disco.losses import losses, total
from groove.torch.disco.memory import DiscoState, begin_state, checked_state
from groove.torch.disco.network import DiscoNetwork
from groove.torch.disco.step import follow, judge
from groove.torch.functions import mean
from groove.torch.heads import finite_logits, read_heads
from groove.torch.inputs import (
    check_actions,
    check_agent,
    check_module,
    check_numbers,
    check_tensors,
    check_told,
    make_experience,
    without_hidden,
)
from groove.torch.update import descend
from groove.utils.errors import GrooveError
from groove.utils.limits import MOST_INTEGER, check_integer


class DiscoRule(DiscoNetwork):
    """The update rule of Oh et al. (2025); its parameters are frozen.

    Attributes:
      name: the name under which the rule was loaded.
      prediction_width: width of the prediction head y.
    """

    def __init__(self, name: str, eta: DiscoWeights) -> None:
        """Take over the weights of a file."""
        super().__init__(eta)
        self.name, self.prediction_width = name, WIDTH

    def heads(self, num_actions: int) -> dict[str, int]:
        """Return the heads that an agent must have, name -> width, in the order of its outputs.

        "logits" is the policy and "y" a prediction. The heads "z", "aux_pi" and "q" have outputs for every action, A
        groups of 600, A and 601 numbers.

        Args:
          num_actions: A.
        """
        check_integer("num_actions", num_actions, MOST_INTEGER, least=0)
        return head_widths(num_actions)

    def add_heads(self, torso: nn.Module, features: int, num_actions: int) -> AgentWithActionModel:
        """Return a module with the rule's heads on a torso: obs [..., D...] -> the outputs of the heads.

        The heads with outputs for every action follow a model of the action, as in the published agents, whose torso
        has 512 features and ends without an activation.

        Args:
          torso: obs [..., D...] -> f32[..., features].
          features: the number of features.
          num_actions: A.
        """
        return AgentWithActionModel(torso, features, self.heads(num_actions))

    def init_state(self, module: nn.Module) -> DiscoState:
        """Return the memory of the rule at the beginning of an agent's lifetime, with a copy as target network.

        Args:
          module: the agent.
        """
        check_module(module)
        return begin_state(module)

    def update(
        self,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        obs: Tensor,
        action: Tensor,
        reward: Tensor,
        terminated: Tensor,
        truncated: Tensor | None,
        next_obs: Tensor,
        mask: Tensor | None = None,
        state: DiscoState | None = None,
        *,
        behaviour: Tensor | None = None,
        max_grad_norm: float | None = None,
        generator: torch.Generator | None = None,
        progress: float | None = None,
        lifetime: float | None = None,
    ) -> tuple[DiscoState, dict[str, Tensor]]:
        """Take one step on a batch of trajectories.

        Args:
          module: the agent, obs [B, ...] -> the heads of `heads`, as a tuple or by name; see `add_heads`.
          optimizer: of the agent's parameters; `groove.torch.BoundedAdam` is that of the published agents.
          obs, next_obs: [T, W, ...], of the last rollout or drawn from a replay. Only the last row of
            next_obs is read.
          action: int64[T, W].
          reward: f32[T, W].
          terminated, truncated: bool[T, W]. Every end of an episode counts as a termination.
          mask: bool[T, W], false where a row is padding or only a reset; such rows have no loss. By default all have.
          state: of `init_state` or of the update before.
          behaviour: f32[T, W, A], logits of the policies that acted; None if the present policy did.
          max_grad_norm: global norm to which the gradient is clipped, positive; by default none.
          generator, progress, lifetime: not read; other rules draw minibatches and are told the lifetime.

        Returns:
          The state after the update, and numbers f32[] for logs: "loss", and "value_error", the mean squared error of
          q.

        Raises:
          GrooveError: if shapes do not fit together, a head is missing or has the wrong width, an action is no index of
            a policy logit, a reward is not finite, or the state is not that of this agent.
        """
        check_agent(module, optimizer, generator, max_grad_norm)
        check_module(module)
        check_numbers(obs=obs, next_obs=next_obs)
        steps = check_tensors(action, reward, terminated, truncated, mask)
        check_observations("", tuple(obs.shape), tuple(next_obs.shape), steps)
        lived = make_experience(action, reward, terminated, truncated, mask)
        for name, value in {"progress": progress, "lifetime": lifetime}.items():
            if value is not None:
                check_told(name, value)
        target, course = checked_state(self.name, state, module, reward.device)

        obs, next_obs = without_hidden(obs, mask), without_hidden(next_obs, mask)
        states = torch.cat([obs, next_obs[-1:]])
        agent = _read(module, states)
        check_actions(action, lived.real, agent.logits.shape[-1])
        behaviour = agent.logits[:-1].detach() if behaviour is None else _behaviour(behaviour, agent.logits[:-1])
        seen = Trajectories(
            torch.where(lived.real, action.long(), 0), lived.reward, lived.terminated | lived.truncated, behaviour
        )
        with torch.autocast(reward.device.type, enabled=False):
            slow = _read_slow(module, target, states)
            verdict, course = judge(self, course, seen, agent.detached(), slow, lived.real)
            loss = total(losses(agent, seen, verdict.targets, verdict.values.target), _weights(mask))
        target = follow(target, dict(module.named_parameters()))
        descend(loss, module, optimizer, max_grad_norm)
        info = {"loss": loss.detach(), "value_error": mean(verdict.values.td_error**2, lived.real)}
        return DiscoState(target, course), info


def _read(module: Callable[[Tensor], Any], obs: Tensor) -> Outputs:
    """Return the outputs of an agent's heads at states [T+1, W, ...]."""
    flat = obs.flatten(0, 1)
    output = module(flat)
    named = isinstance(output, Mapping)
    logits = output.get("logits") if named else output[0] if isinstance(output, tuple | list) and output else None
    actions = logits.shape[-1] if isinstance(logits, Tensor) and logits.ndim else 1  # a missing head is refused below
    heads = read_heads(lambda _: output, flat, head_widths(actions))
    return as_outputs({name: x.unflatten(0, obs.shape[:2]) for name, x in heads.items()})


@torch.no_grad()
def _read_slow(module: nn.Module, target: Mapping[str, Tensor], obs: Tensor) -> Outputs:
    """Return the outputs of the target network; its buffers are copies of the agent's."""
    whole = {**target, **{name: x.clone() for name, x in module.named_buffers()}}
    return _read(lambda flat: torch.func.functional_call(module, whole, (flat,)), obs)


def _behaviour(given: Tensor, logits: Tensor) -> Tensor:
    """Return the logits that acted, after comparing their shape with that of the present logits."""
    check_numbers(behaviour=given)
    if given.shape != logits.shape:
        raise GrooveError(
            f"behaviour must be f32[T, W, A] = {tuple(logits.shape)}, not {tuple(given.shape)}: give the logits of the "
            "policy that acted."
        )
    return finite_logits(given.detach().float())


def _weights(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else mask.bool().float()
