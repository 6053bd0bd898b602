"""The file that a recording is written to."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.media.recording.output_file import OutputFile


def test_what_was_written_is_in_the_file_before_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with OutputFile(path) as file:
        assert file.write(b"abcdef") == 6
        assert path.read_bytes() == b"abcdef"
        file.seek(2)
        file.write(b"XY")
        assert (file.tell(), file.size) == (4, 6)
    file.close()
    assert path.read_bytes() == b"abXYef"


def test_a_file_that_is_there_is_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(InvalidParameterError, match="is there already"):
        OutputFile(path)
    assert path.read_bytes() == b"old"
    OutputFile(path, overwrite=True).close()
    assert path.read_bytes() == b""


def test_why_it_cannot_be_created(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match="can't be created: No such file") as raised:
        OutputFile(tmp_path / "no" / "a.bin")
    assert isinstance(raised.value.__cause__, OSError)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.symlink_to("/dev/full")
    with OutputFile(path, overwrite=True) as file, pytest.raises(OSError) as raised:
        file.write(b"abc")
    assert raised.value.errno == errno.ENOSPC
