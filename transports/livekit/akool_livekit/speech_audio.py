"""Speech for the avatar by a LiveKit data stream, as LiveKit's own agents send it.

A byte stream with the topic `lk.audio_stream` per segment, to the avatar alone: raw s16le, its form
in the attributes `sample_rate` and `num_channels`. `lk.clear_buffer` is a call to the avatar,
`lk.playback_finished` one from it, once for each segment (docs/protocol.md §2 "Your own voice").
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final

from akool_async.errors import DisconnectedError, SendError
from akool_async.media import PlaybackReport, SpeechAudio, SpeechSegment
from akool_livekit.joining import await_end

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["DataStreamSpeech"]

_TOPIC: Final = "lk.audio_stream"
_CLEAR: Final = "lk.clear_buffer"
_FINISHED: Final = "lk.playback_finished"
#: A report with a position this far from what was written, in seconds, is another segment's, where
#: the report of another one is still owed.
_OTHERS: Final = 0.5


class DataStreamSpeech(SpeechAudio):
    """One for each transport; follows it into the rooms that it joins again.

    Attributes:
        stray: reports that belong to no segment.
    """

    #: Speech that was written and is to be cleared keeps a slow line busy before the call gets
    #: through; this much of it does so for less than a second on a line of 4 Mbit/s.
    most_ahead = 10.0

    def __init__(
        self,
        room: Callable[[], Awaitable[rtc.Room]],
        avatar: Callable[[], str | None],
    ) -> None:
        """
        Args:
            room: the room that takes data now, waited for; raises when it is gone for good.
            avatar: its identity.
        """
        self.stray = 0
        self._room = room
        self._avatar = avatar
        self._current: _Segment | None = None
        self._listening: rtc.Room | None = None
        #: Reports that may still come for segments that no one waits for any more.
        self._owed = 0
        self._error: DisconnectedError | None = None
        self._over = asyncio.Event()

    def _listen(self, room: rtc.Room) -> None:
        """Takes the avatar's reports in a room; not before it speaks there, for a program may have
        given them to something else.
        """
        from livekit import rtc

        def finished(call: rtc.RpcInvocationData) -> str:
            if call.caller_identity != self._avatar():
                raise rtc.RpcError(rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD, "not the avatar")
            report = _report(call.payload)
            if report is None:
                raise rtc.RpcError(
                    rtc.RpcError.ErrorCode.APPLICATION_ERROR, "no playback_position, or interrupted"
                )
            self._reported(report)
            return "ok"

        room.local_participant.register_rpc_method(_FINISHED, finished)

    def ended(self, error: DisconnectedError) -> None:
        """The room is gone for good."""
        self._error = error
        self._over.set()
        if self._current is not None:
            self._current.fail(error)

    async def open(self, sample_rate: int, channels: int, *, timeout: float) -> SpeechSegment:
        """See `SpeechAudio`."""
        avatar = self._avatar()
        if self._error is not None or avatar is None:
            raise self._error or SendError("no avatar is in the LiveKit room yet")
        self._forget(self._current)
        attributes = {"sample_rate": str(sample_rate), "num_channels": str(channels)}
        async with self.step("take speech", timeout):
            room = await self._room()
            if room is not self._listening:
                self._listen(room)
                self._listening = room
            writer = await room.local_participant.stream_bytes(
                name="speech", topic=_TOPIC, attributes=attributes, destination_identities=[avatar]
            )
        size = 2 * channels * sample_rate
        self._current = _Segment(self, room, writer, avatar, size, timeout)
        return self._current

    @contextlib.asynccontextmanager
    async def step(self, what: str, timeout: float) -> AsyncIterator[None]:
        """Bounds a call of the client, and names what went wrong."""
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            text = f"the LiveKit room didn't {what} within {timeout:g} s"
            raise SendError(text, retryable=False) from error
        except (ConnectionError, RuntimeError) as error:
            await await_end(self._over)
            if self._error is not None:
                raise self._error from error
            raise SendError(f"the LiveKit room didn't {what}: {error}") from error

    def _reported(self, report: PlaybackReport) -> None:
        current = self._current
        if self._owed and (current is None or not current.may_be_about(report)):
            self._owed -= 1
            self.stray += 1
        elif current is None:
            self.stray += 1
        else:
            self._current = None
            current.resolve(report)

    def _forget(self, segment: _Segment | None) -> None:
        if segment is not None and segment is self._current:
            self._current = None
            self._owed += 1


class _Segment(SpeechSegment):
    def __init__(
        self,
        owner: DataStreamSpeech,
        room: rtc.Room,
        writer: rtc.ByteStreamWriter,
        avatar: str,
        bytes_per_second: int,
        timeout: float,
    ) -> None:
        self._owner = owner
        self._room = room
        self._writer = writer
        self._avatar = avatar
        self._rate = bytes_per_second
        self._timeout = timeout
        self._bytes = 0
        self._ended = False
        self._report: asyncio.Future[PlaybackReport] = asyncio.get_running_loop().create_future()

    async def write(self, pcm: bytes) -> None:
        async with self._owner.step("take speech", self._timeout):
            await self._writer.write(pcm)
        self._bytes += len(pcm)

    async def end(self) -> None:
        if self._ended:
            return
        self._ended = True
        async with self._owner.step("take the end of speech", self._timeout):
            await self._writer.aclose()

    async def clear(self) -> None:
        from livekit import rtc

        participant = self._room.local_participant
        try:
            async with self._owner.step("clear speech", self._timeout):
                await participant.perform_rpc(
                    destination_identity=self._avatar,
                    method=_CLEAR,
                    payload="",
                    response_timeout=self._timeout,
                )
        except rtc.RpcError as error:
            raise SendError(
                f"the avatar didn't stop what it plays: {_CLEAR} was answered with {error.code} "
                f"({error.message})",
                code=error.code,
            ) from error

    async def finished(self) -> PlaybackReport:
        return await asyncio.shield(self._report)

    def forget(self) -> None:
        self._owner._forget(self)  # noqa: SLF001 - a part of it

    def may_be_about(self, report: PlaybackReport) -> bool:
        """Whether a report can be this segment's and not an older one's."""
        seconds = self._bytes / self._rate
        return report.interrupted or (self._ended and abs(seconds - report.seconds) <= _OTHERS)

    def resolve(self, report: PlaybackReport) -> None:
        if not self._report.done():
            self._report.set_result(report)

    def fail(self, error: DisconnectedError) -> None:
        if not self._report.done():
            self._report.set_exception(error)
            self._report.exception()  # it may not be waited for


def _report(payload: str) -> PlaybackReport | None:
    """What the avatar reports, as far as it can be read."""
    try:
        raw = json.loads(payload)
        seconds, interrupted = raw["playback_position"], raw["interrupted"]
    except (ValueError, TypeError, KeyError):
        return None
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not math.isfinite(seconds) or seconds < 0 or not isinstance(interrupted, bool):
        return None
    return PlaybackReport(float(seconds), interrupted)
