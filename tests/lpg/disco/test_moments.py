"""Running moments against the published ones and by hand."""

import numpy as np

from groove.lpg.disco.moments import Moments


def _moments(golden, name):
    return Moments(*(golden[f"{name}/{key}"] for key in ("moment1", "moment2", "decay_product")))


def test_moments_grow_as_published_and_normalise_after_they_have_grown(golden):
    for name, data in (("adv_ema", "adv"), ("td_ema", "q_td")):
        after = _moments(golden, f"call1/in/{name}").grown(golden[f"call1/value/{data}"])
        np.testing.assert_allclose(after, _moments(golden, f"call1/state/{name}"), rtol=1e-4)
    moments = _moments(golden, "call1/state/adv_ema")
    for name, data in (("normalized_adv", "adv"), ("normalized_qv_adv", "qv_adv")):
        wanted = golden[f"call1/value/{name}"]
        ours = moments.normalised(golden[f"call1/value/{data}"])
        np.testing.assert_allclose(ours, wanted, atol=1e-4 * np.abs(wanted).max())


def test_the_weight_of_the_start_is_taken_out():
    x = np.asarray([[1.0, 3.0], [5.0, 7.0]], np.float32)
    mean, scale = Moments().grown(x).centre_and_scale()
    np.testing.assert_allclose([mean, scale], [4.0, np.sqrt(5.0)], rtol=1e-4)
    moments = Moments().grown(x).grown(x + 2)
    # weights 0.99 * 0.01 and 0.01 of the two means 4 and 6
    np.testing.assert_allclose(moments.centre_and_scale()[0], (0.99 * 4 + 6) / 1.99, rtol=1e-4)


def test_constant_data_has_a_scale_that_is_not_zero():
    mean, scale = Moments().grown(np.zeros((2, 2), np.float32)).centre_and_scale()
    assert float(mean) == 0.0
    np.testing.assert_allclose(scale, 2e-6, rtol=1e-3)  # the epsilons below the root and beside it
