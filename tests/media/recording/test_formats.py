"""Which files can be recorded to."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.media.recording.formats import FORMATS, check_target, require_av


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".mp4", ".wav", ".WebM"])
def test_the_suffix_says_the_kind(tmp_path: Path, suffix: str) -> None:
    path, kind = check_target(tmp_path / f"call{suffix}")
    assert path == tmp_path / f"call{suffix}"
    assert kind is FORMATS[suffix.lower()]


def test_a_path_may_be_a_string_in_the_working_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert check_target("call.webm")[0] == Path("call.webm")


@pytest.mark.parametrize("name", ["call.avi", "call", "webm", ".webm"])
def test_an_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidParameterError, match=r"^path: .* use one of: \.webm, \.mkv, \.mp4"):
        check_target(tmp_path / name)


@pytest.mark.parametrize("path", [None, 3, b"call.webm"])
def test_no_path(path: object) -> None:
    with pytest.raises(InvalidParameterError, match=r"^path: .* isn't the path of a file"):
        check_target(path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match=r"^path: the folder .* isn't there; create it"):
        check_target(tmp_path / "no" / "call.webm")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InvalidParameterError, match=r"^path: .* can't be written to"):
            check_target(tmp_path / "call.webm")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "call.webm").mkdir()
    with pytest.raises(InvalidParameterError, match=r"^path: .* is a folder"):
        check_target(tmp_path / "call.webm", overwrite=True)


def test_a_file_that_is_there_is_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "call.webm"
    path.touch()
    with pytest.raises(InvalidParameterError, match=r"^path: .* is there already.*overwrite=True"):
        check_target(path)
    assert check_target(path, overwrite=True)[0] == path


def test_a_wav_file_needs_no_package(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    require_av(FORMATS[".wav"])
    with pytest.raises(MissingDependencyError, match=r"akool-async\[record\]"):
        require_av(FORMATS[".webm"])
