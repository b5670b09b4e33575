"""Files of equal content have equal bytes, and safetensors reads them."""

import json

import numpy as np
import pytest
from safetensors import safe_open

from groove.utils.tensor_file import content_digest, read_tensors, tensor_bytes

TENSORS = {
    "b/w": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array(True),
    "empty": np.zeros((0, 4), np.int8),
    "c": np.arange(3, dtype=np.int64),
}
METADATA = {f"name {i}": f'text "{i}" \u00e4' for i in range(12)}


def test_bytes_do_not_depend_on_the_order_of_names():
    first = tensor_bytes(TENSORS, METADATA)
    backwards = [dict(reversed(mapping.items())) for mapping in (TENSORS, METADATA)]
    assert all(tensor_bytes(*backwards) == first for _ in range(5))
    assert tensor_bytes(TENSORS, METADATA | {"name 3": "other"}) != first


def test_safetensors_reads_what_was_written(tmp_path):
    path = tmp_path / "file.safetensors"
    path.write_bytes(tensor_bytes(TENSORS, METADATA))
    with safe_open(path, framework="numpy") as file:
        assert file.metadata() == METADATA
        read = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert set(read) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert read[name].dtype == tensor.dtype
        np.testing.assert_array_equal(read[name], tensor)


def test_the_digest_is_that_of_names_types_shapes_values_and_texts():
    digest = content_digest(TENSORS, "x")
    assert content_digest(dict(reversed(TENSORS.items())), "x") == digest
    changes = {"b/w": TENSORS["b/w"] + 1, "a": np.array([True]), "c": TENSORS["c"].astype(np.int32)}
    others = [content_digest(TENSORS | {name: value}, "x") for name, value in changes.items()]
    others += [content_digest(TENSORS, *texts) for texts in ((), ("y",), ("x", ""))]
    assert len({digest, *others}) == 7


def with_header(header, data=b""):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_tensors_and_metadata_are_read_back(tmp_path):
    (tmp_path / "x").write_bytes(tensor_bytes({"a": np.arange(3)}, {"b": "c"}))
    tensors, metadata = read_tensors(tmp_path / "x")
    np.testing.assert_array_equal(tensors["a"], np.arange(3))
    assert (list(tensors), metadata) == (["a"], {"b": "c"})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no safetensors at all",
        with_header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
        *(
            with_header({"a": {"dtype": kind, "shape": [1], "data_offsets": [0, 1]}}, b"1")
            for kind in ("F8_E4M3", "U7")
        ),
        with_header({"a": {"dtype": "F8_E8M0", "shape": [1], "data_offsets": [0, 1]}}, b"1"),
        with_header({"a": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}, b"1"),
    ],
)
def test_files_that_hold_no_arrays_of_numpy_are_value_errors(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError):  # noqa: PT011 (the library's messages)
        read_tensors(tmp_path / "x")


def test_a_file_that_cannot_be_read_is_an_operating_system_error(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(OSError):  # noqa: PT011 (the system's messages)
            read_tensors(path)
