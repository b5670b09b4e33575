"""A learned rule as a PyTorch module."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from groove.dropin.shapes import check_moved, check_observations
from groove.torch.controls import Controls, ControlState, remember
from groove.torch.functions import (
    Batch,
    action_log_prob,
    agent_loss,
    entropy,
    mean,
    prediction_targets,
)
from groove.torch.heads import AgentWithHeads, finite_logits, read_heads
from groove.torch.inputs import (
    check_actions,
    check_agent,
    check_numbers,
    check_tensors,
    check_told,
    given_heads,
    make_experience,
    without_hidden,
)
from groove.torch.memory import State, begin_memory, checked_state, grown, peak_of
from groove.torch.network import RuleNetwork
from groove.torch.update import minibatches as draw_minibatches
from groove.torch.update import take_steps
from groove.utils.errors import GrooveError
from groove.utils.limits import MOST_EPOCHS, MOST_INTEGER, check_integer
from groove.utils.text import shown


class Rule(RuleNetwork):
    """A learned update rule (Oh et al. 2020) around torch.nn.GRU; its parameters are frozen.

    Attributes:
      name: the name under which the rule was loaded.
      config: settings of the rule's network, the fields of groove.lpg.network.LPGConfig.
      prediction_width: Y, the width of the prediction head that agents need; 0 if they need none.
      has_base: whether the rule adds to the advantages of a base, A2C or PPO.
      sees_values: whether agents need a value head.
      sets_controls: whether the rule sets the size of the optimizer's steps and the weight of the policy's entropy.
      has_state: whether the rule has a memory of the agent's lifetime, such as the running scale of its rewards.
    """

    def heads(self, num_actions: int) -> dict[str, int]:
        """Return the heads that an agent must have, name -> width, in the order of its outputs."""
        check_integer("num_actions", num_actions, MOST_INTEGER, least=0)
        heads = {"logits": num_actions} | ({"y": self.prediction_width} if self.predicts else {})
        return heads | {"value": 1} if self.sees_values else heads

    def add_heads(self, torso: nn.Module, features: int, num_actions: int) -> AgentWithHeads:
        """Return a module with the rule's heads on a torso: obs [..., D...] -> the outputs of the heads.

        Args:
          torso: obs [..., D...] -> f32[..., features].
          features: the number of features.
          num_actions: A.
        """
        return AgentWithHeads(torso, features, self.heads(num_actions))

    def init_state(self, module: nn.Module | None = None) -> State:
        """Return the memory of the rule at the beginning of an agent's lifetime; None if the rule has none.

        The module is not read; other rules copy it.
        """
        return begin_memory(self.sets_controls) if self.has_state else None

    def observe(
        self,
        state: State,
        reward: Tensor,
        terminated: Tensor,
        truncated: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> State:
        """Return the memory of the rule after a rollout, which every rollout must be shown to once.

        Args:
          state: of `init_state` or of the `observe` before.
          reward, terminated, truncated, mask: see `loss`.

        Raises:
          GrooveError: if the state is none of this rule, shapes do not fit together, or a reward is not finite.
        """
        lived = make_experience(reward, reward, terminated, truncated, mask)  # no action is read
        state = self._checked(state, reward)
        return state if state is None or not self.scales_rewards else grown(state, lived, self.config["discount"])

    def remember(
        self, state: ControlState, controls: Controls, logits: Tensor, new_logits: Tensor, mask: Tensor | None = None
    ) -> ControlState:
        """Return the memory of a rule that sets controls after the steps of an update; `update` does this itself.

        Args:
          state: of `observe`.
          controls: of `targets`.
          logits, new_logits: f32[T, W, A], of the policy at the observations, before and after the steps.
          mask: see `loss`.

        Raises:
          GrooveError: if shapes do not fit together, or the state or the controls are none of this rule.
        """
        check_numbers(logits=logits, new_logits=new_logits, **({} if mask is None else {"mask": mask}))
        if not self.sets_controls or not isinstance(controls, Controls):
            raise GrooveError(
                f"controls must be those that rule.targets returns, not {shown(controls)}: rules that set no controls "
                "remember nothing of an update."
            )
        memory = self._checked(state, logits)
        assert isinstance(memory, ControlState)  # which is checked
        check_moved(tuple(logits.shape), tuple(new_logits.shape), None if mask is None else tuple(mask.shape))
        real = torch.ones(logits.shape[:2], dtype=torch.bool, device=logits.device) if mask is None else mask.bool()
        before, after = (finite_logits(x.detach()) for x in (logits, new_logits))
        return remember(memory, controls.step, before, after, real)

    def targets(
        self,
        logits: Tensor,
        y: Tensor | None,
        next_y: Tensor | None,
        action: Tensor,
        reward: Tensor,
        terminated: Tensor,
        truncated: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        value: Tensor | None = None,
        next_value: Tensor | None = None,
        state: State = None,
        progress: float | None = None,
        lifetime: float | None = None,
    ) -> tuple[Any, ...]:
        """Return the targets pi_hat f32[T, W] and log y_hat f32[T, W, Y], without gradients.

        Rules with a value head have a third target, that of the value, f32[T, W]. Rules that set controls return
        `Controls` at the end, the factors of the optimizer's steps and of the entropy's weight; their memory goes on by
        `remember` after the steps. Rules that set controls only read no prediction, None, and have no target of it.
        Arguments and errors are those of `loss`.
        """
        heads, after = {"logits": logits, "y": y, "value": value}, {"y": next_y, "value": next_value}
        batch, controls = self._batch(
            heads, after, action, reward, terminated, truncated, mask, state, progress, lifetime
        )
        y_hat = None
        if y is not None and batch.y_hat is not None:
            y_hat = prediction_targets(self.config, y.detach().float(), batch.y_hat)
        return tuple(x for x in (batch.pi_hat, y_hat, batch.target, controls) if x is not None)

    def loss(
        self,
        logits: Tensor,
        y: Tensor,
        next_y: Tensor,
        action: Tensor,
        reward: Tensor,
        terminated: Tensor,
        truncated: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        value: Tensor | None = None,
        next_value: Tensor | None = None,
        state: State = None,
        progress: float | None = None,
        lifetime: float | None = None,
    ) -> Tensor:
        """Return the loss that an agent descends, f32[] (Oh et al. 2020, eq. 2).

        Over the rows t that `mask` does not hide, the loss is::

            mean_t [ -log pi(a_t|s_t) pi_hat_t + alpha_y KL(y(s_t) || y_hat_t) ]

        For agents with a value V, it has the further term (V(s_t) - R_t)^2 / 2, where R_t is the value plus the
        generalised advantage, and under a base the term -c H(pi(.|s_t)). Outputs of the agent in another precision, as
        under autocast, are converted to float32.

        Args:
          logits: f32[T, W, A], of the policy at the T steps of W workers.
          y, next_y: f32[T, W, Y], logits of the prediction at the observations and at their true successors.
          action: int64[T, W].
          reward: f32[T, W].
          terminated: bool[T, W], the episode ended by the environment's own rules.
          truncated: bool[T, W], the episode was cut off by a time limit; by default never.
          mask: bool[T, W], false where a row is padding or only a reset; by default all rows count. In gymnasium's
            default mode, NEXT_STEP, the mask is false in the step after the end of an episode.
          value, next_value: f32[T, W] or f32[T, W, 1], like y; read by rules with a value head.
          state: of `observe`, which has seen this rollout; read by rules that scale rewards.
          progress: n / L, the share of the agent's lifetime that is over, between 0 and 1; read by rules that are
            conditioned on the lifetime.
          lifetime: L, agent updates, positive and finite; read by the same rules.

        Raises:
          GrooveError: if shapes do not fit together, an action is no index of a policy logit, a reward is not finite,
            progress or lifetime is outside its range, or the rule lacks a value, its state or the lifetime; from every
            rule that sets controls, because a loss cannot set the size of steps.
        """
        if self.sets_controls:
            raise GrooveError(
                f'the rule "{self.name}" sets the size of the optimizer\'s steps, which a loss cannot: use '
                "rule.update, or build the steps from rule.targets."
            )
        heads, after = {"logits": logits, "y": y, "value": value}, {"y": next_y, "value": next_value}
        batch, _ = self._batch(heads, after, action, reward, terminated, truncated, mask, state, progress, lifetime)
        with torch.autocast(logits.device.type, enabled=False):
            return agent_loss(self.config, given_heads(self.name, self.heads(0), heads, "", reward, mask), batch)[0]

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
        state: State = None,
        *,
        epochs: int | None = None,
        minibatches: int | None = None,
        max_grad_norm: float | None = None,
        generator: torch.Generator | None = None,
        progress: float | None = None,
        lifetime: float | None = None,
    ) -> tuple[State, dict[str, Tensor]]:
        """Make one whole update of an agent: the scale of rewards, targets, and E epochs of M minibatches towards them.

        Targets are computed once. If E M > 1, the loss of a minibatch has the clipped ratio of PPO in the place of
        log pi. One step on the whole rollout is one step on the gradient of `loss`. Rows that `mask` hides are in no
        minibatch: the others are dealt to the M minibatches as evenly as possible.

        Args:
          module: the agent, obs [B, ...] -> the heads of `heads`, as a tuple or by name; see `add_heads`.
          optimizer: of the agent's parameters.
          obs, next_obs: [T, W, ...], the observations and their true successors.
          action, reward, terminated, truncated, mask, progress, lifetime: see `loss`.
          state: of `init_state` or of the update before.
          epochs: E, passes over the rollout; by default the rule's own, 1 for rules that are not made for several.
          minibatches: M, steps per pass, a divisor of T W; by default as for `epochs`.
          max_grad_norm: global norm to which the gradient of each step is clipped, positive; by default none.
          generator: the randomness of minibatches.

        Returns:
          The state after the update, and numbers f32[] for logs: "entropy" of the policy in nats, "clip_fraction", and
          for some rules "value_error", the mean squared error, and "reward_scale".

        Raises:
          GrooveError: see `loss`; also if a head is missing, M does not divide T W, or `max_grad_norm` is not positive.
        """
        check_agent(module, optimizer, generator, max_grad_norm)
        check_numbers(obs=obs, next_obs=next_obs)
        e, m = self._in_epochs(epochs=epochs, minibatches=minibatches)
        widths = self.heads(0)
        steps = check_tensors(action, reward, terminated, truncated, mask)
        check_observations("", tuple(obs.shape), tuple(next_obs.shape), steps)
        flat, flat_next = (without_hidden(x, mask).flatten(0, 1) for x in (obs, next_obs))
        with torch.no_grad():
            heads, after = (
                {name: x.unflatten(0, reward.shape) for name, x in read_heads(module, seen, widths).items()}
                for seen in (flat, flat_next)
            )
        state = self.observe(state, reward, terminated, truncated, mask)
        batch, controls = self._batch(
            heads, after, action, reward, terminated, truncated, mask, state, progress, lifetime
        )
        parts = list(draw_minibatches(batch.real, e, m, generator))
        passes = e if e * m > 1 else None
        clipped = take_steps(
            self.config, widths, module, optimizer, flat, batch, parts, passes, max_grad_norm, controls
        )
        info = {"entropy": mean(entropy(heads["logits"]), batch.real), "clip_fraction": clipped}
        if batch.target is not None:
            info["value_error"] = mean((heads["value"] - batch.target) ** 2, batch.real)
        if self.scales_rewards:
            info["reward_scale"] = peak_of(state)
        if isinstance(state, ControlState) and controls is not None:
            with torch.no_grad():
                moved = read_heads(module, flat, widths)["logits"].unflatten(0, reward.shape)
            state = remember(state, controls.step, heads["logits"], moved, batch.real)
            info |= {"step_factor": controls.step, "entropy_factor": controls.entropy}
        return state, info

    def _in_epochs(self, **given: int | None) -> Iterator[int]:
        """Yield the numbers of epochs and minibatches of one update; the rule's own where they are None."""
        for name, number in given.items():
            if number is not None:
                check_integer(name, number, MOST_EPOCHS if name == "epochs" else MOST_INTEGER)
            yield number or (self.config[name] if self.config["base"] == "ppo" else 1)

    def _batch(
        self,
        heads: Mapping[str, Tensor | None],
        after: Mapping[str, Tensor | None],
        action: Tensor,
        reward: Tensor,
        terminated: Tensor,
        truncated: Tensor | None,
        mask: Tensor | None,
        state: State,
        progress: float | None,
        lifetime: float | None,
    ) -> tuple[Batch, Controls | None]:
        """Return the transitions of a rollout with their targets, and the controls, without gradients."""
        lived = make_experience(action, reward, terminated, truncated, mask)
        heads = given_heads(self.name, self.heads(0), heads, "", reward, mask)
        after = given_heads(self.name, self.heads(0), after, "next_", reward, mask)
        check_actions(action, lived.real, heads["logits"].shape[-1])
        with torch.no_grad(), torch.autocast(reward.device.type, enabled=False):
            state = self._checked(state, reward)
            if self.scales_rewards:
                peak = peak_of(state)
                lived = lived._replace(reward=lived.reward / torch.where(peak == 0, 1.0, peak))
            log_prob = action_log_prob(heads["logits"], action, lived.real)
            told = self._lifetime(lived.reward, progress, lifetime)
            pi_hat, y_hat, target = self(
                lived, log_prob.exp(), heads, after, *(told if self.config["lifetime_conditioning"] else ())
            )
            controls = None
            if isinstance(state, ControlState):
                controls = self.controls.set(told, heads, target, lived.real, state)
        return Batch(action, log_prob, pi_hat, y_hat, target, lived.real), controls

    def _lifetime(self, like: Tensor, progress: float | None, lifetime: float | None) -> list[Tensor]:
        for name, x in {"lifetime": lifetime, "progress": progress}.items():
            if x is not None:
                check_told(name, x)
        if not (self.config["lifetime_conditioning"] or self.sets_controls):
            return []
        if progress is None or lifetime is None:
            raise GrooveError(
                f'the rule "{self.name}" is conditioned on the lifetime: give progress (0 at the beginning, 1 at the '
                "end) and lifetime (agent updates)."
            )
        return [torch.full_like(like, float(progress)), torch.full_like(like, float(lifetime)).log()]

    def _checked(self, state: State, like: Tensor) -> State:
        return checked_state(self.name, self.has_state, self.sets_controls, state, like)
