"""The settings of prioritised level replay, and their ranges."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from groove.utils.errors import ConfigError

Prioritization = Literal["rank", "proportional", "topk"]
_SHARES = ("replay_probability", "staleness_coefficient", "min_fill", "edit_probability")


@dataclass(frozen=True)
class PLRConfig:
    """The settings of prioritised level replay (PLR).

    The GROOVE paper states the buffer size and the replay probability. Its public code starts to replay when 512 of
    4000 levels are scored, hence `min_fill`.

    The temperature and the staleness coefficient are our choice. Levels are drawn without replacement, so with many
    slots the temperature decides how sharply the draws concentrate on the highest scores: with 256 draws by score from
    3500 levels, 95% fall into the top 256 at temperature 0.1, 84% at 0.3, and 45% at 1. A score is one noisy estimate.
    A temperature of 0.1 is nearly as greedy as the public code and trusts the estimate too much; a temperature of 1
    spends most of the replay outside the top. The staleness coefficient is the value that PLR, minimax and jaxued
    combine with rank prioritisation on mazes: scores get out of date while the learned rule changes, and only a replay
    renews them.

    Attributes:
      buffer_size: B, places for levels; at least twice the number of slots.
      replay_probability: probability that a slot receives a replayed level instead of a new one.
      temperature: T of P_score, which is rank^(-1/T) or score^(1/T). Ignored by "topk".
      staleness_coefficient: c, the weight of P_staleness in the replay distribution. Ignored by "topk".
      prioritization: "rank" draws by rank and staleness. "proportional" draws by score and staleness, and counts
        negative scores as zero. "topk" always takes the highest scores, for comparison with the public code.
      min_fill: share of B that must be scored before levels are replayed.
      robust: give weight zero in the meta-gradient to lifetimes on levels without an earlier score (robust PLR, Jiang
        et al. 2021b).
      edit_probability: under "accel", probability that a new level is an edited copy of a buffered level.

    Raises:
      ConfigError: on a value outside its range.
    """

    buffer_size: int = 4000
    replay_probability: float = 0.5
    temperature: float = 0.3
    staleness_coefficient: float = 0.3
    prioritization: Prioritization = "rank"
    min_fill: float = 0.125
    robust: bool = False
    edit_probability: float = 1.0

    def __post_init__(self) -> None:
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"plr.{name} = {getattr(self, name)}: choose a value in [0, 1].")
        if not 0 < self.temperature < math.inf:
            raise ConfigError(
                f"plr.temperature = {self.temperature}: choose a finite value above 0. To always replay the highest "
                "scores, set plr.prioritization=topk."
            )
        if self.buffer_size < 2:
            raise ConfigError(f"plr.buffer_size = {self.buffer_size}: choose at least 2 places for each slot.")
        if self.prioritization not in get_args(Prioritization):
            valid = ", ".join(get_args(Prioritization))
            raise ConfigError(f"plr.prioritization = {self.prioritization!r}: choose one of {valid}.")

    @property
    def min_scored(self) -> int:
        """The least number of SCORED levels at which levels are replayed, at least one."""
        return max(1, math.ceil(self.min_fill * self.buffer_size))


def check_slots(config: PLRConfig, num_slots: int) -> None:
    """Refuse a buffer that does not suit N slots.

    Args:
      config: the settings of the replay.
      num_slots: N, the number of levels in training at once.

    Raises:
      ConfigError: if the buffer has fewer than 2 N places, or if N levels in training always leave fewer SCORED levels
        than `min_fill` demands.
    """
    if config.buffer_size < 2 * num_slots:
        raise ConfigError(
            f"plr.buffer_size = {config.buffer_size} is too small for {num_slots} slots, because a level in training "
            f"cannot be evicted: choose at least {2 * num_slots}, or at most {config.buffer_size // 2} slots."
        )
    reachable = config.buffer_size - num_slots
    if config.min_scored > reachable:
        raise ConfigError(
            f"plr.min_fill = {config.min_fill} waits for {config.min_scored} scored levels, but {num_slots} slots "
            f"leave at most {reachable} of {config.buffer_size} scored at once, so no level would ever be replayed: "
            f"choose at most {reachable / config.buffer_size:.3g}."
        )
