"""What the two dialects can express (docs/protocol.md §2 and §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Capabilities", "Dialect", "capabilities_of"]

#: "v2" of Agora, LiveKit and TRTC; "v3" of the legacy websocket chat room.
Dialect = Literal["v2", "v3"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a dialect can express.

    Attributes:
        has_commands: there are commands, and answers to them; without, a question carries its
            settings itself (`QuestionOptions`).
        has_audio_events: the avatar reports when it begins and stops speaking.
        reports_speech: what people in the room say is reported, as chat from "user".
        has_fin: the last part of a message says that it is the last, and parts have numbers.
    """

    has_commands: bool
    has_audio_events: bool
    reports_speech: bool
    has_fin: bool


_CAPABILITIES: Final[dict[Dialect, Capabilities]] = {
    "v2": Capabilities(has_commands=True, has_audio_events=True, reports_speech=True, has_fin=True),
    "v3": Capabilities(
        has_commands=False, has_audio_events=False, reports_speech=False, has_fin=False
    ),
}


def capabilities_of(dialect: Dialect) -> Capabilities:
    """What a dialect can express."""
    return _CAPABILITIES[dialect]
