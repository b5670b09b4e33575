"""Values and Retrace targets: golden arrays, a reference, and a trajectory by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.lpg.disco.experience import Trajectories, as_heads, as_outputs, of_action
from groove.lpg.disco.heads import head_widths
from groove.lpg.disco.transforms import mean_value
from groove.lpg.disco.values import estimate, retrace
from tests._helpers import disco, disco_reference


def test_retrace_targets_are_the_published_ones(golden):
    x = {name.removeprefix("call1/"): v for name, v in golden.items()}
    action = jnp.asarray(x["in/actions"][:-1], jnp.int32)
    seen = Trajectories(action, x["in/rewards"], x["in/is_terminal"] > 0, x["in/behaviour/logits"][:-1])
    own = of_action(jnp.asarray(x["value/target_q_value"][:-1]), action)
    goal = retrace(seen, x["value/target_value"], own, x["value/rho"])
    assert disco.error(x["value/q_target"], goal) < 1e-4
    assert disco.error(x["value/adv"], goal - x["value/target_value"][:-1]) < 1e-4


def test_a_trajectory_by_hand():
    seen = Trajectories(
        action=jnp.zeros((3, 1), jnp.int32),
        reward=jnp.asarray([[1.0], [2.0], [4.0]]),
        ended=jnp.asarray([[False], [True], [False]]),
        behaviour=jnp.zeros((3, 1, 1)),
    )
    value = jnp.asarray([[10.0], [20.0], [30.0], [40.0]])
    goal = retrace(
        seen, value, action_value=jnp.asarray([[5.0], [6.0], [7.0]]), ratio=jnp.asarray([[1.0], [2.0], [0.5]])
    )
    last, second = 4 + 0.997 * 40, 2.0
    first = 1 + 0.997 * (20 + 0.95 * (second - 6))  # the ratio 2 of the second action counts as 1
    np.testing.assert_allclose(goal[:, 0], [first, second, last], rtol=1e-6)


def test_every_value_equals_the_reference():
    x = disco.synthetic_call()
    seen, agent, target, _ = disco.given(x)
    wanted = disco_reference.values_of({name.removeprefix("in/"): np.asarray(v, np.float64) for name, v in x.items()})
    found = jax.jit(estimate)(seen, agent, target)
    for name, field in disco.VALUES.items():
        assert disco.error(wanted[f"value/{name}"], getattr(found, field)) < 1e-4, name


def test_the_value_of_an_action_is_the_mean_of_its_bins(golden):
    wanted = golden["call1/value/q_value"][5:8, :1]
    assert disco.error(wanted, mean_value(golden["part/in/agent/q"])) < 1e-4


@pytest.mark.parametrize("actions", [1, 3])
def test_heads_and_outputs_are_the_same_numbers(actions):
    widths = head_widths(actions)
    assert widths == {"logits": actions, "y": 600, "z": 600 * actions, "aux_pi": actions**2, "q": 601 * actions}
    rng = np.random.default_rng(0)
    heads = {name: rng.normal(size=(2, 5, width)).astype(np.float32) for name, width in widths.items()}
    outputs = as_outputs(heads)
    assert outputs.z.shape == (2, 5, actions, 600)
    np.testing.assert_array_equal(outputs.q[..., actions - 1, :], heads["q"][..., -601:])
    jax.tree.map(np.testing.assert_array_equal, as_heads(outputs), heads)


def test_of_action_picks_the_actions():
    x = jnp.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_array_equal(of_action(x, jnp.asarray([[0, 2], [1, 1]])), [[0.0, 5.0], [7.0, 10.0]])
