"""`akool_async.transport.file_limit`: the limit of open files."""

from __future__ import annotations

import errno
import re
import resource
from collections.abc import Iterator

import pytest

from akool_async.errors import JoinError
from akool_async.transport.file_limit import check_file_limit, is_file_limit, open_files

FILES = 80


@pytest.fixture
def low_limit() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    now = open_files()
    assert now is not None
    low = now + FILES // 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (low, hard))
    yield low
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_enough_is_fine() -> None:
    check_file_limit(FILES, "LiveKit room")


def test_too_few_says_how_many_are_needed(low_limit: int) -> None:
    with pytest.raises(JoinError, match=f"may open {low_limit} files") as caught:
        check_file_limit(FILES, "LiveKit room")
    assert "joining the LiveKit room takes" in str(caught.value)
    needed = re.search(r"ulimit -n (\d+)", str(caught.value))
    assert needed is not None
    assert int(needed[1]) > low_limit
    assert caught.value.retryable


def test_none_left_counts_as_the_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    now = open_files()
    assert now is not None
    # So low that not even the list of open files can be opened.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        counted = open_files()
        with pytest.raises(JoinError, match="may open 3 files and has 3 open"):
            check_file_limit(1, "Agora channel")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert counted == 3


def test_the_cause_of_an_error_may_be_the_limit() -> None:
    cause = OSError(errno.EMFILE, "Too many open files")
    error = ConnectionError("no connection")
    error.__cause__ = cause
    assert is_file_limit(cause)
    assert is_file_limit(error)
    assert not is_file_limit(ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
    assert not is_file_limit(None)
