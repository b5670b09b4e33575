"""Lists, draws, exports and imports levels: python launch/levels.py draw --from RUN --top 64 --to levels.png."""

from absl import app, flags, logging

from groove.cli.levels import levels

_FROM = flags.DEFINE_string("from", None, "A run directory or a level file; for import, a JSON file.", required=True)
_TO = flags.DEFINE_string("to", None, "The file to write: a picture, a level file, or JSON.")
_TOP = flags.DEFINE_integer("top", 64, "The highest-scoring levels, best first; 0 for all.")
_FORCE = flags.DEFINE_bool("force", False, "Replaces a file that exists.")
_LIFETIMES = flags.DEFINE_list("lifetimes", [], "Shortest,longest: redraws the levels' lifetimes, log-uniformly.")


def main(argv: list[str]) -> int:
    """Turns flags into one call."""
    logging.set_verbosity(logging.ERROR)
    if len(argv) != 2:
        raise app.UsageError("say one of list, draw, export, import; for instance: levels.py list --from RUN.")
    return levels(
        argv[1],
        source=_FROM.value,
        to=_TO.value,
        top=_TOP.value,
        force=_FORCE.value,
        lifetimes=_LIFETIMES.value,
    )


if __name__ == "__main__":
    app.run(main)
