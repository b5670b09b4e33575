"""Losses and their gradients: golden transitions, and what must not move."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.lpg.disco.experience import Outputs, Trajectories
from groove.lpg.disco.losses import losses, total
from groove.lpg.disco.network import Targets
from tests._helpers import disco, disco_reference

PART = slice(5, 7)  # the transitions of the excerpt, in the first column; the second one ends an episode


def _excerpt(golden):
    agent = Outputs(*(golden[f"part/in/agent/{name}"] for name in Outputs._fields))
    targets = Targets(*(golden[f"part/out/{name}"] for name in ("pi", "y", "z")), summary=np.zeros((2, 1, 1)))
    x = {
        name.removeprefix("call1/"): v[PART, :1]
        for name, v in golden.items()
        if name.startswith("call1/") and v.ndim > 1
    }
    seen = Trajectories(
        jnp.asarray(x["in/actions"], jnp.int32), x["in/rewards"], x["in/is_terminal"] > 0, x["in/behaviour/logits"]
    )
    return agent, seen, targets, x


def test_losses_and_gradients_are_the_published_ones(golden):
    agent, seen, targets, x = _excerpt(golden)
    counted = golden["call1/in/loss_mask"].sum()

    def loss(agent):
        by_step = losses(agent, seen, targets, x["value/q_target"])
        return total(by_step, jnp.ones((2, 1))) * 2 / counted, by_step

    (_, by_step), slope = jax.jit(jax.value_and_grad(loss, has_aux=True))(agent)
    for name, field in disco.LOSSES.items():
        assert disco.error(x[f"loss/{name}"], getattr(by_step, field)) < 1e-4, name
    assert disco.error(x["loss/per_step"], by_step.weighted()) < 1e-4
    assert disco.error(x["grad/logits"], slope.logits[:-1]) < 1e-4
    assert disco.error(x["grad/aux_pi"], slope.aux_pi[:-1]) < 1e-4
    for name in ("y", "z", "q"):
        found = jnp.linalg.norm(getattr(slope, name)[:-1], axis=-1)
        assert disco.error(x[f"grad/{name}_norm"], found) < disco.tolerance(f"grad/{name}_norm"), name


def test_the_last_state_and_other_actions_get_no_gradient():
    seen, agent, target, _ = disco.given(disco.synthetic_call())
    targets = Targets(target.logits[:-1], target.y[:-1], target.z[:-1, :, 0], summary=jnp.zeros((6, 3, 1)))
    slope = jax.jit(jax.grad(lambda heads: total(losses(heads, seen, targets, seen.reward))))(agent)
    for x in slope:
        np.testing.assert_array_equal(x[-1], 0.0)
    other = np.arange(4) != np.asarray(seen.action)[..., None]
    for x in (slope.z, slope.aux_pi, slope.q):
        moved = np.abs(np.asarray(x[:-1])).sum(-1)
        np.testing.assert_array_equal(moved[other], 0.0)
    np.testing.assert_array_equal(np.asarray(slope.aux_pi[:-1]).any((2, 3)), ~np.asarray(seen.ended))


def test_the_mean_counts_what_the_mask_shows():
    x = disco.synthetic_call()
    seen, agent, target, _ = disco.given(x)
    targets = Targets(target.logits[:-1], target.y[:-1], target.z[:-1, :, 0], summary=jnp.zeros((6, 3, 1)))
    by_step = jax.jit(losses)(agent, seen, targets, seen.reward)
    mask = x["in/loss_mask"]
    np.testing.assert_allclose(total(by_step, mask), np.asarray(by_step.weighted())[mask > 0].mean(), rtol=1e-5)
    np.testing.assert_allclose(total(by_step), total(by_step, np.ones_like(mask)), rtol=1e-5)


def test_losses_equal_the_reference():
    x = disco.synthetic_call(seed=3)
    seen, agent, _, _ = disco.given(x)
    rng = np.random.default_rng(1)
    out = {f"out/{n}": rng.normal(size=(6, 3, w)).astype(np.float32) for n, w in (("pi", 4), ("y", 600), ("z", 600))}
    targets = Targets(out["out/pi"], out["out/y"], out["out/z"], summary=jnp.zeros((6, 3, 1)))
    plain = {name.removeprefix("in/"): np.asarray(v, np.float64) for name, v in x.items()}
    wanted = disco_reference.losses_of(plain, out | {"value/q_target": 30 * plain["rewards"]})
    found = losses(agent, seen, targets, 30 * seen.reward)
    for name, field in disco.LOSSES.items():
        assert disco.error(wanted[f"loss/{name}"], getattr(found, field)) < 1e-4, name
