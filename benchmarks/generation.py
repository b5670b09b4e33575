"""How long does a generation of evolution strategies take?

    python benchmarks/generation.py

By default: 16 candidates, a GRU of 256, 64 workers, lifetimes log-uniform in 10 .. 250, one device per core.
"""

import sys
from functools import partial

from _common import MetaTrainer, json_flag, timed, valid

from groove.cli._main import FlagSet, Program, run_program
from groove.training.settings.config import Config
from groove.training.settings.presets import preset
from groove.utils import parallel
from groove.utils.typed_fields import replace_all

_FLAGS = FlagSet()
_POPULATION = _FLAGS.integer("population", 16, "S, candidates of a generation; an even number.", least=2)
_WORKERS = _FLAGS.integer("workers", 64, "W, environment workers of each candidate.", least=1)
_HIDDEN = _FLAGS.integer("hidden", 256, "H, width of the rule's GRU.", least=1)
_AT_ONCE = _FLAGS.integer("pairs_at_once", 1, "Antithetic pairs that live side by side on one device.", least=1)
_REPEATS = _FLAGS.integer("repeats", 5, "Timed generations.", least=1)
_JSON = json_flag(_FLAGS)


def config_of_flags() -> Config:
    """Return the paper's configuration at the sizes of the flags.

    Raises:
      ConfigError: if the configuration is not valid.
    """
    values = {
        "curriculum": "dr",
        "meta.optimizer": "es",
        "rules.lpg.hidden": _HIDDEN.value,
        "rules.lpg.lifetime_conditioning": True,
        "levels.min_lifetime": 10,
        "levels.max_lifetime": 250,
        "slots.workers": _WORKERS.value,
        "es.population": _POPULATION.value,
        "es.pairs_at_once": _AT_ONCE.value,
        "run.log_every": 1,
        "devices": parallel.usable_devices(_POPULATION.value // 2),
    }
    return valid(replace_all(preset("paper"), values))


def main() -> None:
    """Time generations, print their seconds and mean lifetimes, and write the numbers if asked."""
    write = _JSON()
    parallel.request_devices(0)
    trainer = MetaTrainer(config_of_flags())
    first, _ = timed(partial(trainer.run, 1))
    print(f"compiling and the first generation: {first:.1f} s")
    rows = []
    for _ in range(_REPEATS.value):
        seconds, metrics = timed(partial(trainer.run, 1))
        rows.append({"seconds": seconds, "lifetime": float(metrics["lifetime"][0])})
        print(f"{rows[-1]['seconds']:6.2f} s, mean lifetime {rows[-1]['lifetime']:.0f} updates")
    mean = sum(row["seconds"] for row in rows) / len(rows)
    updates = sum(row["lifetime"] for row in rows) / len(rows) * _POPULATION.value
    print(f"mean {mean:.2f} s a generation, {1e3 * mean / updates:.2f} ms an agent update")
    write(rows)


PROGRAM = Program(
    "Measure the time of a generation of evolution strategies.", "--population 16 --hidden 256", _FLAGS, main
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
