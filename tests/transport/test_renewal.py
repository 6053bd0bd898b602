"""`akool_async.transport.renewal`: the owner's function may do anything."""

import asyncio

import pytest

from akool_async.errors import ConfigurationError, JoinRefusedError, JoinTimeoutError
from akool_async.models.credentials import AgoraCredentials
from akool_async.testing.waiting import TIMEOUT
from akool_async.transport.renewal import renewed_credentials

CREDENTIALS = AgoraCredentials(agora_uid=1, agora_channel="c")


async def test_what_it_returns_is_returned() -> None:
    async def renew() -> AgoraCredentials:
        return CREDENTIALS

    assert await renewed_credentials(renew, timeout=5, room="Agora channel") is CREDENTIALS


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (RuntimeError("the token is s3cret"), "Agora channel: RuntimeError$"),
        (ConfigurationError("the key is wrong"), "Agora channel: the key is wrong"),
        (asyncio.CancelledError("its own"), "cancelled itself"),
        (TimeoutError(), "TimeoutError"),
    ],
)
async def test_what_it_raises_is_an_error_of_ours(raised: BaseException, words: str) -> None:
    async def renew() -> AgoraCredentials:
        raise raised

    with pytest.raises(JoinRefusedError, match=words) as caught:
        await renewed_credentials(renew, timeout=5, room="Agora channel")
    assert "s3cret" not in str(caught.value)


async def test_it_has_a_time_limit() -> None:
    cancelled = asyncio.Event()

    async def renew() -> AgoraCredentials:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    with pytest.raises(JoinTimeoutError, match=r"no new token for the room in 0\.01 s"):
        await renewed_credentials(renew, timeout=0.01, room="room")
    await asyncio.wait_for(cancelled.wait(), TIMEOUT)


async def test_our_own_cancellation_ends_it() -> None:
    started = asyncio.Event()

    async def renew() -> AgoraCredentials:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    asking = asyncio.create_task(renewed_credentials(renew, timeout=60, room="room"))
    await started.wait()
    before = asyncio.all_tasks()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert all(task.done() for task in before - {asyncio.current_task()})
