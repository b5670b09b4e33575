"""Names of mixtures split into members and weights, with the paths that look like mixtures."""

import pytest

from groove.curriculum.sources.mixtures import portions, split_mixture
from groove.utils.errors import GrooveError

RUN = "runs/dr=0.5,handcrafted=0.3,mazes=0.2-laptop-0-20260101-000000"  # the default folder of a run of a mixture


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("mazes", {"mazes": 1.0}),
        ("dr=0.5", {"dr": 0.5}),
        ("dr=0.5,mazes=2", {"dr": 0.5, "mazes": 2.0}),
        ("dr=1e-1, mazes=.5", {"dr": 0.1, "mazes": 0.5}),
        ("set:3=1,set:a.safetensors=2", {"set:3": 1.0, "set:a.safetensors": 2.0}),
        ("mazs=1,dr=1", {"mazs": 1.0, "dr": 1.0}),  # an unknown source is refused elsewhere
    ],
)
def test_members_have_their_weights(name, members):
    assert split_mixture(name) == members


@pytest.mark.parametrize(
    "path", ["a,b.safetensors", "lr=0.1", "lr=0.1,seed=3/hard.safetensors", f"{RUN}/hard.safetensors", f"{RUN}/seed=3"]
)
def test_commas_and_equals_signs_of_a_path_belong_to_the_path(path):
    assert split_mixture(f"set:{path}") == {f"set:{path}": 1.0}
    assert split_mixture(f"set:{path}=0.5,dr=1") == {f"set:{path}": 0.5, "dr": 1.0}
    assert split_mixture(f"dr=1,set:{path}=0.5") == {"dr": 1.0, f"set:{path}": 0.5}
    assert split_mixture(f"dr=1,set:{path}=0.5,set:other=2") == {"dr": 1.0, f"set:{path}": 0.5, "set:other": 2.0}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dr=0.5,handcrafted", '"handcrafted" of "dr=0.5,handcrafted" has no weight'),
        ("set:a.safetensors=0.5,mazes", '"mazes" of .* has no weight'),
        ("dr=0.5,dr=0.5", "names dr twice"),
        ("dr=0,mazes=1", '"dr=0" must be positive'),
        ("dr=inf,mazes=1", '"dr=inf" must be positive and finite'),
        ("dr=nan,mazes=1", '"dr=nan" must be positive'),
    ],
)
def test_wrong_mixtures_are_refused(name, message):
    with pytest.raises(GrooveError, match=message):
        split_mixture(name)


@pytest.mark.parametrize(
    ("shares", "total", "counts"),
    [([1.0], 5, [5]), ([0.75, 0.25], 16, [12, 4]), ([0.5, 0.3, 0.2], 4, [2, 1, 1]), ([0.99, 0.01], 8, [8, 0])],
)
def test_portions_add_up(shares, total, counts):
    assert portions(shares, total) == counts
