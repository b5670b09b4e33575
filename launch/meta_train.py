"""Meta-trains an update rule: python launch/meta_train.py --curriculum ar."""

from absl import app, flags, logging

from groove.cli.meta_train import meta_train

_CONFIG = flags.DEFINE_string(
    "config", None, "smoke, laptop, release or paper; by default laptop on a CPU, paper elsewhere."
)
_SET = flags.DEFINE_multi_string("set", [], "Overrides a field, as in --set meta.learning_rate=3e-4; may be repeated.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Where the run's files go; a new directory under runs/ by default.")
_RESUME = flags.DEFINE_bool("resume", False, "Continues the run in --run_dir from its latest checkpoint.")
_CACHE = flags.DEFINE_bool("compilation_cache", True, "Keeps compiled programs between processes.")
_AWARE = flags.DEFINE_bool(
    "lifetime_conditioning", False, "TA-LPG: the rule sees n/L and log L, and lifetimes are log-uniform in 10 .. 250."
)
_FIELDS = {
    "curriculum": flags.DEFINE_string(
        "curriculum", None, "Where levels come from and what they are replayed by: docs/curricula.md lists all."
    ),
    "antagonists": flags.DEFINE_string(
        "antagonist", None, "a2c, ppo, random, optimal; the best of several, as a2c,ppo."
    ),
    "meta.optimizer": flags.DEFINE_string("meta_optimizer", None, "gradient or es."),
    "plr.robust": flags.DEFINE_enum("plr", None, ["standard", "robust"], "robust: no meta-gradient on fresh levels."),
    "seed": flags.DEFINE_integer("seed", None, "Of all randomness."),
    "devices": flags.DEFINE_integer("devices", None, "Local devices to share the slots out over; all by default."),
    "run.steps": flags.DEFINE_integer("steps", None, "Meta-steps."),
    "run.minutes": flags.DEFINE_float("minutes", None, "Wall-clock limit on training; 0 for none."),
    "run.wandb": flags.DEFINE_bool("wandb", None, "Also log to Weights & Biases."),
}
_TEMPORALLY_AWARE = ("rules.lpg.lifetime_conditioning=true", "levels.min_lifetime=10", "levels.max_lifetime=250")
_SPELLED = {"standard": "false", "robust": "true"}


def main(argv: list[str]) -> int:
    """Turns flags into one call."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]}; every option is a --flag.")
    logging.set_verbosity(logging.ERROR)  # libraries narrate every file they write
    named = [
        f"{field}={_SPELLED.get(str(flag.value), flag.value)}"
        for field, flag in _FIELDS.items()
        if flag.value is not None
    ]
    return meta_train(
        preset=_CONFIG.value,
        assignments=[*(_TEMPORALLY_AWARE if _AWARE.value else ()), *named, *_SET.value],
        run_dir=_RUN_DIR.value,
        resume=_RESUME.value,
        compilation_cache=_CACHE.value,
    )


if __name__ == "__main__":
    app.run(main)
