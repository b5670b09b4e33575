"""The table of a linear rule: the numbers of the rule itself, beside the inputs that they weigh."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import groove
from figures.analysis.linear_rule import table
from groove.dropin.rule_file import save_rule
from groove.lpg.lpg import make_lpg
from groove.lpg.network import LPGConfig, LPGInputs, ValueInputs, input_names, make_lpg_network

LINEAR = LPGConfig(base="a2c", core="linear", prediction_width=2)


@pytest.mark.parametrize("conditioned", [False, True])
def test_each_number_stands_beside_the_input_that_it_weighs(tmp_path, conditioned):
    config = dataclasses.replace(LINEAR, lifetime_conditioning=conditioned)
    names, eta = input_names(config), make_lpg(config).init(jax.random.key(0))
    numbers = np.arange(2.0 * len(names), dtype=np.float32).reshape(-1, 2)
    save_rule(
        tmp_path / "r.safetensors",
        jax.device_get({**eta, "residual": {"w": numbers, "b": np.asarray([0.5, -0.25], np.float32)}}),
        {"rule": "lpg", "lpg": dataclasses.asdict(config)},
    )
    rows = [line.strip("|").split("|") for line in table(groove.load(tmp_path / "r.safetensors")).splitlines()[2:]]
    assert [name.strip() for name, *_ in rows] == [*names, "1"]
    assert [[float(x) for x in row] for _, *row in rows] == [*numbers.tolist(), [0.5, -0.25]]


def test_inputs_are_named_in_the_order_of_the_network():
    config = dataclasses.replace(LINEAR, lifetime_conditioning=True)
    network, names = make_lpg_network(config), input_names(config)
    row, flag, y = jnp.zeros((1, 1)), jnp.zeros((1, 1), bool), jnp.full((1, 1, 2), 0.5)
    inputs = LPGInputs(row, flag, flag, row, y, y, row[0], row[0] + 1.0, ValueInputs(*[row] * 6))
    changes = {
        "reward": dataclasses.replace(inputs, reward=row + 1),
        "probability": dataclasses.replace(inputs, prob=row + 1),
        "TD error": dataclasses.replace(inputs, values=dataclasses.replace(inputs.values, td_error=row + 1)),
        "entropy": dataclasses.replace(inputs, values=dataclasses.replace(inputs.values, entropy=row + 1)),
        "progress": dataclasses.replace(inputs, progress=row[0] + 1),
    }
    eta = network.init(jax.random.key(0))
    for name, changed in changes.items():
        only = np.zeros((len(names), 2), np.float32)
        only[names.index(name), 1] = 1.0  # the bias b reads this input alone
        weights = {**eta, "residual": {"w": only, "b": np.zeros(2, np.float32)}}
        assert float(network.apply(weights, inputs).pi_hat[0, 0]) == 0.0
        assert float(network.apply(weights, changed).pi_hat[0, 0]) > 0.1, name
