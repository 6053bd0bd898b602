"""The agent's audio output: to the avatar by data streams, never waiting for a lost report."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from livekit import rtc
from livekit.agents.voice.avatar import DataStreamAudioOutput
from livekit.agents.voice.io import AudioOutput, _CaptureCancelledEvent

__all__ = ["SAMPLE_RATE", "AvatarAudioOutput"]

logger = logging.getLogger(__name__)

#: What the service is sent by its vendor's own plugin, in Hz.
SAMPLE_RATE: Final = 16_000
#: A report with a position this far from what was written, in seconds, is another segment's, where
#: the report of another one may still come.
_OTHERS: Final = 0.5
#: Seconds that speech waits for an avatar which is about to join.
_JOIN_LIMIT: Final = 20.0

_FINISHED: Final = "lk.playback_finished"
_STARTED: Final = "lk.playback_started"
_Handler = Callable[[rtc.RpcInvocationData], str]


class _Calls:
    """One method's calls in one room, by who makes them."""

    def __init__(self) -> None:
        self.handlers: dict[str, _Handler] = {}

    def __call__(self, data: rtc.RpcInvocationData) -> str:
        handler = self.handlers.get(data.caller_identity)
        return "reject" if handler is None else handler(data)

    def forget(self, identity: str, handler: _Handler) -> None:
        """Takes no more for this handler."""
        if self.handlers.get(identity) == handler:
            del self.handlers[identity]

    @staticmethod
    def of(room: rtc.Room, method: str) -> _Calls:
        """Those of a room, taken from now on."""
        participant = room.local_participant
        calls = participant._rpc_handlers.get(method)  # noqa: SLF001 - as the framework does
        if not isinstance(calls, _Calls):
            calls = _Calls()
            participant.register_rpc_method(method, calls)
        return calls


@dataclass(slots=True)
class _Sent:
    """A segment that isn't reported yet: when it began to be heard, and its seconds."""

    begun: float
    seconds: float = 0.0


class AvatarAudioOutput(DataStreamAudioOutput):
    """One for each avatar that joins.

    An agent waits for the report of every segment without a limit. Here a report that doesn't come
    within the audio's own time and `margin` seconds, or whose avatar has left, is made up for. An
    avatar that is about to join is waited for, for 20 s; what is said to one that isn't there is
    reported as not heard.
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
        self._sent: deque[_Sent] = deque()
        #: When everything that was sent will have been played, on the loop's clock.
        self._plays_until = 0.0
        #: Reports that may still come for segments that were made up for.
        self._owed = 0
        #: A segment has begun that isn't flushed yet.
        self._begun = False
        #: When the avatar left, on the loop's clock; and whether speech has waited for it to join.
        self._left_at: float | None = None
        self._waited = False
        self._closed = False

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Sends more of a segment."""
        if not self._started and self._left_at is None:
            await self._wait_for_avatar()
        self._begun = True
        if self._absent:
            # Counted, and reported as not heard when it ends.
            await AudioOutput.capture_frame(self, frame)
            return
        segments = self.captured_playout_segments
        await super().capture_frame(frame)
        if self.captured_playout_segments > segments or not self._sent:
            now = asyncio.get_running_loop().time()
            self._sent.append(_Sent(max(now, self._plays_until)))
        self._sent[-1].seconds += frame.duration

    @property
    def identity(self) -> str:
        """The avatar's."""
        return self._destination_identity

    @property
    def _absent(self) -> bool:
        return self._left_at is not None or not self._started

    async def _wait_for_avatar(self) -> None:
        if self._start_atask is None:
            self._start_atask = asyncio.create_task(self._start_task())
        if not self._waited:
            await asyncio.wait({self._start_atask}, timeout=_JOIN_LIMIT)
            self._waited = True

    def flush(self) -> None:
        """Ends the segment, and watches for its report."""
        streaming = self._stream_writer is not None
        super().flush()
        self._begun = False
        if self._absent:
            self._make_up_all()
        elif streaming and self._pending_playback_count:
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
        if self._absent:
            self._begun = False
            self._make_up_all()
            # Those above have counted a frame that still waited for the avatar.
            self._dispatch_playback_finished(
                _CaptureCancelledEvent(playback_position=0.0, interrupted=True)
            )
            return
        super().clear_buffer()
        self._plays_until = 0.0

    def on_playback_finished(
        self,
        *,
        playback_position: float,
        interrupted: bool,
        synchronized_transcript: str | None = None,
    ) -> None:
        """A segment is over; by a report, or made up for."""
        if self._sent:
            self._sent.popleft()
        super().on_playback_finished(
            playback_position=playback_position,
            interrupted=interrupted,
            synchronized_transcript=synchronized_transcript,
        )

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
        for _ in range(segments - reported):
            logger.warning("the avatar reported no end of %.1f s of speech", seconds)
            self._make_up(seconds, interrupted=False)

    def give_up(self) -> None:
        """The avatar is gone: what it was sent won't be reported, and no more of it is heard."""
        if self._left_at is None:
            self._left_at = asyncio.get_running_loop().time()
        self._make_up_all()

    def _make_up_all(self) -> None:
        """As interrupted; the first one where the avatar should have been.

        A segment that the agent still sends is over when the agent has ended it.
        """
        for _ in range(self._pending_playback_count - self._begun):
            self._make_up(self._heard(), interrupted=True)

    def _heard(self) -> float:
        """Seconds of the segment that is played now."""
        if not self._sent:
            return 0.0
        sent, until = self._sent[0], self._left_at
        if until is None:
            until = asyncio.get_running_loop().time()
        return min(sent.seconds, max(0.0, until - sent.begun))

    def _make_up(self, seconds: float, *, interrupted: bool) -> None:
        self.missed += 1
        self._owed += bool(self._sent)
        self.on_playback_finished(playback_position=seconds, interrupted=interrupted)

    async def aclose(self) -> None:
        """Ends its tasks; what is pending is given up. Twice is fine."""
        if self._closed:
            return
        self._closed = True
        tasks, self._watches = list(self._watches), set()
        if self._start_atask is not None:
            tasks.append(self._start_atask)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self.give_up()
        self._room.off("connection_state_changed", self._handle_connection_state_changed)
        for method, handler in (
            (_FINISHED, self._handle_playback_finished),
            (_STARTED, self._handle_playback_started),
        ):
            _Calls.of(self._room, method).forget(self._destination_identity, handler)

    # The framework has one table of these for the whole process, by the avatar's name, which the
    # avatars of several rooms share: one would get another's reports.

    @classmethod
    def _register_playback_finished_rpc(
        cls, room: rtc.Room, *, caller_identity: str, handler: _Handler
    ) -> None:
        _Calls.of(room, _FINISHED).handlers[caller_identity] = handler

    @classmethod
    def _register_playback_started_rpc(
        cls, room: rtc.Room, *, caller_identity: str, handler: _Handler
    ) -> None:
        _Calls.of(room, _STARTED).handlers[caller_identity] = handler
