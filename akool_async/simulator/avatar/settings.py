"""What the avatars of one simulator have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

from akool_async.simulator.avatar.speech import ReplyFunction
from akool_async.simulator.behavior import ServiceBehavior
from akool_async.simulator.capture import Capture
from akool_async.simulator.clock import Clock
from akool_async.simulator.media.settings import Media
from akool_async.simulator.recording import Recording, StreamRecord

__all__ = ["AvatarSettings"]


@dataclass(slots=True)
class AvatarSettings:
    """What the avatars of one simulator have in common.

    Attributes:
        clock: the simulator's.
        behavior: how it behaves where the documents are silent.
        reply: what it answers in dialogue mode.
        pace: seconds that a word takes to be said; `None`: no time at all.
        piece_words: how many words go into one part of a reply.
        packets: where what it hears and says is recorded.
        capture: the avatar plays this again instead; `speed`: so many times as fast as it was,
            `None`: at once.
        media: how they look, sound and listen; `None`: they exchange text only.
        errors: what `reply`, a voice or an ear raised.
    """

    clock: Clock
    behavior: ServiceBehavior
    reply: ReplyFunction
    pace: float | None
    piece_words: int
    packets: Recording[StreamRecord]
    capture: Capture | None = None
    speed: float | None = None
    media: Media | None = None
    errors: list[Exception] = field(default_factory=list)
