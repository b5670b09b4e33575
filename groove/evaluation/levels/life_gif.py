"""An animation of one agent on a level: at birth, in the middle of its life and at its end, side by side."""

import io
from pathlib import Path
from typing import Any

import jax
import numpy as np

from groove.agents.agent import make_agent
from groove.dropin.find import NamedRule, find_rules
from groove.envs.gridworld.frames import FramePainter, Picture
from groove.evaluation.levels.find_level import FoundLevel, find_level
from groove.evaluation.levels.level_sets import check_target
from groove.evaluation.suites.agents import TABLE
from groove.lifetimes.recording import Act, Life, LifeRecorder, ages_until, make_performance
from groove.utils import parallel
from groove.utils.io import write_atomically
from groove.utils.jax_flags import standard_flags
from groove.utils.limits import MOST_LIFETIME, check_integer
from groove.utils.paths import PathLike, writing

_WORKERS, _STEPS, _EPISODES = 16, 20, 64
_WATCHED = 60  # steps of an episode
_WIDTH = 260  # pixels of a picture, about
_GAP, _TITLE = 16, 40  # pixels
_FRAME, _HOLD = 160, 1600  # milliseconds of a step, and of the last one
_INK, _PAPER = (0x22, 0x26, 0x2E), (255, 255, 255)
_NAMES = ("at birth", "in the middle of life", "at the end of life")


@standard_flags()
def write_life_gif(
    level: str, to: PathLike, *, rule: str = "groove", updates: int | None = None, seed: int = 0, force: bool = False
) -> Path:
    """Train an agent on a level, and write an animation of it at birth, in the middle and at the end of its life.

    Args:
      level: a named gridworld, or PATH or PATH:N of a level file or a run, as `find_level` reads it.
      to: the file, .gif.
      rule: a released rule, a run, a rule file or a hand-written rule.
      updates: lifetime of the agent, agent updates; None for that of the level.
      seed: of the life.
      force: replace a file that exists.

    Returns:
      The file.

    Raises:
      GrooveError: if there is no such level or rule, or the file cannot be written.
    """
    path = check_target(to, (".gif",), force)
    if updates is not None:
        check_integer("--updates", updates, MOST_LIFETIME)
    found, (named,) = find_level(level), find_rules([rule])
    parallel.keep_compilations()
    life = _live(found, named, updates or int(found.level.lifetime), seed)
    painter = FramePainter(found.level, found.sizes, max(8, _WIDTH // int(found.level.size)))
    with writing(path, "Choose another --to."):
        write_atomically(path, animation(_frames(life, painter), f"{named.name} on {Path(found.name).name}"))
    return path


def _live(found: FoundLevel, named: NamedRule, updates: int, seed: int) -> Life:
    """Return the life of an agent with a table under a rule."""
    env, rule = found.make_env(), named.rule
    agent = make_agent(env.observation, rule.heads(env.num_actions), rule.adapt_agent(TABLE))
    perform = make_performance(env, agent, episodes=_EPISODES, watched=_WATCHED)
    record = LifeRecorder(env, rule, agent, perform, workers=_WORKERS, steps=_STEPS)
    return record(named.eta, found.level, jax.random.key(seed), ages_until(updates, 2))


def _frames(life: Life, painter: FramePainter) -> list[tuple[str, list[Picture]]]:
    """Return the title and the pictures of each act; acts that are over stay as they are."""
    longest = max(act.length for act in life.acts)
    acts = []
    for act, age, returns, name in zip(life.acts, life.ages, life.returns, _NAMES[: len(life.acts)], strict=True):
        error = 1.96 * returns.std(ddof=1) / np.sqrt(len(returns))
        title = f"{name} ({age} updates)\nreturn {returns.mean():.2f} ± {error:.2f}, n = {len(returns)}"
        pictures = [painter.paint(_state(act, min(step, act.length))) for step in range(longest + 1)]
        acts.append((title, pictures))
    return acts


def _state(act: Act, step: int) -> Any:
    return jax.tree.map(lambda x: x[step], act.states)


def animation(acts: list[tuple[str, list[Picture]]], caption: str) -> bytes:
    """Return a GIF of acts side by side, each under its title of two lines.

    Args:
      acts: (title, pictures uint8 [size, size, 3]) of each act, equally many pictures of one size.
      caption: stored in the file as its comment.
    """
    from PIL import Image, ImageDraw, ImageFont

    size, count = len(acts[0][1][0]), len(acts)
    font = ImageFont.load_default(13)
    canvas = Image.new("RGB", (count * size + (count + 1) * _GAP, size + _TITLE + 2 * _GAP), _PAPER)
    draw = ImageDraw.Draw(canvas)
    for i, (title, _) in enumerate(acts):
        draw.multiline_text((_GAP + i * (size + _GAP), _GAP // 2), title, fill=_INK, font=font, spacing=3)
    frames = []
    for pictures in zip(*(pictures for _, pictures in acts), strict=True):
        for i, picture in enumerate(pictures):
            canvas.paste(Image.fromarray(picture), (_GAP + i * (size + _GAP), _TITLE + _GAP))
        frames.append(canvas.quantize(64))
    held = [_FRAME] * (len(frames) - 1) + [_HOLD]
    file = io.BytesIO()
    frames[0].save(
        file, "GIF", save_all=True, append_images=frames[1:], duration=held, loop=0, optimize=True, comment=caption
    )
    return file.getvalue()
