"""The agent's audio output: to the avatar by data streams, never waiting for a lost report."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Final

from livekit import rtc
from livekit.agents.voice.avatar import DataStreamAudioOutput

__all__ = ["SAMPLE_RATE", "AvatarAudioOutput"]

logger = logging.getLogger(__name__)

#: What the service is sent by its vendor's own plugin, in Hz.
SAMPLE_RATE: Final = 16_000
#: A report with a position this far from what was written, in seconds, is another segment's, where
#: the report of another one may still come.
_OTHERS: Final = 0.5


class AvatarAudioOutput(DataStreamAudioOutput):
    """One for each avatar that joins.

    An agent waits for the report of every segment without a limit. Here a report that doesn't come
    within the audio's own time and `margin` seconds, or whose avatar has left, is made up for.
    """

    def __init__(self, room: rtc.Room, identity: str, *, started: bool, margin: float) -> None:
        """`started`: the avatar reports when it begins to speak."""
        super().__init__(
            room,
            destination_identity=identity,
            sample_rate=SAMPLE_RATE,
            wait_remote_track=rtc.TrackKind.KIND_VIDEO,
            wait_playback_start=started,
        )
        #: Reports that were made up for, and those that came all the same, too late.
        self.missed = 0
        self.late = 0
        self._margin = margin
        self._watches: set[asyncio.Task[None]] = set()
        #: When everything that was sent will have been played, on the loop's clock.
        self._plays_until = 0.0
        #: Reports that may still come for segments that were made up for.
        self._owed = 0

    def flush(self) -> None:
        """Ends the segment, and watches for its report."""
        streaming = self._stream_writer is not None
        super().flush()
        if streaming and self._pending_playback_count:
            # What was sent before it is played before it.
            now = asyncio.get_running_loop().time()
            self._plays_until = max(self._plays_until, now) + self._pushed_duration
            watch = asyncio.create_task(
                self._watch(
                    self.captured_playout_segments,
                    self._pushed_duration,
                    self._plays_until + self._margin,
                ),
                name="akool-avatar-report",
            )
            self._watches.add(watch)
            watch.add_done_callback(self._watches.discard)

    def clear_buffer(self) -> None:
        """Stops what is played, and drops what waits."""
        super().clear_buffer()
        self._plays_until = 0.0

    def _handle_playback_finished(self, data: rtc.RpcInvocationData) -> str:
        """A report; a late one of a segment that was made up for isn't the next one's."""
        if self._owed and data.caller_identity == self._destination_identity:
            report = json.loads(data.payload)
            position = float(report["playback_position"])
            other = not report["interrupted"] and (
                self._stream_writer is not None or abs(position - self._pushed_duration) > _OTHERS
            )
            if other or not self._pending_playback_count:
                self._owed -= 1
                self.late += 1
                return "ok"
        return super()._handle_playback_finished(data)

    async def _watch(self, segments: int, seconds: float, until: float) -> None:
        """Waits for the reports of so many segments, of which the last has `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self.wait_for_playout()
        reported = self.captured_playout_segments - self._pending_playback_count
        if segments > reported:
            logger.warning("the avatar reported no end of %.1f s of speech", seconds)
            self._make_up(segments - reported, seconds, interrupted=False)

    def give_up(self) -> None:
        """The avatar is gone: what it was sent won't be reported any more."""
        self._make_up(self._pending_playback_count, 0.0, interrupted=True)

    def _make_up(self, segments: int, seconds: float, *, interrupted: bool) -> None:
        for _ in range(segments):
            self.missed += 1
            self._owed += 1
            self.on_playback_finished(playback_position=seconds, interrupted=interrupted)

    async def aclose(self) -> None:
        """Ends its tasks; what is pending is given up."""
        watches, self._watches = list(self._watches), set()
        for watch in watches:
            watch.cancel()
        if watches:
            await asyncio.wait(watches)
        self.give_up()
