"""Names and forms of LiveKit's data-stream avatars (docs/protocol.md §2 "Your own voice")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from akool_async.simulator.meeting.player import Segment

__all__ = ["CLEAR", "FINISHED", "REPORT_TIMEOUT", "STARTED", "TOPIC", "audio_form", "report"]

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
