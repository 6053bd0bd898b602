"""Who is in a room, for transports that know."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Participant"]


@dataclass(frozen=True, slots=True)
class Participant:
    """One in the room besides this program; no one that is hidden.

    Attributes:
        identity: unique in the room.
        name: for people to read; "" where it has none.
        is_avatar: it is the avatar of this conversation.
        speaking: it is heard to speak at this moment; see `ParticipantSpeaking`.
        stay: the vendor's id of this stay, another one when it has left and come back; "" where
            there is none.
    """

    identity: str
    name: str = ""
    is_avatar: bool = False
    speaking: bool = False
    stay: str = field(default="", repr=False)
