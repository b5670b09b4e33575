"""Settings of Disco103 and of the agents that it trains."""

from dataclasses import dataclass

from groove.agents.agent import ActionModelConfig, AgentConfig
from groove.lpg.disco.heads import BY_ACTION
from groove.lpg.disco.values import DISCOUNT
from groove.utils.typed_fields import above, at_least


@dataclass(frozen=True)
class DiscoConfig:
    """Settings of the replay and of agents; the rule itself has none.

    An update of W workers adds W trajectories to the replay and takes uses x W / b steps on b trajectories each.

    Attributes:
      uses: how often a transition is learned from, in the mean over a long life.
      batch: trajectories of a step, at most: b is the largest divisor of uses x W that is not above it. The first step
        waits until the replay holds b trajectories.
      capacity: trajectories that the replay holds.
      learning_rate: of Adam; 1e-2 in the published example on Catch.
      widths: units of the hidden layers of torsos; the last one has no activation.
      model_width: units of the model of an action, and of the heads after it.
    """

    uses: int = at_least(1, 32)
    batch: int = at_least(1, 64)
    capacity: int = at_least(1, 1024)
    learning_rate: float = above(0, 3e-4)
    widths: tuple[int, ...] = (512, 512)
    model_width: int = at_least(1, 128)

    @property
    def discount(self) -> float:
        """The discount of the rule's Retrace targets, which is part of the rule."""
        return DISCOUNT

    def steps_and_batch(self, workers: int) -> tuple[int, int]:
        """Return the steps of an update and the trajectories of a step, for W workers."""
        drawn = self.uses * workers
        batch = max(size for size in range(1, min(self.batch, drawn) + 1) if drawn % size == 0)
        return drawn // batch, batch

    def agent(self, usual: AgentConfig) -> ActionModelConfig:
        """Return the agents of the published rule, with the convolutions of the usual agent."""
        return ActionModelConfig(
            torso="mlp" if usual.torso == "table" else usual.torso,
            widths=self.widths,
            channels=usual.channels,
            learning_rate=self.learning_rate,
            model_width=self.model_width,
            by_action=BY_ACTION,
        )
