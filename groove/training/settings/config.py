"""The configuration of a run: frozen dataclasses whose fields `--set` names by dotted paths."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from groove.agents.agent import AgentConfig
from groove.curriculum.archive import ArchiveConfig
from groove.curriculum.colearn import ColearnConfig
from groove.curriculum.generators.generator import GeneratorConfig
from groove.curriculum.ncc import NCCConfig
from groove.curriculum.plr_config import PLRConfig
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.lpg.registry import RULES
from groove.meta.critic import CriticConfig
from groove.meta.es import ESConfig
from groove.meta.gradient import GradientConfig
from groove.utils.limits import MOST_DEVICES, MOST_LEVELS, MOST_LIFETIME
from groove.utils.typed_fields import at_least

NETWORK_AGENT = AgentConfig(torso="mlp", widths=(32,), optimizer="adam", learning_rate=1e-3)  # LPG's on random grids

BASELINE = "a2c"  # the hand-written rule that validation compares the learned rule with
BASELINE_LABEL = BASELINE.upper()  # in texts and pictures
MOST_SEED = 2**63 - 1  # JAX takes 64-bit seeds


@dataclass(frozen=True)
class MetaConfig:
    """How the learned rule moves.

    Attributes:
      optimizer: "gradient", the truncated meta-gradient, which reads `gradient` and `critic`; or "es", evolution
        strategies over whole lifetimes, which read `es`.
      average_decay: decay per meta-step of the moving average of eta, which is saved beside the last rule; 0 for no
        average.
    """

    optimizer: Literal["gradient", "es"] = "gradient"
    average_decay: float = at_least(0, 0.0, most=1)


@dataclass(frozen=True)
class SlotsConfig:
    """How many lifetimes are trained at once, and in which portions.

    Attributes:
      count: N, slots.
      workers: W, environment workers of a slot.
      steps: T, environment steps of a worker in one rollout.
      stagger: groups in which the first lifetimes end, so that old and young agents are always mixed.
      episodes: evaluation episodes of a finished lifetime.
      chunk: finished slots evaluated side by side on one device.
      rate_spread: each student's learning rate is multiplied by a factor between 1 / rate_spread and rate_spread, drawn
        log-uniformly at the beginning of its lifetime, so that the rule learns to find the size of steps by itself.
        Antagonists keep their learning rates.
    """

    count: int = at_least(1, 512)
    workers: int = at_least(1, 64)
    steps: int = at_least(1, 20, most=10**5)
    stagger: int = at_least(1, 8)
    episodes: int = at_least(1, 64, most=10**5)
    chunk: int = at_least(1, 8)
    rate_spread: float = at_least(1, 1.0)


@dataclass(frozen=True)
class ValidationConfig:
    """Meta-validation on unseen levels.

    Attributes:
      sources: sources of levels to validate on beside random gridworlds, for instance worlds,networks.
      levels: number of levels of each source; they are the same throughout the run.
      lifetime: agent updates of every agent.
      episodes: evaluation episodes of each agent at the end of its lifetime.
      every: meta-steps between validations; 0 for one validation at the end.
      batch: levels trained on side by side.
    """

    sources: tuple[str, ...] = ()
    levels: int = at_least(1, 256, most=MOST_LEVELS)
    lifetime: int = at_least(1, 250, most=MOST_LIFETIME)
    episodes: int = at_least(1, 16, most=10**5)
    every: int = at_least(0, 0)
    batch: int = at_least(1, 64)


@dataclass(frozen=True)
class RunConfig:
    """How long a run takes and what it writes.

    Attributes:
      steps: meta-steps.
      minutes: wall-clock limit of training; 0 for no limit. The run ends at whichever of steps and minutes comes first.
      log_every: meta-steps between log rows, compiled as one program.
      checkpoint_every: meta-steps between checkpoints.
      wandb: whether to log to Weights & Biases, too.
      report_seconds: wall-clock time that report.html, at the end, may spend on training new agents on the levels of
        the run, to show how they act; 0 for none.
    """

    steps: int = at_least(1, 5000)
    minutes: float = at_least(0, 0.0)
    log_every: int = at_least(1, 10)
    checkpoint_every: int = at_least(1, 100)
    wandb: bool = False
    report_seconds: float = at_least(0, 10.0, most=86400)


@dataclass(frozen=True)
class RecordConfig:
    """The record of levels and outcomes, from which `groove.evaluation.openness` tells whether a run is open-ended.

    Attributes:
      lifetimes: finished lifetimes that the record holds, at most; a uniform sample of all; 0 for no record.
      returns: whether the returns of students and antagonists are measured at the end of every lifetime, also if the
        curriculum does not need them, as `dr`, so that every curriculum can be recorded. Costs the antagonists.
    """

    lifetimes: int = at_least(0, 2048, most=10**5)
    returns: bool = False


def default_rules() -> dict[str, Any]:
    """Return the default settings of every registered rule: name -> settings."""
    return {name: entry.config_type() for name, entry in RULES.items()}


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes.

    Attributes:
      preset: the preset that the configuration started from.
      seed: seed of every random stream.
      devices: local devices that the slots are distributed over; 0 for as many as divide them.
      precision: of products of matrices: f32, tf32 (GPUs), or bf16; sums are f32. CPUs multiply in f32 in any case.
      curriculum: where levels come from and which levels are replayed, as `parse_curriculum` reads it.
      antagonists: what algorithmic regret is measured against: names of hand-written rules, "optimal",
        self:SHARE, or rule:NAME; the best of several.
      start: the rule that meta-training starts from: a released rule, a run's directory, a rule file, or
        disco103=PATH; empty for new parameters.
      rule: the learned rule, a name in `groove.lpg.registry.RULES`.
      rules: rule name -> settings, of the learned rule and of hand-written ones.
      levels: the distribution of random levels.
      sizes: static sizes of levels, enlarged where a source needs larger ones.
      table_agent: agents where observations are an index.
      network_agent: agents where observations are an array.
      meta: how the learned rule moves.
      gradient: the truncated meta-gradient.
      critic: the meta-critic.
      es: evolution strategies.
      plr: the level buffer.
      paired: the generator of curricula that design levels.
      ncc: the learned replay distribution of the curriculum "ncc".
      archive: the archive of the curriculum "archive".
      colearn: the co-learnability of the curriculum "colearn".
      slots: how many lifetimes are trained at once.
      validation: meta-validation on unseen levels.
      record: the record of levels and outcomes.
      run: how long the run takes and what it writes.
    """

    preset: str = "paper"
    seed: int = at_least(0, 0, most=MOST_SEED)
    devices: int = at_least(0, 0, most=MOST_DEVICES)
    precision: Literal["f32", "tf32", "bf16"] = "f32"
    curriculum: str = "ar"
    antagonists: tuple[str, ...] = ("a2c",)
    start: str = ""
    rule: str = "lpg"
    rules: Mapping[str, Any] = field(default_factory=default_rules)
    levels: LevelDistribution = field(default_factory=LevelDistribution)
    sizes: GridSizes = field(default_factory=GridSizes)
    table_agent: AgentConfig = field(default_factory=AgentConfig)
    network_agent: AgentConfig = field(default_factory=lambda: NETWORK_AGENT)
    meta: MetaConfig = field(default_factory=MetaConfig)
    gradient: GradientConfig = field(default_factory=GradientConfig)
    critic: CriticConfig = field(default_factory=CriticConfig)
    es: ESConfig = field(default_factory=ESConfig)
    plr: PLRConfig = field(default_factory=PLRConfig)
    paired: GeneratorConfig = field(default_factory=GeneratorConfig)
    ncc: NCCConfig = field(default_factory=NCCConfig)
    archive: ArchiveConfig = field(default_factory=ArchiveConfig)
    colearn: ColearnConfig = field(default_factory=ColearnConfig)
    slots: SlotsConfig = field(default_factory=SlotsConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    record: RecordConfig = field(default_factory=RecordConfig)
    run: RunConfig = field(default_factory=RunConfig)

    @property
    def first_rule(self) -> str:
        """The name of the rule before meta-training."""
        return "starting rule" if self.start else "untrained rule"

    @property
    def discount(self) -> float:
        """The discount gamma of the run, a setting of the learned rule."""
        gamma: float = self.rules[self.rule].discount
        return gamma

    @property
    def levels_at_once(self) -> int:
        """Number of levels in use at once: one for each slot, or for each pair of candidates."""
        return self.es.population // 2 if self.meta.optimizer == "es" else self.slots.count
