"""Rules with a value head: their bases, exact meta-gradients, the value as a constant, and the unit of reward."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.envs.base import Discrete
from groove.envs.gridworld.dynamics import make_gridworld
from groove.lifetimes import lifetime
from groove.lpg.a2c import A2CConfig, make_a2c
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.ppo import PPOConfig, make_ppo
from groove.lpg.value_lpg import adapt_agent
from groove.meta.gradient import GradientConfig, meta_gradient, meta_loss
from groove.utils.errors import ConfigError
from tests._helpers.probes import make_probe
from tests._helpers.tiny import LEVELS, LPG, SIZES, assert_all_moved, tiny_setup, tiny_slots

NETWORK = AgentConfig(torso="mlp", widths=(8,), optimizer="adam", learning_rate=1e-2)
# eight transitions of meta-training's tiny rollouts are divided by M = 2
PPO = dataclasses.replace(LPG, base="ppo", epochs=2, minibatches=2)
A2C = dataclasses.replace(LPG, base="a2c")
VALUES = dataclasses.replace(LPG, value_head=True)
CONTROLS = dataclasses.replace(PPO, core="linear", controls=True)
PLAIN = dataclasses.replace(CONTROLS, core="none")
RULES = {"values": VALUES, "a2c": A2C, "ppo": PPO, "controls": CONTROLS, "plain": PLAIN}
DISCOUNT = LPG.discount
SLOW = pytest.mark.slow  # other cases of the same kind run with every change


def _scaled(env, unit):
    """Return an environment whose rewards are multiplied by a number."""

    def step(*args):
        result = env.step(*args)
        return dataclasses.replace(result, reward=unit * result.reward)

    return env._replace(step=step)


def _live(rule, observation, eta=None, unit=1.0, updates=20, levels=3):
    """Train one agent per level and return the learners."""
    env = _scaled(make_gridworld(SIZES, LEVELS, observation), unit)
    config = AgentConfig() if isinstance(env.observation, Discrete) else NETWORK
    agent = make_agent(env.observation, rule.heads(env.num_actions), rule.adapt_agent(config))
    eta = rule.init(jax.random.key(0)) if eta is None else eta

    @jax.jit
    def run():
        level = jax.vmap(env.sample_level)(jax.random.split(jax.random.key(1), levels))
        keys = jax.random.split(jax.random.key(2), levels)
        born = jax.vmap(lambda lv, k: lifetime.begin(env, agent, rule, lv, jnp.int32(updates), k, 4, 6))(level, keys)
        return lifetime.live(env, agent, rule, eta, born, level, 6, updates)[0].learner

    return run()


def _trained(eta, seed=0):
    """Return parameters of a network whose residuals are not zero."""
    keys = iter(jax.random.split(jax.random.key(seed), len(jax.tree.leaves(eta))))
    return jax.tree.map(lambda x: x + 0.3 * jax.random.normal(next(keys), x.shape), eta)


@pytest.mark.parametrize(
    ("base", "observation", "scaled"),
    [
        ("a2c", "index", True),
        ("ppo", "features", False),
        ("plain", "features", True),
        *(pytest.param("controls", observation, False, marks=SLOW) for observation in ("index", "features")),
        pytest.param("a2c", "features", False, marks=SLOW),
        pytest.param("ppo", "index", True, marks=SLOW),
    ],
)
def test_the_untrained_rule_is_its_base(base, scaled, observation):
    config = dataclasses.replace(RULES[base], scale_rewards=scaled)
    if base == "a2c":
        expected = make_a2c(A2CConfig(scale_rewards=scaled), DISCOUNT)
    else:
        expected = make_ppo(PPOConfig(epochs=2, minibatches=2, scale_rewards=scaled), DISCOUNT)
    ours, theirs = (_live(rule, observation).params for rule in (make_lpg(config), expected))
    assert set(ours) >= set(theirs)
    for name, group in theirs.items():
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5), ours[name], group)
    assert float(jnp.abs(ours["logits"] if "logits" in ours else ours["head_logits"]["w"]).max()) > 0.01


@pytest.mark.parametrize(
    "name", [*(pytest.param(name, marks=SLOW) for name in ("values", "a2c", "ppo", "plain")), "controls"]
)
def test_the_meta_gradient_equals_finite_differences_in_double_precision(name):
    # in tables the value does not depend on eta once the rollouts are given, so that the derivative is exact; under
    # controls, which set the value's steps, too, the value therefore has to stand still
    with jax.enable_x64(True):
        env, rule = make_probe(3, 5, rewards=(0.3, 1.0)), make_lpg(RULES[name])
        agent = AgentConfig(critic_learning_rate=1e-30) if RULES[name].controls else AgentConfig()
        student = make_agent(env.observation, rule.heads(env.num_actions), agent)
        setup = tiny_setup(env, rule)._replace(student=student)
        levels, lives = tiny_slots(setup, 2)
        eta = jax.tree.map(lambda x: x.astype(jnp.float64), _trained(setup.rule.init(jax.random.key(0))))
        if RULES[name].controls:  # steps many times as long would amplify the errors of differences
            eta["controls"] = jax.tree.map(lambda x: 0.1 * x, eta["controls"])
        config = GradientConfig(updates=3, micro_batch=2)

        @jax.jit
        def loss(eta):
            return meta_loss(setup, config, eta, levels, lives, jnp.asarray([1.0, 0.5]))[0]

        gradient = jax.jit(jax.grad(loss))(eta)
        for seed in range(3):
            direction = jax.tree.map(jnp.subtract, _trained(eta, seed), eta)

            def along(scale, direction=direction):
                return loss(jax.tree.map(lambda w, d: w + scale * d, eta, direction))

            numeric = (along(1e-5) - along(-1e-5)) / 2e-5
            analytic = sum(jax.tree.leaves(jax.tree.map(jnp.vdot, gradient, direction)))
            # a factor of steps bends the loss, which differences feel
            rtol = 1e-4 if RULES[name].controls else 1e-5
            np.testing.assert_allclose(analytic, numeric, rtol=rtol, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "observation"),
    [
        ("plain", "index"),
        *(pytest.param(name, "features", marks=SLOW) for name in ("a2c", "ppo", "values", "controls")),
    ],
)
def test_no_meta_gradient_reaches_the_value_head(name, observation):
    setup = tiny_setup(make_gridworld(SIZES, LEVELS, observation), make_lpg(RULES[name]))
    levels, lives = tiny_slots(setup, 4)
    eta = _trained(setup.rule.init(jax.random.key(0)))

    @jax.jit
    @jax.grad
    def slope(params):
        student = dataclasses.replace(lives.student, learner=dataclasses.replace(lives.student.learner, params=params))
        born = dataclasses.replace(lives, student=student)
        return meta_loss(setup, GradientConfig(updates=2), eta, levels, born, levels.weight)[0]

    gradient = slope(lives.student.learner.params)
    for head, group in gradient.items():
        size = max(float(jnp.abs(g).max()) for g in jax.tree.leaves(group))
        assert (size == 0) == ("value" in head), head


@pytest.mark.parametrize(
    ("name", "observation"),
    [("a2c", "index"), *(pytest.param(name, "features", marks=SLOW) for name in ("ppo", "controls"))],
)
def test_every_parameter_has_a_finite_meta_gradient_and_agents_move(name, observation):
    setup = tiny_setup(make_gridworld(SIZES, LEVELS, observation), make_lpg(RULES[name]))
    (levels, lives), eta = (
        tiny_slots(setup, 8),
        _trained(setup.rule.init(jax.random.key(0)), seed=2),
    )  # seeds 0 and 1 leave no unit of phi alive
    config = GradientConfig(updates=3, micro_batch=4)
    gradient, after, metrics = jax.jit(lambda e: meta_gradient(setup, config, e, levels, lives, levels.weight))(eta)
    assert all(bool(jnp.isfinite(g).all()) for g in jax.tree.leaves(gradient))
    assert_all_moved(jax.tree.map(jnp.zeros_like, gradient), gradient)
    assert_all_moved(lives.student.learner.params, after.student.learner.params)
    assert {"value_error", "clip_fraction", "pi_hat_l2"} < set(metrics)
    assert ({"step_factor", "entropy_factor"} < set(metrics)) == (name == "controls")


@pytest.mark.parametrize("name", [*(pytest.param(name, marks=SLOW) for name in ("values", "a2c", "ppo")), "controls"])
def test_the_unit_of_reward_does_not_matter(name):
    rule = make_lpg(RULES[name])
    eta = _trained(rule.init(jax.random.key(0)))
    usual = _live(rule, "index", eta, updates=8)
    # powers of two scale without rounding; 2^-10 and 2^10 are about 1/1000 and 1000
    for unit in (2.0**-10, 2.0**10):
        other = _live(rule, "index", eta, unit, updates=8)
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6), usual.params, other.params)
        np.testing.assert_allclose(other.rule_state.peak, unit * usual.rule_state.peak, rtol=1e-6)


def test_the_paper_s_rule_keeps_its_identity_and_reads_none_of_the_new_settings():
    text = repr(LPGConfig())
    assert text == (
        "LPGConfig(hidden=256, core='gru', prediction_width=8, embedding_width=16, embedding_gain=1.0, "
        "prediction_coefficient=0.5, lifetime_conditioning=False, discount=0.99, init_scale=1.0, normalise=True, "
        "max_target_gradient=0.05)"
    )
    assert repr(LPGConfig(epochs=9, trace=0.5)) == text
    assert "epochs=4" in repr(LPGConfig(base="ppo"))
    assert "controls" not in repr(LPGConfig(base="ppo"))
    assert "controls=True" in repr(LPGConfig(base="ppo", controls=True))
    assert "prediction_width" not in repr(PLAIN)

    assert "epochs" not in repr(LPGConfig(base="a2c"))
    assert repr(LPGConfig(base="a2c", trace=0.5)) != repr(LPGConfig(base="a2c"))
    assert repr(A2CConfig()) == "A2CConfig(trace=0.95, entropy_coefficient=0.01, normalise_advantages=True)"


def test_agents_of_a_rule_that_sets_controls_only_need_no_prediction():
    assert make_lpg(PLAIN).heads(4) == {"logits": 4, "value": 1}
    assert make_lpg(PLAIN).regularizers == ()
    for config in (LPGConfig(core="none"), LPGConfig(core="none", base="a2c"), LPGConfig(core="none", value_head=True)):
        with pytest.raises(
            ConfigError, match=r"core=none leaves the rule nothing to learn.*set rules\.lpg\.controls=true"
        ):
            make_lpg(config)


def test_tables_of_a_rule_may_take_smaller_steps():
    table, network = AgentConfig(), AgentConfig(torso="mlp", widths=(4,), optimizer="adam", learning_rate=1e-3)
    usual, small = (adapt_agent(LPGConfig(base="ppo", table_step=step), table) for step in (1.0, 0.25))
    assert (usual.learning_rate, usual.critic_learning_rate) == (3.0, 4.0)
    assert (small.learning_rate, small.critic_learning_rate) == (0.75, 1.0)
    assert adapt_agent(LPGConfig(base="ppo", table_step=0.25), network) == network
    assert adapt_agent(LPGConfig(base="a2c"), table) == table
