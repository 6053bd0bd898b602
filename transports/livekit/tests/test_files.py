"""The limit of open files, where a LiveKit room is joined."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest
from akool_livekit import LiveKitTransport
from akool_livekit.joining import FILES_PER_JOIN

from akool_async.errors import JoinError
from akool_async.transport.file_limit import open_files


@pytest.fixture
def low_limit() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    now = open_files()
    assert now is not None
    low = now + FILES_PER_JOIN // 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (low, hard))
    yield low
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_preflight_checks_it_before_a_session_is_paid_for(low_limit: int) -> None:
    with pytest.raises(JoinError, match="raise the limit"):
        LiveKitTransport.preflight({})


async def test_connecting_checks_it_before_it_breaks(room, low_limit: int) -> None:
    transport = LiveKitTransport(room.target, {})
    with pytest.raises(JoinError, match="raise the limit"):
        await transport.connect(timeout=5)
    assert room.events.here == []
