"""Statistics under a mask are those of the elements that count."""

import jax.numpy as jnp
import numpy as np

from groove.lpg.lpg_targets import normalise
from groove.ops import masked_mean, masked_std
from groove.ops import normalise as normalise_advantages


def test_masked_statistics():
    x, mask = jnp.asarray([[1.0, 5.0], [3.0, 100.0]]), jnp.asarray([[True, True], [True, False]])
    assert masked_mean(x, mask) == 3.0
    assert masked_mean(x, None) == x.mean()
    assert masked_mean(x, jnp.zeros((2, 2), bool)) == 0.0
    np.testing.assert_allclose(normalise(x, mask)[mask], normalise(x[mask]), rtol=1e-6)
    assert normalise(x, mask)[1, 1] == 0.0
    np.testing.assert_array_equal(normalise(x, None), normalise(x))
    assert masked_std(x, mask) == x[mask].std()
    assert masked_std(x, None) == x.std()
    np.testing.assert_allclose(
        normalise_advantages(x, mask=mask)[mask], normalise_advantages(x[mask]), rtol=1e-6, atol=1e-6
    )
