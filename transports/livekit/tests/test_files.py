"""`akool_livekit.files`: the limit of open files."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator

import pytest
from akool_livekit import LiveKitTransport
from akool_livekit.files import FILES_PER_JOIN, check_file_limit, open_files

from akool_async.errors import JoinError


@pytest.fixture
def low_limit() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    now = open_files()
    assert now is not None
    low = now + FILES_PER_JOIN // 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (low, hard))
    yield low
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_enough_is_fine() -> None:
    check_file_limit()


def test_too_few_says_how_many_are_needed(low_limit: int) -> None:
    with pytest.raises(JoinError, match=f"may open {low_limit} files") as caught:
        check_file_limit()
    needed = re.search(r"ulimit -n (\d+)", str(caught.value))
    assert needed is not None
    assert int(needed[1]) > low_limit
    assert caught.value.retryable


def test_preflight_checks_it_before_a_session_is_paid_for(low_limit: int) -> None:
    with pytest.raises(JoinError, match="raise the limit"):
        LiveKitTransport.preflight({})


async def test_connecting_checks_it_before_it_breaks(room, low_limit: int) -> None:
    transport = LiveKitTransport(room.target, {})
    with pytest.raises(JoinError, match="raise the limit"):
        await transport.connect(timeout=5)
    assert room.events.here == []
