"""Transforms of values against the published ones, and their inverses."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.lpg.disco import transforms
from groove.lpg.disco.heads import BINS
from tests._helpers import disco_reference


def test_scalar_transforms_are_the_published_ones(golden):
    x = golden["unit/scalar"]
    np.testing.assert_allclose(transforms.signed_log(x), golden["unit/signed_log"], rtol=1e-6)
    np.testing.assert_allclose(transforms.squash(x), golden["unit/hyperbolic"], rtol=1e-6)
    ours, theirs = np.asarray(transforms.unsquash(x)), golden["unit/inverse_hyperbolic"]
    assert np.max(np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))) < 3e-4  # the published order cancels near zero
    np.testing.assert_allclose(transforms.two_hot(transforms.squash(x)), golden["unit/two_hot"], atol=1e-4)


def test_the_inverse_is_exact_also_near_zero():
    sizes = 10.0 ** np.arange(-6, 4.5, 0.5)
    x = np.concatenate([-sizes, [0.0], sizes])
    squashed = disco_reference.h(x)
    np.testing.assert_allclose(transforms.unsquash(np.asarray(squashed, np.float32)), x, rtol=1e-5)
    np.testing.assert_allclose(transforms.squash(np.asarray(x, np.float32)), squashed, rtol=1e-6, atol=2e-7)


def test_a_two_hot_code_has_mass_one_and_keeps_the_mean():
    x = np.asarray([-400.0, -299.5, -0.25, 0.0, 0.75, 7.0, 300.0, 1e5], np.float32)
    code = np.asarray(transforms.two_hot(x))
    assert code.shape == (8, BINS)
    np.testing.assert_allclose(code.sum(-1), 1.0, rtol=1e-6)
    bins = np.arange(-300, 301)
    np.testing.assert_allclose(code @ bins, np.clip(x, -300, 300), atol=2e-5)
    assert (np.count_nonzero(code > 1e-9, axis=-1) <= 2).all()


def test_the_value_of_a_distribution_is_the_inverse_of_its_mean():
    logits = jnp.log(0.25 * jax.nn.one_hot(310, BINS) + 0.75 * jax.nn.one_hot(300, BINS))
    np.testing.assert_allclose(transforms.mean_value(logits), disco_reference.h_inverse(2.5), rtol=1e-5)
