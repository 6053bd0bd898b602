"""One conversation goes on over another session's room: when it may, and what is in flight then."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from akool_async.conversation.commands import Commands
from akool_async.conversation.driver import Driver
from akool_async.conversation.liveness import Liveness
from akool_async.conversation.pending import HeardSpeech, Question
from akool_async.conversation.people import People
from akool_async.conversation.reply_tracker import ReplyTracker
from akool_async.conversation.speech.queue import SpeechQueue
from akool_async.conversation.turns import Turns
from akool_async.conversation.user_speech import UserSpeech
from akool_async.media.playback_queue import PlaybackQueue
from akool_async.media.session import SessionMedia
from akool_async.stream.messages import Chat
from akool_async.transport import Transport

__all__ = ["Handover"]

logger = logging.getLogger("akool_async.conversation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Used by `Renewal`. In this order: `detach`, `settle`, `attach`.

    `responding()`: whether the program's own model is about to answer.
    """

    driver: Driver
    liveness: Liveness
    commands: Commands
    turns: Turns
    replies: ReplyTracker
    user_speech: UserSpeech
    speech: SpeechQueue
    media: SessionMedia
    people: People
    playbacks: PlaybackQueue
    responding: Callable[[], bool]

    @property
    def at_rest(self) -> bool:
        """Whether no one speaks or waits for an answer, as far as is known."""
        return (
            self.speech.at_rest
            and self.playbacks.at_rest
            and not self.responding()
            and not self.replies.receiving
            and not self.user_speech.receiving
            and not self.driver.outbox.waiting_bytes
            and self.commands.waiting_since is None
            and not any(
                isinstance(pending, Question | HeardSpeech) and not pending.abandoned
                for pending in self.turns
            )
        )

    async def detach(self) -> None:
        """Nothing more is sent to, or received from, the room joined so far."""
        self.driver.outbox.hold("renewal")
        await self.driver.detach()

    def settle(self, now: float) -> None:
        """What the avatar of that room has doesn't go on.

        A question of which no part of an answer came is sent again: nothing comes from that room
        any more, so it is answered once. A reply that is coming in ends as interrupted, and so does
        a text that is being said, or audio that is being played.
        """
        for pending in self.turns:
            if isinstance(pending, HeardSpeech) or pending.abandoned:
                self.turns.drop(pending.mid)
            elif isinstance(pending, Question) and pending.message is None and pending.handed_over:
                self.driver.outbox.cancel(pending.mid)
                self.turns.not_sent(pending)
                packets = self.driver.codec.encode(Chat(pending.text, pending.mid))
                self.driver.outbox.push(pending.mid, packets)
        self.replies.interrupted(now, [p for p in self.turns if p.message is not None])
        self.user_speech.forget()
        if self.playbacks.cut_off():
            logger.warning("audio was cut off: the session was renewed while it was being played")
        if self.speech.cut_off():
            logger.warning("a text was cut off: the session was renewed while it was being said")

    def attach(
        self, transport: Transport, *, duration: float | None, ends_at: float | None
    ) -> None:
        """Goes on in a room that was joined, and whose avatar hears."""
        self.driver.attach(transport)
        self.media.attach(transport.media, transport.name)
        self.people.take_over(transport)
        self.liveness.renewed(duration, ends_at, self.driver.now())
