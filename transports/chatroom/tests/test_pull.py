"""Reading the video's URL: its end, silence, refusals, and giving up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from akool_chatroom import pull as pull_module
from akool_chatroom.options import ChatRoomOptions
from akool_chatroom.pull import Pull
from flv_server import FLVServer

from akool_async.errors import TransportError
from akool_async.testing.waiting import until


class Kept:
    """A receiver that keeps what it is given."""

    def __init__(self) -> None:
        self.starts = self.ends = 0
        self.bytes = b""
        self.error: TransportError | None = None

    def started(self) -> None:
        self.starts += 1
        self.bytes = b""

    async def data(self, data: bytes) -> None:
        self.bytes += data

    async def ended(self) -> None:
        self.ends += 1

    def failed(self, error: TransportError) -> None:
        self.error = error


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FLVServer]:
    async with FLVServer().running() as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_module, "_FIRST_RETRY", 0.05)
    monkeypatch.setattr(pull_module, "_LAST_RETRY", 0.05)


async def stop(pull: Pull) -> None:
    await asyncio.wait([pull.cancel()])


async def test_it_reads_until_it_is_stopped(server: FLVServer) -> None:
    kept = Kept()
    pull = Pull(server.url, ChatRoomOptions(), kept)
    await until(lambda: len(kept.bytes) > 10_000, "bytes came")
    assert kept.bytes.startswith(b"FLV\x01")
    assert (kept.starts, kept.ends) == (1, 0)
    await stop(pull)
    assert (kept.starts, kept.ends) == (1, 1)
    await until(lambda: server.viewers == 0, "the connection was closed")


async def test_a_stream_that_was_cut_is_asked_for_again(server: FLVServer) -> None:
    kept = Kept()
    pull = Pull(server.url, ChatRoomOptions(reconnect_timeout=0), kept)
    await until(lambda: kept.starts == 1, "it came")
    server.cut()
    await until(lambda: kept.starts == 2 and len(kept.bytes) > 1000, "it came again")
    assert kept.ends == 1
    assert kept.bytes.startswith(b"FLV\x01")
    await stop(pull)


async def test_a_silent_stream_is_asked_for_again(
    server: FLVServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_module, "SILENCE", 0.3)
    kept = Kept()
    pull = Pull(server.url, ChatRoomOptions(), kept)
    await until(lambda: kept.starts == 1, "it came")
    server.silent = True
    await until(lambda: kept.ends >= 1, "it was given up")
    server.silent = False
    await until(lambda: kept.starts >= 2 and len(kept.bytes) > 10_000, "it came again")
    await stop(pull)


async def test_a_stream_that_begins_later_is_waited_for(server: FLVServer) -> None:
    server.status = 404
    kept = Kept()
    pull = Pull(server.url, ChatRoomOptions(), kept)
    await until(lambda: server.requests >= 3, "it asked several times")
    assert kept.starts == 0
    server.status = 200
    await until(lambda: kept.starts == 1, "it came")
    await stop(pull)


async def test_none_at_all_is_an_error_without_the_url(server: FLVServer) -> None:
    server.status = 404
    kept = Kept()
    pull = Pull(server.url, ChatRoomOptions(reconnect_timeout=0.2), kept)
    await until(lambda: kept.error is not None, "it gave up")
    assert str(kept.error) == "no video came from 127.0.0.1 within 0.2 s: it answered with HTTP 404"
    assert kept.error is not None
    assert kept.error.retryable
    await stop(pull)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/live/secret.flv", "nonsense/secret.flv"])
async def test_no_server(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kept = Kept()
    pull = Pull(url, ChatRoomOptions(reconnect_timeout=0.1), kept)
    await until(lambda: kept.error is not None, "it gave up")
    assert "secret" not in str(kept.error) + caplog.text
    await stop(pull)
