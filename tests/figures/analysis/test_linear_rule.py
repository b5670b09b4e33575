"""The table of a linear rule: the numbers of the rule itself, beside the inputs that they weigh."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import groove
from figures.analysis.linear_rule import tables
from groove.dropin.rule_file import save_rule
from groove.lpg.controls import INPUTS, ControlInputs
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.network import LPGInputs, ValueInputs, input_names, make_lpg_network

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
    rows = [line.strip("|").split("|") for line in tables(groove.load(tmp_path / "r.safetensors")).splitlines()[2:]]
    assert [name.strip() for name, *_ in rows] == [*names, "1"]
    assert [[float(x) for x in row] for _, *row in rows] == [*numbers.tolist(), [0.5, -0.25]]


def test_the_numbers_of_controls_have_a_table_of_their_own(tmp_path):
    numbers = np.arange(12, dtype=np.float32).reshape(6, 2)
    for config in (
        LPGConfig(base="ppo", core="none", controls=True),
        dataclasses.replace(LINEAR, controls=True),
    ):
        eta = make_lpg(config).init(jax.random.key(0))
        eta = jax.device_get({**eta, "controls": {"w": numbers, "b": np.asarray([0.5, -0.25], np.float32)}})
        save_rule(tmp_path / "r.safetensors", eta, {"rule": "lpg", "lpg": dataclasses.asdict(config)})
        *residual, controls = tables(groove.load(tmp_path / "r.safetensors")).split("\n\n")
        assert len(residual) == (config.core == "linear")
        assert controls.splitlines()[0] == "| input | u | c |"
        assert controls.splitlines()[2] == "| progress | 0.00 | 1.00 |"
        assert controls.splitlines()[-1] == "| 1 | 0.50 | -0.25 |"


def test_controls_are_named_in_the_order_of_the_network():
    network = make_lpg_network(LPGConfig(base="ppo", core="none", controls=True))
    usual = ControlInputs(*(jnp.asarray([x]) for x in (0.5, 250.0, 0.5, 0.0, 0.0, 0.0)))
    assert len(INPUTS) == len(usual)
    for i, field in enumerate(usual._fields):
        only = np.zeros((6, 2), np.float32)
        only[i, 0] = 1.0
        weights = {"controls": {"w": only, "b": np.zeros(2, np.float32)}}
        changed = usual._replace(**{field: 2 * getattr(usual, field) + 0.1})
        assert network.controls(weights, usual).step[0] == pytest.approx(1.0)
        assert network.controls(weights, changed).step[0] > 1.05, INPUTS[i]


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
