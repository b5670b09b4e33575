"""Damage to a sealed folder is noticed and named."""

import pytest

from groove.training.checkpoints.checksums import CHECKSUMS, DamageError, is_sealed, seal, verify


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").write_bytes(b"first")
    (tmp_path / "sub" / "b").write_bytes(b"second")
    assert not is_sealed(tmp_path)
    seal(tmp_path)
    assert is_sealed(tmp_path)
    return tmp_path


def test_a_sound_folder_passes(folder):
    verify(folder)
    (folder / "new").write_bytes(b"later files do not matter")
    verify(folder)


@pytest.mark.parametrize("name", ["a", "sub/b"])
@pytest.mark.parametrize("content", [None, b"", b"secone"])
def test_a_damaged_file_is_named(folder, name, content):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(DamageError, match="missing, truncated or altered") as error:
        verify(folder)
    assert error.value.path == folder / name


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_damaged_checksums_are_named(folder, text):
    (folder / CHECKSUMS).write_text(text)
    with pytest.raises(DamageError) as error:
        verify(folder)
    assert error.value.path == folder / CHECKSUMS
