"""`akool_livekit.speech_audio`, with a room that the test plays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from akool_livekit.speech_audio import DataStreamSpeech
from livekit import rtc

from akool_async.errors import DisconnectedError, SendError
from akool_async.media import PlaybackReport

AVATAR = "avatar"
#: 0.1 s in the form that `opened` asks for.
PIECE = bytes(2 * 24_000 // 10)


class VendorRoom:
    """As much of `rtc.Room` as speech uses; it is its own participant and writer."""

    def __init__(self) -> None:
        self.streams: list[dict[str, Any]] = []
        self.written: list[bytes] = []
        self.closed = 0
        self.calls: list[tuple[str, str, str]] = []
        self.methods: dict[str, Callable[[Any], str]] = {}
        self.refusal: Exception | None = None
        self.silent = False

    @property
    def local_participant(self) -> VendorRoom:
        return self

    def register_rpc_method(self, name: str, method: Callable[[Any], str]) -> None:
        self.methods[name] = method

    async def stream_bytes(self, **options: Any) -> VendorRoom:
        await self._answer()
        self.streams.append(options)
        return self

    async def write(self, pcm: bytes) -> None:
        await self._answer()
        self.written.append(pcm)

    async def aclose(self) -> None:
        await self._answer()
        self.closed += 1

    async def perform_rpc(
        self, *, destination_identity: str, method: str, payload: str, response_timeout: float
    ) -> str:
        await self._answer()
        self.calls.append((destination_identity, method, payload))
        return "ok"

    async def _answer(self) -> None:
        if self.silent:
            await asyncio.Event().wait()
        if self.refusal is not None:
            raise self.refusal

    def report(self, seconds: float, *, interrupted: bool = False, by: str = AVATAR) -> str:
        payload = json.dumps({"playback_position": seconds, "interrupted": interrupted})
        return self.call(payload, by=by)

    def call(self, payload: str, *, by: str = AVATAR) -> str:
        call = SimpleNamespace(caller_identity=by, payload=payload)
        return self.methods["lk.playback_finished"](call)


@pytest.fixture
def room() -> VendorRoom:
    return VendorRoom()


@pytest.fixture
def speech(room: VendorRoom) -> DataStreamSpeech:
    async def usable() -> Any:
        return room

    return DataStreamSpeech(usable, lambda: AVATAR)


async def opened(speech: DataStreamSpeech, timeout: float = 20.0) -> Any:
    return await speech.open(24_000, 1, timeout=timeout)


async def test_a_segment_is_a_byte_stream_to_the_avatar_alone(
    room: VendorRoom, speech: DataStreamSpeech
) -> None:
    segment = await speech.open(16_000, 2, timeout=20.0)
    assert room.streams == [
        {
            "name": "speech",
            "topic": "lk.audio_stream",
            "attributes": {"sample_rate": "16000", "num_channels": "2"},
            "destination_identities": [AVATAR],
        }
    ]
    await segment.write(PIECE)
    await segment.end()
    await segment.end()
    assert (room.written, room.closed) == ([PIECE], 1)
    assert room.report(0.1) == "ok"
    assert await segment.finished() == PlaybackReport(0.1, interrupted=False)


async def test_clear_is_a_call_to_the_avatar(room: VendorRoom, speech: DataStreamSpeech) -> None:
    segment = await opened(speech)
    await segment.clear()
    assert room.calls == [(AVATAR, "lk.clear_buffer", "")]
    room.refusal = rtc.RpcError(1500, "no")
    with pytest.raises(SendError, match=r"lk\.clear_buffer was answered with 1500 \(no\)") as error:
        await segment.clear()
    assert error.value.code == 1500


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "[]",
        "{}",
        '{"playback_position": 1.0}',
        '{"playback_position": "1", "interrupted": false}',
        '{"playback_position": true, "interrupted": false}',
        '{"playback_position": -1, "interrupted": false}',
        '{"playback_position": NaN, "interrupted": false}',
        '{"playback_position": 1.0, "interrupted": 0}',
    ],
)
async def test_a_report_that_cannot_be_read_is_refused(
    room: VendorRoom, speech: DataStreamSpeech, payload: str
) -> None:
    segment = await opened(speech)
    with pytest.raises(rtc.RpcError, match="playback_position"):
        room.call(payload)
    room.report(0.0)
    assert (await segment.finished()).seconds == 0.0


async def test_reports_of_others_are_refused(room: VendorRoom, speech: DataStreamSpeech) -> None:
    await opened(speech)
    with pytest.raises(rtc.RpcError) as refused:
        room.report(1.0, by="stranger")
    assert refused.value.code == rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD
    assert speech.stray == 0


async def test_the_late_report_of_a_forgotten_segment_is_not_the_next_ones(
    room: VendorRoom, speech: DataStreamSpeech
) -> None:
    forgotten = await opened(speech)
    await forgotten.write(PIECE)
    await forgotten.end()
    forgotten.forget()
    forgotten.forget()
    segment = await opened(speech)
    for _ in range(20):
        await segment.write(PIECE)
    await segment.end()
    room.report(0.1)
    assert speech.stray == 1
    room.report(2.0)
    assert await segment.finished() == PlaybackReport(2.0, interrupted=False)


async def test_a_report_that_never_came_is_not_waited_for_in_the_next_one(
    room: VendorRoom, speech: DataStreamSpeech
) -> None:
    """Its owner gave it up; the next report fits the next segment, so it is its own."""
    (await opened(speech)).forget()
    segment = await opened(speech)
    for _ in range(20):
        await segment.write(PIECE)
    await segment.end()
    room.report(2.0)
    assert (await segment.finished()).seconds == 2.0
    assert speech.stray == 0


async def test_more_reports_than_segments_are_counted(
    room: VendorRoom, speech: DataStreamSpeech
) -> None:
    segment = await opened(speech)
    room.report(1.0, interrupted=True)
    room.report(1.0)
    assert speech.stray == 1
    assert (await segment.finished()).interrupted


async def test_a_room_that_does_not_answer(room: VendorRoom, speech: DataStreamSpeech) -> None:
    segment = await opened(speech, timeout=0.05)
    room.silent = True
    with pytest.raises(SendError, match=r"take speech within 0\.05 s"):
        await segment.write(PIECE)
    with pytest.raises(SendError, match=r"clear speech within 0\.05 s"):
        await segment.clear()
    with pytest.raises(SendError, match=r"take the end of speech within 0\.05 s"):
        await segment.end()
    with pytest.raises(SendError, match=r"take speech within 0\.05 s"):
        await opened(speech, timeout=0.05)


@pytest.mark.parametrize("refusal", [ConnectionError("engine closed"), RuntimeError("no room")])
async def test_a_room_that_refuses(
    room: VendorRoom, speech: DataStreamSpeech, refusal: Exception
) -> None:
    segment = await opened(speech)
    room.refusal = refusal
    with pytest.raises(SendError, match=str(refusal)):
        await segment.write(PIECE)


async def test_the_end_of_the_room_ends_the_segment(speech: DataStreamSpeech) -> None:
    segment = await opened(speech)
    waiting = asyncio.create_task(segment.finished())
    await asyncio.sleep(0)
    speech.ended(DisconnectedError("the room is gone", reason="closed"))
    with pytest.raises(DisconnectedError, match="gone"):
        await waiting
    with pytest.raises(DisconnectedError, match="gone"):
        await opened(speech)


async def test_waiting_for_a_report_can_be_cancelled(
    room: VendorRoom, speech: DataStreamSpeech
) -> None:
    segment = await opened(speech)
    waiting = asyncio.create_task(segment.finished())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    room.report(0.3)
    assert (await segment.finished()).seconds == 0.3


async def test_no_avatar_yet(room: VendorRoom) -> None:
    async def usable() -> Any:
        return room

    speech = DataStreamSpeech(usable, lambda: None)
    with pytest.raises(SendError, match="no avatar is in the LiveKit room yet"):
        await opened(speech)


async def test_reports_are_taken_in_the_room_that_is_joined_next(room: VendorRoom) -> None:
    rooms = [room, VendorRoom()]
    joined = 0

    async def usable() -> Any:
        return rooms[joined]

    speech = DataStreamSpeech(usable, lambda: AVATAR)
    await opened(speech)
    joined = 1
    segment = await opened(speech)
    rooms[1].report(0.5, interrupted=True)
    assert (await segment.finished()).seconds == 0.5
