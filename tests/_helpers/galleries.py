"""Galleries of a tiny run, without a run."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp

from groove.meta.groups import Group
from groove.training.report.gallery import make_gallery
from groove.training.settings.presets import preset
from tests._helpers.tiny import tiny_setup


def tiny_gallery(seconds, count=2, antagonist=True):
    """Levels of a four by four grid with scores 2, 1 and 0, with agents if there is time."""
    setup = tiny_setup(antagonist=antagonist)
    levels = jax.vmap(setup.env.sample_level)(jax.random.split(jax.random.key(0), 3))
    curriculum = SimpleNamespace(name="ar", top=lambda state, n: (levels, jnp.array([2.0, 1.0, 0.0])))
    state = SimpleNamespace(
        levels=SimpleNamespace(level=levels), curriculum=None, eta=setup.rule.init(jax.random.key(1))
    )
    return make_gallery(preset("smoke"), (Group("tables", setup, curriculum, 3),), state, seconds, count)
