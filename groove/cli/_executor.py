"""The flags of programs that start many processes."""

from collections.abc import Callable

from absl import flags as absl_flags

from groove.cli._main import FlagSet
from groove.sweep.executor import EXECUTORS, Executor, Resources, make_executor
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import split_assignment


def executor_flags(flags: FlagSet) -> tuple[Callable[[], Executor], absl_flags.FlagHolder]:
    """Define the flags, and return the function that builds the executor and the holder of the number of jobs."""
    executor = flags.choice(
        "executor",
        "local",
        EXECUTORS,
        "Where the processes run: on this machine, a Ray cluster or Slurm; the machines share files and environment.",
    )
    jobs = flags.integer("jobs", 2, "Processes that run side by side, one device each.", least=1, most=10**4)
    cpus = flags.integer("cpus", 1, "CPU cores that a cluster gives to each process.", least=1, most=10**4)
    gpus = flags.integer("gpus", 0, "GPUs that a cluster gives to each process.", least=0, most=10**4)
    options = flags.repeated(
        "option",
        "Set an option of the executor, as in --option address=auto (Ray) or --option slurm_partition=long (Slurm); "
        "may be repeated. docs/scale.md lists them.",
    )

    def make() -> Executor:
        chosen: dict[str, str] = {}
        for name, value in map(split_assignment, options.value):
            if chosen.setdefault(name, value) != value:
                raise ConfigError(
                    f"--option {name} is given twice, as {chosen[name]} and as {value}: keep one of them."
                )
        return make_executor(executor.value, Resources(cpus.value, gpus.value, chosen))

    return make, jobs
