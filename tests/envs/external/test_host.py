"""The interface of host environments: Atari implements all of it."""

import inspect

import numpy as np

from groove.envs.base import Box
from groove.envs.external.atari import AtariEnv, make_atari
from groove.envs.external.host import HostEnv, HostStep


def test_atari_has_every_member_with_the_same_arguments():
    members = [name for name in vars(HostEnv) if not name.startswith("_")]
    assert members == ["num_actions", "observation", "workers", "reset", "step"]
    for name in members:
        interface, own = getattr(HostEnv, name), getattr(AtariEnv, name)
        if isinstance(interface, property):
            assert isinstance(own, property)
        else:
            assert list(inspect.signature(own).parameters) == list(inspect.signature(interface).parameters)


def test_a_step_has_the_declared_shapes_and_its_arrays_are_never_written_to_again():
    env = make_atari("pong", workers=2, seed=0)
    assert isinstance(env.observation, Box)
    obs = env.reset()
    assert obs.shape == (env.workers, *env.observation.shape)
    step = env.step(np.zeros(2, np.int32))
    assert isinstance(step, HostStep)
    assert step.obs.shape == step.next_obs.shape == obs.shape
    assert all(array.shape == (2,) for array in (step.reward, step.raw_reward, step.terminated, step.truncated))
    kept = [array.copy() for array in (obs, *step)]
    for _ in range(5):
        env.step(np.ones(2, np.int32))
    for before, after in zip(kept, (obs, *step)):
        np.testing.assert_array_equal(before, after)
