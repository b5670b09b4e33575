"""A submission that several test files check and tamper with."""

import pytest

from groove.evaluation.meta_test import meta_test
from tests._helpers.submissions import save_tiny_rule


@pytest.fixture(scope="package")
def submitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("submitted")
    rule = save_tiny_rule(folder / "mine.safetensors")
    rules = [f"mine={rule}", "a2c"]
    with pytest.MonkeyPatch.context() as patch:  # the devices and the compilation cache of the tests
        patch.setattr("groove.utils.parallel.request_devices", lambda count: None)
        patch.setattr("groove.utils.parallel.keep_compilations", lambda: None)
        meta_test(rules, "chain/tabular", "smoke", seeds=3, results=folder, devices=1, progress=False)
    return folder
