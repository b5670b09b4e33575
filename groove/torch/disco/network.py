"""The rule's network: targets of an agent's heads, and a memory of its lifetime; see groove.lpg.disco.network."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from groove.lpg.disco import weights
from groove.torch.disco.experience import Outputs, Trajectories, of_action
from groove.torch.disco.layers import linear, lstm_cell, mlp
from groove.torch.disco.values import Normalised, Values
from groove.torch.functions import symlog


class Memory(NamedTuple):
    """The state of the LSTM over an agent's lifetime, f32 [128] each."""

    hidden: Tensor
    cell: Tensor


class Targets(NamedTuple):
    """Logits that the agent's heads move towards, and the summary of each transition for the memory."""

    policy: Tensor  # f32 [T, B, A]
    y: Tensor  # f32 [T, B, 600]
    z: Tensor  # f32 [T, B, 600]: of the action that was taken
    summary: Tensor  # f32 [T, B, 1]


class Read(NamedTuple):
    """The inputs of the network from trajectories, as far as they do not depend on weights."""

    policy: Tensor  # f32 [T+1, B, A]: pi
    behaviour: Tensor  # f32 [T, B, A]: mu
    target_policy: Tensor  # f32 [T+1, B, A]
    y: Tensor  # f32 [T+1, B, 600]: probabilities
    target_y: Tensor  # f32 [T+1, B, 600]
    z: Tensor  # f32 [T+1, B, A, 600]: probabilities
    target_z: Tensor  # f32 [T+1, B, A, 600]
    values: Values
    advantages: Normalised
    seen: Trajectories


class Inputs(NamedTuple):
    """The inputs of an LSTM, and those of the small network for each action."""

    step: Tensor  # f32 [T, B, 27]
    action: Tensor  # f32 [T, B, A, 9]
    embedded: Tensor  # f32 [T, B, A, 2]


def read(seen: Trajectories, agent: Outputs, target: Outputs, values: Values, advantages: Normalised) -> Read:
    """Return what the network reads of B trajectories."""
    return Read(
        policy=F.softmax(agent.logits, -1),
        behaviour=F.softmax(seen.behaviour, -1),
        target_policy=F.softmax(target.logits, -1),
        y=F.softmax(agent.y, -1),
        target_y=F.softmax(target.y, -1),
        z=F.softmax(agent.z, -1),
        target_z=F.softmax(target.z, -1),
        values=values,
        advantages=advantages,
        seen=seen,
    )


class Embedders(nn.Module):
    """Small networks that turn predictions into numbers, and the inputs of an action into two."""

    def __init__(self, given: weights.Embedders) -> None:
        """Take over the weights."""
        super().__init__()
        self.y, self.z = mlp(given.y), mlp(given.z)
        self.action = nn.ModuleList(map(linear, given.action))

    def forward(self, given: Read) -> Inputs:
        """Return the inputs of an LSTM.

        Numbers that belong to states enter as pairs, at the beginning and at the end of a transition; the end is the
        next state of the trajectory, also where an episode ended.
        """
        seen, values = given.seen, given.values
        y, target_y = (self.y(x).squeeze(-1) for x in (given.y, given.target_y))
        z, target_z = (self.z(x).squeeze(-1) for x in (given.z, given.target_z))
        by_action = _action_inputs(given, z, target_z)
        embedded = self._embed_actions(by_action)
        columns = [
            of_action(given.policy[:-1], seen.action),
            of_action(given.behaviour, seen.action),
            symlog(seen.reward),
            1 - seen.ended.float(),
            *_pair(symlog(values.value)),
            symlog(values.advantage),
            given.advantages.advantage,
            of_action(given.target_policy[:-1], seen.action),
            *_pair(y),
            *_pair(target_y),
            *_summaries(z, given.policy, seen.action),
            *_summaries(target_z, given.policy, seen.action),
        ]
        step = torch.cat([torch.stack(columns, -1), embedded.mean(2), of_action(embedded, seen.action)], -1)
        return Inputs(step, by_action, embedded)

    def _embed_actions(self, x: Tensor) -> Tensor:
        """Return f32[T, B, A, 2]; every layer sees an action's own numbers and their mean over actions."""
        for layer in self.action:
            x = F.relu(layer(torch.cat([x, x.mean(2, keepdim=True).expand_as(x)], -1)))
        return x


class LifetimeNetwork(nn.Module):
    """The LSTM that makes one step per update of an agent."""

    def __init__(self, given: weights.LifetimeWeights) -> None:
        """Take over the weights."""
        super().__init__()
        self.embedders, self.inputs, self.lstm = Embedders(given.embedders), linear(given.inputs), lstm_cell(given.lstm)

    def forward(self, given: Read, targets: Targets, memory: Memory, real: Tensor) -> Memory:
        """Return the memory after one more update: one step of the LSTM on the mean over transitions that count."""
        y = self.embedders.y(F.softmax(targets.y, -1))
        told = torch.cat([self.embedders(given).step, targets.summary, y], -1)
        told = torch.where(real[..., None], told, 0.0).sum((0, 1)) / real.sum().clamp(min=1)
        return Memory(*self.lstm(self.inputs(told), (memory.hidden, memory.cell)))


class DiscoNetwork(nn.Module):
    """The network of the rule; its parameters are frozen."""

    def __init__(self, given: weights.DiscoWeights) -> None:
        """Take over the weights of a file."""
        super().__init__()
        self.embedders = Embedders(given.embedders)
        self.lstm = lstm_cell(given.lstm)
        self.gate, self.y, self.z, self.summary = map(linear, (given.gate, given.y, given.z, given.summary))
        self.policy_hidden, self.policy = map(linear, given.policy)
        self.lifetime = LifetimeNetwork(given.lifetime)

    def unroll(self, inputs: Inputs, ended: Tensor) -> Tensor:
        """Return the hidden states of the LSTM that reads trajectories backwards in time, f32[T, B, 256]."""
        keep = 1 - ended.float().unsqueeze(-1)
        h = c = inputs.step.new_zeros(ended.shape[1], self.lstm.hidden_size)
        hidden = []
        for t in reversed(range(len(keep))):
            h, c = self.lstm(inputs.step[t], (keep[t] * h, keep[t] * c))
            hidden.append(h)
        return torch.stack(hidden[::-1])

    def targets(self, inputs: Inputs, hidden: Tensor, memory: Memory) -> Targets:
        """Return the targets of the agent's heads.

        Args:
          inputs: of `embedders`.
          hidden: f32[T, B, 256], of `unroll`.
          memory: of the lifetime before this update; multiplies the hidden states.
        """
        gated = hidden * self.gate(memory.hidden)
        return Targets(
            policy=self._policy_logits(gated, inputs.embedded),
            y=self.y(gated),
            z=self.z(gated),
            summary=self.summary(gated),
        )

    def _policy_logits(self, gated: Tensor, embedded: Tensor) -> Tensor:
        """Return f32[T, B, A], from [gated, embedded] of an action and the mean of the same over actions.

        `gated` is equal for all actions and for their mean, so that its two blocks of weights add up.
        """
        first = self.policy_hidden
        size, width = gated.shape[-1], embedded.shape[-1]
        own, own_action, mean, mean_action = first.weight.split([size, width, size, width], 1)
        shared = F.linear(gated, own + mean) + F.linear(embedded.mean(2), mean_action)
        hidden = F.relu(shared.unsqueeze(2) + F.linear(embedded, own_action, first.bias))
        logits: Tensor = self.policy(hidden).squeeze(-1)
        return logits


def _action_inputs(given: Read, z: Tensor, target_z: Tensor) -> Tensor:
    values, seen = given.values, given.seen
    columns = [
        given.policy[:-1],
        given.behaviour,
        given.target_policy[:-1],
        z[:-1],
        target_z[:-1],
        symlog(values.target_q_value[:-1]),
        symlog(values.action_advantage[:-1]),
        given.advantages.action_advantage[:-1],
        F.one_hot(seen.action, z.shape[-1]).float(),
    ]
    return torch.stack(columns, -1)


def _pair(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[:-1], x[1:]


def _summaries(z: Tensor, policy: Tensor, action: Tensor) -> tuple[Tensor, ...]:
    """Return five columns: of the action that was taken, pairs of means under the policy, and pairs of maxima."""
    return of_action(z[:-1], action), *_pair((policy * z).sum(-1)), *_pair(z.amax(-1))
