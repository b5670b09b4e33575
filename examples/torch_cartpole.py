"""A training loop in PyTorch with a learned rule, in the style of CleanRL.

    python examples/torch_cartpole.py --rule groove

The example needs PyTorch and gymnasium (pip install "groove-rl[torch,examples]"), and no JAX. `--rule a2c` uses A2C's
loss instead of the learned rule.
"""

import argparse
import time
from collections import deque
from typing import Any

import gymnasium
import numpy as np
import torch
from torch import Tensor, nn

import groove.torch


def make_torso(inputs: int) -> nn.Module:
    """Return a network of your own, without heads: observations [B, inputs] -> features [B, 64]."""
    return nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())


class A2C:
    """The rule that the learned rule replaces: advantages by GAE, a value loss, an entropy bonus."""

    def add_heads(self, torso: nn.Module, features: int, num_actions: int) -> nn.Module:
        """Return a module with a policy and a value: obs -> (logits [B, A], value [B])."""
        return ActorCritic(torso, features, num_actions)

    def init_state(self, agent: nn.Module) -> None:
        """Return the memory of the rule, which it does not need."""

    def update(
        self,
        agent: nn.Module,
        optimizer: torch.optim.Optimizer,
        obs: Tensor,
        *experience: Tensor,
        max_grad_norm: float,
        **_: Any,
    ) -> tuple[None, dict[str, Tensor]]:
        """Take one step on the gradient of the loss."""
        action, reward, terminated, truncated, next_obs = experience[:5]
        logits, value = agent(obs)
        with torch.no_grad():
            next_value = agent(next_obs)[1]
        loss = a2c_loss(logits, value, next_value, action, reward, terminated, truncated)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(agent.parameters(), max_grad_norm)
        optimizer.step()
        return None, {"loss": loss}


class ActorCritic(nn.Module):
    """A torso with a policy and a value."""

    def __init__(self, torso: nn.Module, features: int, num_actions: int) -> None:
        """Add both heads to a torso that returns [..., features]."""
        super().__init__()
        self.torso, self.policy, self.value = torso, nn.Linear(features, num_actions), nn.Linear(features, 1)

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of the policy and the value."""
        features = self.torso(obs)
        return self.policy(features), self.value(features)[..., 0]


def a2c_loss(
    logits: Tensor,
    value: Tensor,
    next_value: Tensor,
    action: Tensor,
    reward: Tensor,
    terminated: Tensor,
    truncated: Tensor,
) -> Tensor:
    """Return the loss that the learned rule replaces: advantages by GAE, a value loss, an entropy bonus."""
    delta = reward + 0.99 * next_value * ~terminated - value.detach()
    advantage, rows = torch.zeros_like(reward[0]), []
    for t in reversed(range(len(reward))):
        advantage = delta[t] + 0.99 * 0.95 * ~(terminated[t] | truncated[t]) * advantage
        rows.append(advantage)
    advantages = torch.stack(rows[::-1])
    target = advantages + value.detach()
    normalised = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    policy = torch.distributions.Categorical(logits=logits)
    return (-policy.log_prob(action) * normalised - 0.01 * policy.entropy() + 0.5 * (value - target) ** 2).mean()


def main() -> None:
    """Train one agent, and print its returns."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--rule", default="groove", help="update rule: a released rule, a run directory, a rule file, or a2c"
    )
    parser.add_argument(
        "--env", default="CartPole-v1", help="name of the environment in gymnasium; its actions must be discrete"
    )
    parser.add_argument("--updates", type=int, default=2500, help="length of the run, in agent updates")
    parser.add_argument("--workers", type=int, default=64, help="environments that run side by side")
    parser.add_argument("--steps", type=int, default=20, help="environment steps of each environment in one rollout")
    parser.add_argument("--learning_rate", type=float, default=1e-3, help="learning rate of Adam")
    parser.add_argument("--seed", type=int, default=0, help="seed of every random stream")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(1)  # the networks are small
    same_step = {"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP}
    envs = gymnasium.make_vec(args.env, num_envs=args.workers, vectorization_mode="sync", vector_kwargs=same_step)
    rule = A2C() if args.rule == "a2c" else groove.torch.load(args.rule)
    inputs, actions = int(np.prod(envs.single_observation_space.shape)), int(envs.single_action_space.n)
    agent = rule.add_heads(make_torso(inputs), 64, actions)
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate)
    generator = torch.Generator().manual_seed(args.seed)
    state = rule.init_state(agent)

    obs, _ = envs.reset(seed=args.seed)
    running, recent = np.zeros(args.workers), deque(maxlen=200)
    start = time.time()
    for update in range(args.updates):
        rows = []
        for _ in range(args.steps):
            seen = torch.as_tensor(obs, dtype=torch.float32)
            with torch.no_grad():
                action = torch.distributions.Categorical(logits=agent(seen)[0]).sample()
            obs, reward, terminated, truncated, info = envs.step(action.numpy())
            successor = obs.copy()
            for i in np.flatnonzero(info.get("_final_obs", [])):  # the last observation, before the reset
                successor[i] = info["final_obs"][i]
            truncated &= ~terminated
            rows.append((seen, action, reward, terminated, truncated, successor))
            running += reward
            done = terminated | truncated
            recent.extend(running[done])
            running[done] = 0.0
        seen, action, reward, terminated, truncated, successor = (
            torch.as_tensor(np.stack(column)) for column in zip(*rows, strict=True)
        )
        state, _ = rule.update(
            agent,
            optimizer,
            seen,
            action,
            reward.float(),
            terminated,
            truncated,
            successor.float(),
            state=state,
            max_grad_norm=0.5,
            generator=generator,
            progress=update / args.updates,
            lifetime=args.updates,
        )
        if (update + 1) % max(args.updates // 10, 1) == 0:
            steps = (update + 1) * args.workers * args.steps
            mean = np.mean(recent) if recent else float("nan")
            print(f"{steps:>10,} steps  return {mean:8.2f}  {time.time() - start:5.0f} s", flush=True)


if __name__ == "__main__":
    main()
