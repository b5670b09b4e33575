"""Meta-trains an update rule: python launch/meta_train.py --curriculum ar."""

from absl import app, flags, logging

from groove.program import meta_train

_CONFIG = flags.DEFINE_string("config", None, "smoke, laptop or paper; by default laptop on a CPU, paper elsewhere.")
_SET = flags.DEFINE_multi_string("set", [], "Overrides a field, as in --set meta.learning_rate=3e-4; may be repeated.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Where the run's files go; a new directory under runs/ by default.")
_RESUME = flags.DEFINE_bool("resume", False, "Continues the run in --run_dir from its latest checkpoint.")
_CACHE = flags.DEFINE_bool("compilation_cache", True, "Keeps compiled programs between processes.")
_FIELDS = {
    "curriculum": flags.DEFINE_string("curriculum", None, "Where levels come from: ar or dr."),
    "seed": flags.DEFINE_integer("seed", None, "Of all randomness."),
    "devices": flags.DEFINE_integer("devices", None, "Local devices to share the slots out over; all by default."),
    "run.steps": flags.DEFINE_integer("steps", None, "Meta-steps."),
    "run.minutes": flags.DEFINE_float("minutes", None, "Wall-clock limit on training; 0 for none."),
    "run.wandb": flags.DEFINE_bool("wandb", None, "Also log to Weights & Biases."),
}


def main(argv: list[str]) -> int:
    """Turns flags into one call."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]}; every option is a --flag.")
    logging.set_verbosity(logging.ERROR)  # libraries narrate every file they write
    named = [f"{field}={flag.value}" for field, flag in _FIELDS.items() if flag.value is not None]
    return meta_train(
        preset=_CONFIG.value,
        assignments=[*named, *_SET.value],
        run_dir=_RUN_DIR.value,
        resume=_RESUME.value,
        compilation_cache=_CACHE.value,
    )


if __name__ == "__main__":
    app.run(main)
