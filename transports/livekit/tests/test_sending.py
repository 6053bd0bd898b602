"""`akool_livekit.sending`, with the client's own sources and a room that the test plays."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from akool_livekit.sending import LiveKitAudioWriter, LiveKitVideoWriter, Publication
from livekit.rtc.participant import PublishTrackError

from akool_async.errors import DisconnectedError, SendError
from akool_async.media import AudioRequest, VideoFrame
from akool_async.testing.waiting import until


class VendorRoom:
    """As much of `rtc.Room` as a publication uses; it is its own participant."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.answering = asyncio.Event()
        self.answering.set()
        self.track_publications: dict[str, Any] = {}
        self.connected = True

    @property
    def local_participant(self) -> VendorRoom:
        return self

    def isconnected(self) -> bool:
        return self.connected

    async def publish_track(self, track: Any, options: Any) -> Any:
        await self.answering.wait()
        if self.refuses:
            raise PublishTrackError("not allowed")
        sid = f"TR_{len(self.track_publications)}"
        self.track_publications[sid] = SimpleNamespace(sid=sid, track=track)
        return self.track_publications[sid]

    async def unpublish_track(self, sid: str) -> None:
        del self.track_publications[sid]


@pytest.fixture
async def forgotten() -> list[Publication]:
    return []


@pytest.fixture
async def writer(forgotten):
    writer = LiveKitAudioWriter(AudioRequest(24_000), 200, forgotten.append)
    yield writer
    await writer.close()


async def test_what_is_published_is_unpublished_by_closing(writer, forgotten) -> None:
    room = VendorRoom()
    await writer.publish(room)
    assert len(room.track_publications) == 1
    await writer.close()
    assert room.track_publications == {}
    assert forgotten == [writer]
    with pytest.raises(DisconnectedError, match="the track was closed"):
        await writer.write(bytes(480))
    assert (writer.queued, writer.clear()) == (0, 0)


async def test_one_that_the_client_published_again_is_found_by_its_track(writer) -> None:
    room = VendorRoom()
    await writer.publish(room)
    room.track_publications = {"TR_new": room.track_publications.pop("TR_0")}
    await writer.close()
    assert room.track_publications == {}


async def test_writing_goes_on_at_once_after_a_cancelled_writer_and_clear(writer) -> None:
    """The native part is still busy with the frame of the cancelled one then."""

    async def speak() -> None:
        while True:
            await writer.write(bytes(4800))  # 100 ms

    for _ in range(5):
        speaking = asyncio.create_task(speak())
        await until(lambda: writer.queued > 0.2)
        speaking.cancel()
        await asyncio.wait({speaking})
        assert writer.clear() > 0.1
        await writer.write(bytes(960))
        await asyncio.wait_for(writer.wait_for_playout(), 20)
        assert writer.queued == 0


async def test_the_end_stops_who_is_writing(writer) -> None:
    speaking = asyncio.create_task(writer.write(bytes(48_000 * 3)))
    await until(lambda: writer.queued > 0.2)
    await writer.end(DisconnectedError("the room was left", reason="closed"))
    with pytest.raises(DisconnectedError, match="the room was left"):
        await asyncio.wait_for(speaking, 20)


async def test_a_refusal_says_why(writer) -> None:
    with pytest.raises(SendError, match="refused our track: not allowed"):
        await writer.publish(VendorRoom(refuses=True))


async def test_closing_waits_for_publishing_that_was_cancelled(writer) -> None:
    room = VendorRoom()
    room.answering.clear()
    publishing = asyncio.create_task(writer.publish(room))
    await asyncio.sleep(0)
    publishing.cancel()
    await asyncio.wait({publishing})
    closing = asyncio.create_task(writer.close())
    await asyncio.sleep(0)
    room.answering.set()
    await closing
    assert room.track_publications == {}


async def test_the_end_of_the_room_ends_publishing(writer) -> None:
    room = VendorRoom()
    room.answering.clear()
    publishing = asyncio.create_task(writer.publish(room))
    await asyncio.sleep(0)
    await writer.end(DisconnectedError("the room was left", reason="closed"))
    await asyncio.wait({publishing})
    with pytest.raises(DisconnectedError, match="the room was left"):
        await writer.write(bytes(480))


async def test_a_room_joined_again_that_refuses_ends_the_track(writer, caplog) -> None:
    await writer.publish(VendorRoom())
    await writer.publish_again(VendorRoom(refuses=True))
    assert "can't be published again" in caplog.text
    with pytest.raises(DisconnectedError, match="lost with the room"):
        await writer.write(bytes(480))
    await writer.publish_again(VendorRoom(refuses=True))  # it is over: nothing is tried


async def test_the_clients_source_paces_and_clears(writer) -> None:
    for _ in range(10):
        await writer.write(bytes(960))
    assert writer.queued > 0
    assert writer.clear() > 0
    assert writer.queued == 0
    await writer.wait_for_playout()
    writer.mute(True)
    writer.mute(True)
    writer.mute(False)


@pytest.mark.parametrize("format_", ["i420", "rgb24", "rgba"])
async def test_pictures_of_every_form_are_taken(format_) -> None:
    size = {"i420": 1.5, "rgb24": 3, "rgba": 4}[format_]
    writer = LiveKitVideoWriter(64, 36, lambda _: None)
    writer.write(VideoFrame(bytes(int(64 * 36 * size)), 64, 36, format_, rotation=90))
    await writer.close()
    with pytest.raises(DisconnectedError):
        writer.write(VideoFrame(bytes(64 * 36 * 3), 64, 36, "rgb24"))
