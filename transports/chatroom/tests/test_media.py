"""The session's video as the media half of the transport."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from akool_chatroom import ChatRoomTransport
from akool_chatroom.media import FLVMedia
from akool_chatroom.options import ChatRoomOptions
from flv_server import FLVServer

from akool_async.errors import MissingDependencyError, TransportError
from akool_async.media import AudioRequest, MediaCapabilities, Picture, VideoRequest
from akool_async.models.credentials import ChatRoomCredentials
from akool_async.testing.waiting import until
from akool_async.transport import JoinTarget


class Sink:
    """A sink of each kind."""

    def __init__(self) -> None:
        self.starts = 0
        self.samples = 0
        self.pictures: list[Picture] = []
        self.containers: list[str] = []
        self.bytes = b""
        self.error: BaseException | None = None

    def started(self, container: str = "") -> None:
        self.starts += 1
        self.containers.append(container)

    def pcm(self, data: bytes) -> None:
        self.samples += len(data) // 2

    def picture(self, picture: Picture) -> None:
        self.pictures.append(picture)

    async def data(self, data: bytes) -> None:
        self.bytes += data

    def failed(self, error: BaseException) -> None:
        self.error = error


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FLVServer]:
    async with FLVServer().running() as running:
        yield running


@pytest_asyncio.fixture
async def media(server: FLVServer) -> AsyncIterator[FLVMedia]:
    one = FLVMedia(server.url, ChatRoomOptions(reconnect_timeout=1))
    yield one
    await one.close()
    await until(lambda: server.viewers == 0, "the connections were closed")
    assert [one for one in threading.enumerate() if one.name == "akool-chatroom-video"] == []


async def test_it_is_read_while_there_are_subscriptions(server: FLVServer, media: FLVMedia) -> None:
    changes = []
    media.on_change = lambda: changes.append([track.kind for track in media.tracks])
    assert media.capabilities == MediaCapabilities(hear=True, see=True)
    assert server.requests == 0
    one, two = Sink(), Sink()
    hearing = media.hear(AudioRequest(), one)
    seeing = media.see(VideoRequest(), two)
    await until(lambda: one.samples and two.pictures, "frames came")
    assert changes == [["video", "audio"]]
    assert (server.requests, server.viewers) == (1, 1)
    hearing.close()
    hearing.close()
    heard, seen = one.samples, len(two.pictures)
    await until(lambda: len(two.pictures) > seen + 3, "pictures go on")
    assert one.samples == heard
    seeing.close()
    await until(lambda: server.viewers == 0, "it isn't read any more")
    await until(lambda: media.tracks == (), "there are no tracks")
    again = media.see(VideoRequest(), two)
    seen = len(two.pictures)
    await until(lambda: len(two.pictures) > seen, "pictures come again")
    again.close()


async def test_a_subscription_that_comes_later_is_served_by_the_same_connection(
    server: FLVServer, media: FLVMedia
) -> None:
    one, two = Sink(), Sink()
    first = media.see(VideoRequest(), one)
    await until(lambda: one.pictures, "pictures came")
    second = media.hear(AudioRequest(16_000), two)
    assert two.starts == 1
    await until(lambda: two.samples, "sound came")
    assert server.requests == 1
    first.close()
    second.close()


async def test_it_follows_a_stream_that_is_cut(server: FLVServer, media: FLVMedia) -> None:
    one = Sink()
    subscription = media.see(VideoRequest(), one)
    await until(lambda: one.pictures, "pictures came")
    server.cut()
    await until(lambda: one.starts == 2, "a stream began")
    seen = len(one.pictures)
    await until(lambda: len(one.pictures) > seen, "pictures come again")
    subscription.close()


async def test_no_stream_fails_the_subscriptions(server: FLVServer, media: FLVMedia) -> None:
    server.status = 500
    one = Sink()
    media.hear(AudioRequest(), one)
    await until(lambda: one.error is not None, "it failed")
    assert isinstance(one.error, TransportError)
    server.status = 200
    subscription = media.hear(AudioRequest(), one)
    await until(lambda: one.samples, "a later one is served")
    subscription.close()


async def test_a_stream_that_is_no_flv_is_asked_for_again(
    server: FLVServer, media: FLVMedia, caplog: pytest.LogCaptureFixture
) -> None:
    server.garbage = True
    one = Sink()
    subscription = media.see(VideoRequest(), one)
    await until(lambda: one.starts >= 1 and caplog.records, "it was tried")
    server.garbage = False
    await until(lambda: one.pictures, "pictures came")
    subscription.close()


async def test_the_encoded_stream_has_a_connection_of_its_own(
    server: FLVServer, media: FLVMedia
) -> None:
    one = Sink()
    subscription = media.encoded(one)
    assert subscription is not None
    await until(lambda: len(one.bytes) > 10_000, "bytes came")
    assert one.containers == ["flv"]
    assert one.bytes.startswith(b"FLV\x01")
    subscription.close()
    subscription.close()
    await until(lambda: server.viewers == 0, "it isn't read any more")


async def test_without_pyav_there_is_an_install_line(
    media: FLVMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingDependencyError, match=r"akool-async\[record\]"):
        media.hear(AudioRequest(), Sink())


async def test_after_its_end_nothing_begins(server: FLVServer, media: FLVMedia) -> None:
    one = Sink()
    media.hear(AudioRequest(), one)
    media.encoded(one)
    await until(lambda: server.viewers == 2, "both are read")
    await media.close()
    await until(lambda: server.viewers == 0, "both are closed")
    requests = server.requests
    media.see(VideoRequest(), one).close()
    late = media.encoded(one)
    assert late is not None
    late.close()
    assert server.requests == requests


async def test_the_transport_has_it_where_the_url_is_known(server: FLVServer) -> None:
    credentials = ChatRoomCredentials(
        client_chat_room_url="ws://127.0.0.1:1/final_x/client_1.chat",
        client_id="client_1",
        server_id="server_1",
    )
    assert ChatRoomTransport(JoinTarget(credentials), {}).media is None
    transport = ChatRoomTransport(JoinTarget(credentials, pull_url=server.url), {})
    assert server.url not in repr(JoinTarget(credentials, pull_url=server.url))
    assert transport.media is not None
    one = Sink()
    transport.media.hear(AudioRequest(), one)
    await until(lambda: one.samples, "sound came")
    await transport.close()
    await until(lambda: server.viewers == 0, "closed with the transport")
