"""The program `groove meta-train`."""

from collections.abc import Iterator
from typing import Any

from groove.cli._main import FlagSet, Program
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import split_assignment

_FLAGS = FlagSet()
_CONFIG = _FLAGS.string(
    "config",
    None,
    "Preset of sizes: smoke (seconds), laptop (minutes on two cores), release, controls (a rule of 14 numbers, by "
    "evolution strategies), or paper (one accelerator). Without this flag: laptop on a CPU, paper on an accelerator, "
    "or the stored configuration with --resume.",
)
_CURRICULUM = _FLAGS.string(
    "curriculum",
    None,
    "Where levels come from and which levels are replayed, as in ar, dr, ar@mazes or set:FILE; docs/curricula.md lists "
    "all. Without this flag: ar.",
)
_ANTAGONIST = _FLAGS.string(
    "antagonist",
    None,
    "Rules that regret is measured against: a2c, ppo, dpo, random, optimal, self:SHARE for the learned rule as it "
    "was after a share of the meta-steps, or rule:NAME for a released rule, a run's directory or a rule file; the best "
    "of several, as in a2c,ppo. Without this flag: a2c.",
)
_FROM = _FLAGS.string(
    "from",
    None,
    "The rule that meta-training starts from, with its settings: a released rule, a run's directory, a rule "
    "file, or disco103=PATH. Without this flag: a rule with new parameters.",
)
_META_OPTIMIZER = _FLAGS.string(
    "meta_optimizer",
    None,
    "How the rule moves: gradient (truncated meta-gradient) or es (evolution strategies). Without this flag: gradient.",
)
_PLR = _FLAGS.choice(
    "plr",
    None,
    ["standard", "robust"],
    "Level replay; robust gives no meta-gradient on levels that have not been scored before. "
    "Without this flag: standard.",
)
_SEED = _FLAGS.integer("seed", None, "Seed of every random stream, an integer of at least 0. Without this flag: 0.")
_DEVICES = _FLAGS.integer(
    "devices",
    None,
    "Number of devices of all processes that the slots are distributed over. Without this flag: the most that divide "
    "the slots.",
)
_STEPS = _FLAGS.integer("steps", None, "Length of the run in meta-steps. Without this flag: the preset's.")
_MINUTES = _FLAGS.number(
    "minutes",
    None,
    "Limit of the wall-clock time in minutes, after which the last validation and the report follow; 0 for no limit. "
    "Without this flag: the preset's.",
)
_WANDB = _FLAGS.boolean("wandb", None, "Log to Weights & Biases, too. Without this flag: no.")
_LIFETIME_CONDITIONING = _FLAGS.boolean(
    "lifetime_conditioning",
    False,
    "TA-LPG: the rule sees the share of the lifetime that is over and the logarithm of the lifetime, and lifetimes are "
    "log-uniform between 10 and 250 agent updates.",
)
_SET = _FLAGS.repeated(
    "set", "Set any field of the configuration, as in --set gradient.learning_rate=3e-4; may be repeated."
)
_RUN_DIR = _FLAGS.string(
    "run_dir", None, "Directory for the files of the run. Without this flag: a new directory in runs/."
)
_RESUME = _FLAGS.boolean("resume", False, "Continue the run in --run_dir from its latest checkpoint.")
_WAIT = _FLAGS.number(
    "wait", 0.0, "Seconds to wait while another process holds --run_dir, before the run is refused.", least=0
)
_DISTRIBUTED = _FLAGS.boolean(
    "distributed",
    False,
    "One run in several processes: start this program in each of them, with the same flags and one --run_dir that all "
    "share. Under Slurm, Open MPI, Kubernetes and on TPUs they find each other; elsewhere, give the next three "
    "flags.",
)
_COORDINATOR = _FLAGS.string(
    "coordinator", None, "With --distributed: HOST:PORT at which the first process listens, reached by all processes."
)
_PROCESSES = _FLAGS.integer("processes", None, "With --distributed: number of processes.", least=1, most=10**5)
_PROCESS = _FLAGS.integer("process", None, "With --distributed: number of this process, from 0.", least=0, most=10**5)
_COMPILATION_CACHE = _FLAGS.boolean(
    "compilation_cache", True, "Keep compiled programs in ~/.cache/groove between processes."
)

_FIELDS = {  # field of the configuration -> its flag
    "curriculum": _CURRICULUM,
    "antagonists": _ANTAGONIST,
    "start": _FROM,
    "meta.optimizer": _META_OPTIMIZER,
    "seed": _SEED,
    "devices": _DEVICES,
    "run.steps": _STEPS,
    "run.minutes": _MINUTES,
    "run.wandb": _WANDB,
}
_TEMPORALLY_AWARE = {"rules.lpg.lifetime_conditioning": True, "levels.min_lifetime": 10, "levels.max_lifetime": 250}


def run() -> None:
    """Meta-train as the flags say."""
    place = (_COORDINATOR.value, _PROCESSES.value, _PROCESS.value)
    if _DISTRIBUTED.value:
        from groove.utils.processes import join

        join(*place)
    elif any(value is not None for value in place):
        raise ConfigError("--coordinator, --processes and --process are read with --distributed only: add it.")
    from groove.evaluation.openness.report import report_openness
    from groove.training.run import meta_train
    from groove.utils.processes import is_first

    result = meta_train(
        preset=_CONFIG.value,
        overrides=_overrides(),
        run_dir=_RUN_DIR.value,
        resume=_RESUME.value,
        wait=_WAIT.value,
        compilation_cache=_COMPILATION_CACHE.value,
    )
    if is_first() and (text := report_openness(result.run_dir)):
        print(text)


def _overrides() -> dict[str, Any]:
    """Return the fields that flags set.

    Raises:
      ConfigError: if two flags set a field to different values.
    """
    given: dict[str, Any] = {}
    for field, value in _given():
        if str(given.setdefault(field, value)) != str(value):
            raise ConfigError(f"{field} is given twice, as {given[field]} and as {value}: keep one of them.")
    return {**_TEMPORALLY_AWARE, **given} if _LIFETIME_CONDITIONING.value else given


def _given() -> Iterator[tuple[str, Any]]:
    yield from ((field, flag.value) for field, flag in _FIELDS.items() if flag.value is not None)
    if _PLR.value is not None:
        yield "plr.robust", _PLR.value == "robust"
    yield from (split_assignment(assignment) for assignment in _SET.value)


PROGRAM = Program(
    summary="Meta-train an update rule on a curriculum of levels.",
    example="--config laptop --curriculum ar",
    flags=_FLAGS,
    run=run,
)
