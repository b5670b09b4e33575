"""How long is an ES generation? python benchmarks/generation.py

16 candidates, GRU 256, 64 workers, lifetimes log-uniform in 10 .. 250, on this machine's cores.
"""

import json
import time
from pathlib import Path

from absl import app, flags, logging

from groove.training.config import Config
from groove.training.presets import preset
from groove.utils import parallel
from groove.utils.typed_fields import replace_all

_POPULATION = flags.DEFINE_integer("population", 16, "S.")
_WORKERS = flags.DEFINE_integer("workers", 64, "W.")
_HIDDEN = flags.DEFINE_integer("hidden", 256, "H, width of the GRU.")
_AT_ONCE = flags.DEFINE_integer("pairs_at_once", 1, "Pairs that live side by side on one device.")
_REPEATS = flags.DEFINE_integer("repeats", 5, "Timed generations.")
_JSON = flags.DEFINE_string("json", None, "Also write the numbers here.")


def config_of_flags() -> Config:
    """The paper's configuration at the sizes of the flags."""
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
    return replace_all(preset("paper"), values)


def main(argv: list[str]) -> None:
    """Times generations, whose lifetimes differ, and prints them with what they did."""
    del argv
    logging.set_verbosity(logging.ERROR)
    parallel.request_devices(0)
    import jax

    from groove.training.build import build

    trainer = build(config_of_flags()).trainer
    state = trainer.init(jax.random.key(0))
    begin = time.perf_counter()
    state, metrics = trainer.run(state, 1)
    jax.block_until_ready(metrics)
    print(f"compiling and the first generation: {time.perf_counter() - begin:.1f} s")
    rows = []
    for _ in range(_REPEATS.value):
        begin = time.perf_counter()
        state, metrics = trainer.run(state, 1)
        jax.block_until_ready(metrics)
        rows.append({"seconds": time.perf_counter() - begin, "lifetime": float(metrics["lifetime"][0])})
        print(f"{rows[-1]['seconds']:6.2f} s, mean lifetime {rows[-1]['lifetime']:.0f} updates")
    mean = sum(row["seconds"] for row in rows) / len(rows)
    updates = sum(row["lifetime"] for row in rows) / len(rows) * _POPULATION.value
    print(f"mean {mean:.2f} s a generation, {1e3 * mean / updates:.2f} ms an agent update")
    if _JSON.value:
        Path(_JSON.value).write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
