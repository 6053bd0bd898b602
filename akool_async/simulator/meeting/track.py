"""Speech in a published audio track: where it begins and ends is to be heard, nothing marks it."""

from __future__ import annotations

from typing import Final

from akool_async.media.measuring import is_loud
from akool_async.simulator.meeting.player import MeetingPlayer, Segment

__all__ = ["END_OF_SPEECH", "RATE", "TrackSpeech"]

#: Hz of what is heard in tracks; a room resamples to it.
RATE: Final = 48_000
#: Seconds of quiet that end a segment; they belong to it.
END_OF_SPEECH: Final = 0.3
#: The height of a sample from which a piece counts as speech, of 32,768.
_LOUD: Final = 401


class TrackSpeech:
    """Makes segments of what is heard in one track, for the avatar to speak.

    Speech in another track while a segment is open is not spoken: an avatar has one voice.
    """

    def __init__(self, player: MeetingPlayer, sender: str) -> None:
        self._player = player
        self._sender = sender
        self._segment: Segment | None = None
        self._quiet = 0

    def feed(self, pcm: bytes) -> None:
        """Takes the next s16le samples of the track, mono at `RATE`: some ten milliseconds."""
        loud = is_loud(pcm, _LOUD)
        segment = self._segment
        if segment is None or segment.ended_by is not None:
            if not loud or self._player.taking:
                return
            segment = self._segment = self._player.begin(self._sender, RATE, 1, way="track")
        self._quiet = 0 if loud else self._quiet + len(pcm)
        segment.feed(pcm)
        if self._quiet >= END_OF_SPEECH * segment.bytes_per_second:
            self.close()

    def close(self) -> None:
        """The track is over, and what is spoken in it."""
        segment, self._segment, self._quiet = self._segment, None, 0
        if segment is not None:
            segment.end("quiet")
