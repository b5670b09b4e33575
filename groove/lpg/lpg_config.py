"""Settings of the Learned Policy Gradient; this module does not import JAX, so that groove.torch works without JAX."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from groove.utils.limits import MOST_EPOCHS
from groove.utils.typed_fields import above, at_least, settings_repr

# settings that only some rules read: those with a value head, with a base, without one, with the base "ppo"
_OF_VALUES = ("trace", "scale_rewards")
_OF_BASES = ("entropy_coefficient", "controls")
_WITHOUT_BASE = ("init_scale", "value_head")
_OF_RESIDUALS = (
    *("hidden", "prediction_width", "embedding_width", "embedding_gain", "prediction_coefficient"),
    *("lifetime_conditioning", "max_target_gradient", "prediction_entropy", "pi_hat_l2", "y_hat_l2"),
)
_OF_PPO = ("clip", "epochs", "minibatches", "table_learning_rate", "table_step")


@dataclass(frozen=True, repr=False)
class LPGConfig:
    """Settings of the learned rule.

    Weights in the meta-loss matter to meta-training only and are left out of `repr(config)`, by which stored results
    identify a rule. So are the settings that the rule does not read.

    Attributes:
      base: the algorithm that the rule is before meta-training. "none" is LPG, whose targets come from the network
        alone. Under "a2c" and "ppo" the network adds a residual to the algorithm's advantages, and the residual of an
        untrained rule is zero.
      value_head: whether agents have a value head, trained by TD, whose values, TD errors and advantages the network
        sees. Agents under a base always have one.
      hidden: H, width of the core; not read by a "linear" core.
      core: "gru" and "lstm" read a rollout backwards. "mlp", one hidden layer, and "linear", no layer, see each step
        alone and have few parameters. They suit rules with a base, whose advantages already carry later rewards. "none"
        leaves the targets of the base as they are, so that the rule sets controls only and agents need no prediction.
      prediction_width: Y, width of the prediction head.
      embedding_width: hidden width of phi, the embedding of prediction vectors.
      embedding_gain: factor of y at the input of phi. Young agents predict nearly uniform distributions, for which
        phi(y) is nearly constant at a gain of 1, the value of LPG.
      prediction_coefficient: alpha_y, weight of the prediction loss of agents.
      lifetime_conditioning: whether the network also sees n/L and log L (TA-LPG); controls always see them.
      discount: gamma, an input of the network and the discount of the run.
      init_scale: scale of the initial weights of the output layers; not read under a base, whose residual starts at
        zero.
      normalise: whether pi_hat, or under a base the advantages, are shifted and scaled to zero mean and unit variance
        over an agent's rollout, so that the size of an agent's step does not depend on the unit of reward. LPG does not
        normalise.
      max_target_gradient: norm to which the meta-gradient with respect to the targets of one update of one agent is
        clipped, so that an agent with unstable updates does not dominate the others. Agents are not affected.
      trace: lambda of generalised advantage estimation.
      scale_rewards: whether rewards are divided by a running scale of the lifetime (`groove.lpg.reward_scale`).
      entropy_coefficient: weight of the policy's entropy in the agents' loss, nats.
      controls: whether the rule also sets, once per update, factors of the agent's steps and of the weight of its
        entropy (`groove.lpg.controls`).
      clip: epsilon of the clipped ratio pi / pi_old.
      epochs: E, passes over a rollout.
      minibatches: M, steps per pass; must divide T * W.
      table_learning_rate: SGD learning rate of the policy in tables, which take E * M steps per rollout.
      table_step: factor of all learning rates of tables, by which controls find tables at about the same distance from
        their best step size as networks.
      prediction_entropy: b1, weight of the bonus for H(y).
      pi_hat_l2: b2, weight of the cost of pi_hat squared; under a base, of the residual squared. The paper's 0.005
        shrinks normalised targets until agents learn too slowly.
      y_hat_l2: b3, weight of the cost of ||y_hat|| squared.
    """

    hidden: int = at_least(1, 256)
    core: Literal["gru", "lstm", "mlp", "linear", "none"] = "gru"
    prediction_width: int = at_least(1, 8)
    embedding_width: int = at_least(1, 16)
    embedding_gain: float = 1.0
    prediction_coefficient: float = 0.5
    lifetime_conditioning: bool = False
    discount: float = at_least(0, 0.99, most=1)
    init_scale: float = 1.0
    normalise: bool = True
    max_target_gradient: float = above(0, 0.05)
    prediction_entropy: float = field(default=0.001, repr=False)
    pi_hat_l2: float = field(default=0.0, repr=False)
    y_hat_l2: float = field(default=0.001, repr=False)
    base: Literal["none", "a2c", "ppo"] = "none"
    value_head: bool = False
    trace: float = at_least(0, 0.95, most=1)
    scale_rewards: bool = True
    entropy_coefficient: float = 0.01
    controls: bool = False
    clip: float = above(0, 0.2, most=math.inf)
    epochs: int = at_least(1, 4, most=MOST_EPOCHS)
    minibatches: int = at_least(1, 4)
    table_learning_rate: float = above(0, 3.0, repr=False)
    table_step: float = above(0, 1.0, repr=False)

    @property
    def sees_values(self) -> bool:
        """Whether agents have a value head."""
        return self.value_head or self.base != "none"

    @property
    def divides_rewards(self) -> bool:
        """Whether the rule divides rewards by a running scale of the lifetime."""
        return self.sees_values and self.scale_rewards

    @property
    def predicts(self) -> bool:
        """Whether agents have a prediction head."""
        return self.core != "none"

    @property
    def told_lifetime(self) -> bool:
        """Whether the rule reads n/L and L."""
        return self.lifetime_conditioning or self.controls

    def of_update(self, epochs: int | None = None, minibatches: int | None = None) -> "LPGConfig":
        """Return the settings with the epochs and minibatches of one update.

        The defaults are the rule's own with the base "ppo". Other rules take one step on a rollout.
        """
        own = (self.epochs, self.minibatches) if self.base == "ppo" else (1, 1)
        return replace(self, epochs=epochs or own[0], minibatches=minibatches or own[1])

    def unread(self) -> dict[str, str]:
        """Return the settings that this rule does not read: name -> the rules that read it, in words."""
        unread = {} if self.sees_values else dict.fromkeys(_OF_VALUES, "base=a2c or ppo, or value_head=true")
        if self.core == "linear":
            unread["hidden"] = "core=gru, lstm or mlp"
        if self.core == "none":
            unread |= dict.fromkeys(_OF_RESIDUALS, "core=gru, lstm, mlp or linear")
        if self.base == "none":
            unread |= dict.fromkeys(_OF_BASES, "base=a2c or ppo")
        else:
            unread |= dict.fromkeys(_WITHOUT_BASE, "base=none")
        return unread if self.base == "ppo" else unread | dict.fromkeys(_OF_PPO, "base=ppo")

    def __repr__(self) -> str:
        """Return the settings that are read."""
        paper = () if self.sees_values else ("base", "value_head")  # LPG, as versions without a value head wrote it
        return settings_repr(self, (*self.unread(), *paper, *(() if self.controls else ("controls",))))
