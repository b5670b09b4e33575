"""What was saved comes back bit for bit, and what cannot come back is refused in one line."""

import os
import shutil
import signal
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from groove.training.checkpoints.checkpoint import Checkpointer, CheckpointError, DamagedError
from groove.types import Learner

CHILD = """
import sys, jax, jax.numpy as jnp
from groove.training.checkpoints.checkpoint import Checkpointer
checkpoints = Checkpointer(sys.argv[1])
for step in range(1, 1000):
    checkpoints.save(step, {"w": jnp.full((300, 1000), step)}, {"step": step}, metric=-step)
    print(step, flush=True)
"""


def make_state(seed: int = 0, width: int = 8):
    """A train state in small: nested dicts, a dataclass, optax's named tuples, typed keys, odd floats, a sharding."""
    key = jax.random.key(seed)
    eta = {"lpg/~/gru": {"w": jax.random.normal(key, (4, width)), "b": jnp.array([jnp.nan, -0.0, jnp.inf])}}
    mesh = jax.make_mesh((1,), ("slots",), axis_types=(AxisType.Auto,), devices=jax.devices()[:1])
    sharded = jax.device_put(jnp.arange(6.0), NamedSharding(mesh, PartitionSpec("slots")))
    learner = Learner(params=sharded, opt_state=(), updates=jnp.int32(seed), lifetime=jnp.int32(7))
    meta_optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(3e-4)).init(eta)
    keys = (key, jax.random.split(key, 3), jax.random.key(seed, impl="rbg"))
    return {"eta": eta, "opt": meta_optimizer, "learner": learner, "keys": keys, "mask": jnp.array([True, False])}


def bits(leaf):
    plain = jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
    return np.asarray(plain).tobytes()


def assert_same(left, right):
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right)):
        assert (a.dtype, a.shape, a.sharding, bits(a)) == (b.dtype, b.shape, b.sharding, bits(b))


def message_of(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def largest_file(folder):
    return max((file for file in folder.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)


@pytest.fixture(scope="module")
def two_steps(tmp_path_factory):
    """A directory with checkpoints of steps 1 and 2; copy it before damaging it."""
    folder = tmp_path_factory.mktemp("saved")
    with Checkpointer(folder) as checkpoints:
        for step in (1, 2):
            assert checkpoints.save(step, make_state(step), {"frames": 10 * step})
    return folder


@pytest.fixture
def saved(two_steps, tmp_path):
    return shutil.copytree(two_steps, tmp_path / "checkpoints")


def test_a_state_comes_back_bit_for_bit(tmp_path):
    state = make_state(3)
    host = {"frames": 2**60, "seconds": 0.1, "names": ["a", None], "last": {"x": 1e-300}}
    with Checkpointer(tmp_path) as checkpoints:
        checkpoints.save(12, state, host)
        restored, read, step = checkpoints.restore(make_state(0))
    assert (read, step) == (host, 12)
    assert_same(restored, state)
    assert jnp.array_equal(jax.random.uniform(restored["keys"][0]), jax.random.uniform(state["keys"][0]))
    assert isinstance(restored["opt"][1][0], optax.ScaleByAdamState)


def test_the_state_may_be_donated_while_it_is_written(tmp_path):
    increase = jax.jit(lambda x: x + 1, donate_argnums=0)
    x = jnp.zeros((1000, 1000))
    with Checkpointer(tmp_path) as checkpoints:
        checkpoints.save(1, {"x": x}, {})
        for _ in range(20):
            x = increase(x)
        restored, _, _ = checkpoints.restore({"x": x})
    assert not restored["x"].any()


def test_the_last_three_and_the_best_stay(tmp_path):
    metrics = {1: 0.1, 2: 0.9, 3: None, 4: float("nan"), 5: 0.9 - 1e-9, 6: None, 7: 0.2}
    state = {"x": jnp.zeros(2)}
    with Checkpointer(tmp_path) as checkpoints:
        for step, metric in metrics.items():
            checkpoints.save(step, state, {}, metric)
    assert sorted(os.listdir(tmp_path)) == ["2", "5", "6", "7"]
    with Checkpointer(tmp_path) as checkpoints:  # the metrics are known to the next process
        assert (checkpoints.best_step(), checkpoints.latest_step()) == (2, 7)
        checkpoints.save(8, state, {}, 0.5)
        checkpoints.save(9, state, {}, 1.0)
        assert checkpoints.best_step() == 9
    assert sorted(os.listdir(tmp_path)) == ["7", "8", "9"]


def test_a_step_is_written_once_and_never_behind_a_later_one(tmp_path):
    with Checkpointer(tmp_path) as checkpoints:
        assert checkpoints.save(4, {"x": jnp.zeros(2)}, {"first": True})
        assert not checkpoints.save(4, {"x": jnp.ones(2)}, {"first": False})
        with pytest.raises(CheckpointError, match="holds step 4, later than 3") as error:
            checkpoints.save(3, {"x": jnp.ones(2)}, {})
        message_of(error)
        restored, host, _ = checkpoints.restore({"x": jnp.zeros(2)})
    assert host == {"first": True}
    assert not restored["x"].any()


def test_a_killed_process_leaves_only_whole_checkpoints(tmp_path):
    command = [sys.executable, "-c", CHILD, str(tmp_path / "c")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for _ in range(6):
            started = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
    with Checkpointer(tmp_path / "c", notice=pytest.fail) as checkpoints:
        state, host, step = checkpoints.restore({"w": jnp.zeros((300, 1000), jnp.int32)})
        assert started - 1 <= step
        assert host == {"step": step}
        assert (state["w"] == step).all()
        assert checkpoints.best_step() == 1
        assert checkpoints.save(step + 1, state, {})
        assert checkpoints.restore(state)[2] == step + 1


def test_a_half_written_checkpoint_is_never_seen(saved):
    shutil.copytree(saved / "2", saved / "3.orbax-checkpoint-tmp")
    largest_file(saved / "3.orbax-checkpoint-tmp").unlink()
    with Checkpointer(saved) as checkpoints:
        assert checkpoints.latest_step() == 2
        assert checkpoints.save(3, make_state(3), {})
        assert_same(checkpoints.restore(make_state())[0], make_state(3))


def truncate(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("which", "damage"),
    [(which, damage) for which in ("arrays", "note") for damage in (truncate, flip_a_bit, os.remove)]
    + [("checksums", truncate)],
)
def test_a_damaged_checkpoint_is_named_and_passed_over(saved, which, damage):
    files = {"arrays": largest_file(saved / "2" / "state"), "checksums": saved / "2" / "checksums.json"}
    files["note"] = saved / "2" / "note" / "metadata"
    damage(files[which])
    notices = []
    with Checkpointer(saved, notice=notices.append) as checkpoints:
        with pytest.raises(DamagedError) as error:
            checkpoints.restore(make_state(), step=2)
        assert str(files[which]) in message_of(error)
        assert (saved / "2").is_dir(), "a step that was asked for is left where it is"
        state, host, step = checkpoints.restore(make_state())
        assert (host, step) == ({"frames": 10}, 1)
        assert_same(state, make_state(1))
        assert len(notices) == 1
        assert "going on from 1" in notices[0]
        assert str(files[which]) in notices[0]
        assert (saved / "2.unreadable").is_dir(), "nothing is deleted"
        assert checkpoints.save(2, state, {}), "the run goes through the same step again"
        assert checkpoints.restore(make_state())[2] == 2


def test_damage_to_a_checkpoint_without_checksums_is_found_by_reading(saved):
    (saved / "2" / "checksums.json").unlink()
    (saved / "2" / "note" / "metadata").write_text('{"host": {}, ')
    notices = []
    with Checkpointer(saved, notice=notices.append) as checkpoints:
        assert checkpoints.restore(make_state())[2] == 1
    assert len(notices) == 1


def test_nothing_readable_is_refused(saved):
    for step in (1, 2):
        largest_file(saved / str(step) / "state").unlink()
    with Checkpointer(saved, notice=lambda _: None) as checkpoints:
        with pytest.raises(CheckpointError, match="no readable checkpoint: start a new run") as error:
            checkpoints.restore(make_state())
        message_of(error)


def test_a_missing_checkpoint_is_refused(saved, tmp_path):
    with Checkpointer(tmp_path / "empty") as checkpoints:
        assert checkpoints.latest_step() is None
        assert checkpoints.best_step() is None
        with pytest.raises(CheckpointError, match="no readable checkpoint"):
            checkpoints.restore(make_state())
    with Checkpointer(saved) as checkpoints, pytest.raises(CheckpointError, match=r"of step 5, but \[1, 2\]"):
        checkpoints.restore(make_state(), step=5)


def test_another_architecture_is_refused_by_name_and_shapes(saved):
    with Checkpointer(saved, notice=pytest.fail) as checkpoints:
        with pytest.raises(CheckpointError, match="another architecture") as error:
            checkpoints.restore(make_state(width=16))
        assert "eta/lpg/~/gru/w is float32[4,8] there and float32[4,16] here" in message_of(error)
        other_key = make_state()
        other_key["keys"] = (jax.random.key(0, impl="rbg"), *other_key["keys"][1:])
        with pytest.raises(CheckpointError, match=r"keys/0 is key<fry>\[\] there and key<rbg>\[\] here"):
            checkpoints.restore(other_key)
        with pytest.raises(CheckpointError, match=r"extra is absent there and float32\[1\] here"):
            checkpoints.restore({**make_state(), "extra": jnp.zeros(1)})
        less = make_state()
        del less["mask"]
        with pytest.raises(CheckpointError, match=r"mask is bool\[2\] there and absent here"):
            checkpoints.restore(less)
        assert checkpoints.restore(make_state())[2] == 2, "it stands where it was"


def test_a_disk_that_fails_is_reported(saved, tmp_path, monkeypatch):
    checkpoints = Checkpointer(saved)

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints._manager, "save", fail)
        with pytest.raises(CheckpointError, match=r"could not be written .*No space left"):
            checkpoints.save(3, make_state(), {})
    assert checkpoints.latest_step() == 2
    checkpoints.close()
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot hold checkpoints"):
        Checkpointer(tmp_path / "file" / "below")
