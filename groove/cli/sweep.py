"""The program sweep: meta-trains every training of a sweep file."""

from groove.cli._executor import executor_flags
from groove.cli._main import FlagSet, Program

_FLAGS = FlagSet()
_TO = _FLAGS.string("to", "runs/sweep", "Folder of the runs; finished runs are not repeated, others are resumed.")
_DRY_RUN = _FLAGS.boolean("dry_run", False, "Print the missing runs and their minutes, and do nothing.")
_EXECUTOR, _JOBS = executor_flags(_FLAGS)


def run(file: str) -> None:
    """Run the sweep as the flags say."""
    from groove.sweep.sweep import describe, sweep
    from groove.sweep.sweep_file import read_sweep
    from groove.utils import parallel
    from groove.utils.paths import check_folder, user_path

    parallel.use_cpu_only()  # the accelerators are for the processes that train
    trainings, runs = read_sweep(user_path(file, "FILE")), user_path(_TO.value, "--to")
    check_folder(runs, "--to")
    if _DRY_RUN.value:
        print(describe(trainings, runs, _JOBS.value))
        return
    sweep(trainings, runs, _EXECUTOR, _JOBS.value)


PROGRAM = Program(
    summary="Meta-train every combination of the curricula, settings and meta-seeds in a TOML file.",
    example="sweep.toml --to runs/sweep --jobs 2",
    flags=_FLAGS,
    run=run,
    arguments={"file": "the sweep file, in TOML; docs/scale.md says what it holds."},
)
