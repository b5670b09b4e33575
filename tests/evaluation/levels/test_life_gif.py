"""The animation shows three acts of one length side by side."""

import io

import numpy as np
import pytest
from PIL import Image

from groove.evaluation.levels.life_gif import animation, write_life_gif
from groove.utils.errors import ConfigError


def test_every_picture_of_an_act_becomes_a_frame():
    acts = [(f"act {i}\nx", [np.full((20, 20, 3), 40 * i + step, np.uint8) for step in (0, 90)]) for i in range(3)]
    with Image.open(io.BytesIO(animation(acts, "a caption"))) as gif:
        assert gif.n_frames == 2
        assert gif.size == (3 * 20 + 4 * 16, 20 + 40 + 2 * 16)
        assert gif.info["comment"] == b"a caption"


@pytest.mark.usefixtures("devices_of_the_tests")
def test_an_agent_is_shown_at_three_ages(tmp_path):
    path = write_life_gif("sparse", tmp_path / "life.gif", rule="random", updates=2)
    with Image.open(path) as gif:
        assert gif.width > 3 * 200
        assert 1 < gif.n_frames <= 61


@pytest.mark.parametrize(("to", "message"), [("life.png", "in .gif"), ("there.gif", "exists")])
def test_files_that_cannot_be_written_are_refused_first(tmp_path, to, message):
    (tmp_path / "there.gif").touch()
    with pytest.raises(ConfigError, match=message):
        write_life_gif("no such level", tmp_path / to)
