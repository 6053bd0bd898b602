"""LiveKit's data-stream avatars: names, forms and what the avatar does.

See docs/protocol.md §2 "Your own voice".
"""

from __future__ import annotations

import abc
import json
import logging
from collections.abc import Mapping
from typing import Final

from akool_async.simulator.meeting.player import MeetingPlayer, Segment
from akool_async.simulator.tasks import Tasks

__all__ = ["CLEAR", "REPORT_TIMEOUT", "TOPIC", "MeetingStay", "audio_form", "report"]

logger = logging.getLogger(__name__)

TOPIC: Final = "lk.audio_stream"
CLEAR: Final = "lk.clear_buffer"
STARTED: Final = "lk.playback_started"
FINISHED: Final = "lk.playback_finished"
#: Seconds for the answer to a report.
REPORT_TIMEOUT: Final = 5.0


def audio_form(attributes: Mapping[str, str]) -> tuple[int, int] | None:
    """Sample rate and channels of a stream by its attributes; `None`: it can't be played."""
    try:
        sample_rate, channels = (int(attributes[name]) for name in ("sample_rate", "num_channels"))
    except (KeyError, ValueError):
        return None
    if not 8_000 <= sample_rate <= 48_000 or channels not in (1, 2):
        return None
    return sample_rate, channels


def report(segment: Segment) -> str:
    """What is reported of a segment that is over."""
    return json.dumps(
        {"playback_position": round(segment.played, 3), "interrupted": segment.cleared}
    )


class MeetingStay(abc.ABC):
    """One stay of the avatar in a room: plays what is sent and reports it to its sender.

    A subclass takes streams and calls from the room, and calls participants.
    """

    def __init__(self, player: MeetingPlayer) -> None:
        self._player = player
        self._tasks = Tasks()

    async def start(self) -> None:
        """Plays what is sent from now on."""
        self._player.on_started = self._started
        self._player.on_finished = self._finished
        self._tasks.spawn(self._player.run(), "simulator-meeting-player")

    async def stop(self) -> None:
        """Ends its tasks; twice is fine."""
        await self._tasks.stop()

    @abc.abstractmethod
    async def _call(self, callee: str, method: str, payload: str) -> None:
        """Calls a participant; one that doesn't answer, or with an error, is logged."""

    def _begin(self, sender: str, attributes: Mapping[str, str]) -> Segment | None:
        """A stream of speech begins; `None`: it can't be played."""
        form = audio_form(attributes)
        if form is None:
            logger.warning("speech of %s has no sample_rate and num_channels to play", sender)
            return None
        return self._player.begin(sender, *form)

    async def _started(self, segment: Segment) -> None:
        if segment.way == "stream":
            # Not waited for: who didn't ask for it answers that there is no such method.
            self._tasks.spawn(self._call(segment.sender, STARTED, ""), "simulator-meeting-started")

    async def _finished(self, segment: Segment) -> None:
        await self._call(segment.sender, FINISHED, report(segment))
