"""`simulator.rooms.relay.media`: who gets which stream, over raw websockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import aiohttp
import pytest
import pytest_asyncio
from loopback_peer import join_form, loopback_room, relay_client
from simulated_media import avatar_media
from simulated_media_peer import LoopbackMediaPeer, loopback_media_room

from akool_async.simulator import Media
from akool_async.testing.waiting import until
from akool_async.transport.engines import relay_wire


@pytest_asyncio.fixture
async def room() -> AsyncIterator[LoopbackMediaPeer]:
    async with loopback_media_room("agora") as room:
        yield room


async def ask(http: aiohttp.ClientSession, far: Any, **want: Any) -> Any:
    """The connection of a stream, and the relay's answer."""
    ws = await http.ws_connect(f"{far.room.base_url}{far.room.path}/media")
    await ws.send_json(join_form(far) | want)
    return ws, await ws.receive(timeout=10)


async def test_only_members_get_streams_and_only_those_there_are(room) -> None:
    far, hear = room.far, {"do": "hear", "sample_rate": 16_000, "channels": 1}
    async with aiohttp.ClientSession() as http:
        _, answer = await ask(http, far, **hear, of=far.room.avatar)
        assert answer.type is aiohttp.WSMsgType.CLOSE
        async with relay_client(far) as (_, joined):
            assert joined["tracks"] == {far.room.avatar: []}
            _, answer = await ask(http, far, **hear, of=far.room.avatar, credential="other")
            assert answer.type is aiohttp.WSMsgType.CLOSE
            for wrong in (
                {"of": "stranger"},
                {"of": far.room.avatar, "sample_rate": 1},
                {"of": far.room.avatar, "channels": 3},
                {"of": far.room.avatar, "do": "see", "format": "bgr"},
                {"do": "dance"},
            ):
                _, answer = await ask(http, far, **hear | wrong)
                assert answer.json()["event"] == "unsupported"


async def test_a_track_is_announced_and_its_end_is_the_end_of_frames(room) -> None:
    far = room.far
    async with aiohttp.ClientSession() as http, relay_client(far) as (ws, _):
        want = {"do": "see", "of": far.room.avatar, "format": "rgb24"}
        stream, answer = await ask(http, far, **want)
        assert answer.json() == {"event": "accepted"}
        await room.publish("video")
        notice = await ws.receive_json(timeout=10)
        (track,) = notice["tracks"]
        assert (notice["event"], track["kind"], track["width"]) == ("tracks", "video", 320)
        assert await stream.receive_str(timeout=10) == relay_wire.STARTED
        seen = relay_wire.unpack_picture(await stream.receive_bytes(timeout=10))
        assert (seen.width, seen.height, len(seen.data)) == (320, 180, 320 * 180 * 3)
        feed = far.room.media.feed
        assert len(feed.pictures) == 1
        await stream.close()
        await until(lambda: not feed.pictures, "the end of drawing")


async def test_what_is_no_picture_is_passed_over(room) -> None:
    far = room.far
    shown = relay_wire.Shown("i420", 0, 4, 2, memoryview(bytes(12)))
    frame = relay_wire.pack_shown(shown)
    async with aiohttp.ClientSession() as http, relay_client(far):
        stream, answer = await ask(http, far, do="show")
        assert answer.json() == {"event": "accepted"}
        for wrong in (b"", b"\xff" * 20, frame[:-1], frame[:1] + b"\x09" + frame[2:], frame):
            await stream.send_bytes(wrong)
        sight = far.room.media.sight
        await until(lambda: sight.seen().pictures, "the whole picture")
        assert sight.seen().pictures == 1
        assert bytes(sight.seen().last.data) == bytes(12)


@pytest.mark.parametrize(("listen", "hears"), [("robot", True), (None, False)])
async def test_microphones_are_heard_by_who_listens(
    listen: Literal["robot"] | None, hears: bool
) -> None:
    async with (
        avatar_media(Media(width=320, height=180, listen=listen)) as media,
        loopback_room("trtc", media=media) as far,
        aiohttp.ClientSession() as http,
        relay_client(far),
    ):
        speech, _ = await ask(http, far, do="speak", sample_rate=16_000, channels=1)
        await speech.send_bytes(bytes(16_000))
        # Answered after what was sent before it.
        await speech.close()
        assert bool(media.hearing.heard().pcm) == hears


async def test_a_room_without_media_says_so() -> None:
    async with loopback_room("trtc") as far, relay_client(far) as (_, joined):
        assert "tracks" not in joined
        async with aiohttp.ClientSession() as http:
            want = {"do": "speak", "sample_rate": 16_000, "channels": 1}
            _, answer = await ask(http, far, **want)
            assert answer.json()["event"] == "unsupported"
        with pytest.raises(ValueError, match="knows no fault named 'mute'"):
            await far.room.fault("mute")
