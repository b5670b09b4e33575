"""A training loop in PyTorch with a learned rule, in the style of CleanRL.

    python examples/torch_cartpole.py --rule groove

The example needs PyTorch and gymnasium (pip install "groove-rl[torch,examples]"), and no JAX. `--rule a2c` uses A2C's
loss instead of the learned rule.
"""

import argparse
import time
from collections import deque

import gymnasium
import numpy as np
import torch
from torch import Tensor, nn

import groove.torch


class Agent(nn.Module):
    """A network of two hidden layers with a policy and a prediction (for A2C a value, of width 1)."""

    def __init__(self, inputs: int, actions: int, width: int) -> None:
        """Build the layers for `inputs` observed numbers, `actions` actions and a prediction of `width` numbers."""
        super().__init__()
        self.torso = nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.policy, self.prediction = nn.Linear(64, actions), nn.Linear(64, width)

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of the policy, and the prediction."""
        features = self.torso(obs)
        return self.policy(features), self.prediction(features)


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
    value, next_value = value[..., 0], next_value[..., 0]
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
    rule = None if args.rule == "a2c" else groove.torch.load(args.rule)
    inputs, actions = int(np.prod(envs.single_observation_space.shape)), int(envs.single_action_space.n)
    agent = Agent(inputs, actions, 1 if rule is None else rule.prediction_width)
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate)

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
        reward, successor = reward.float(), successor.float()
        logits, prediction = agent(seen)
        with torch.no_grad():
            next_prediction = agent(successor)[1]
        experience = (logits, prediction, next_prediction, action, reward, terminated, truncated)
        if rule is None:
            loss = a2c_loss(*experience)
        else:  # the only line that differs from A2C
            loss = rule.loss(*experience, progress=update / args.updates, lifetime=args.updates)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
        optimizer.step()
        if (update + 1) % max(args.updates // 10, 1) == 0:
            steps = (update + 1) * args.workers * args.steps
            mean = np.mean(recent) if recent else float("nan")
            print(f"{steps:>10,} steps  return {mean:8.2f}  {time.time() - start:5.0f} s", flush=True)


if __name__ == "__main__":
    main()
