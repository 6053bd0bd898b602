"""One conversation goes on over another session's room: when it may, and what is in flight then."""

from __future__ import annotations

import logging
from typing import Protocol

from akool_async.conversation.commands import Commands
from akool_async.conversation.driver import Driver
from akool_async.conversation.liveness import Liveness
from akool_async.conversation.options import SessionInfo
from akool_async.conversation.pending import HeardSpeech, Question
from akool_async.conversation.people import People
from akool_async.conversation.reply_tracker import ReplyTracker
from akool_async.conversation.responder import Responder
from akool_async.conversation.speech.queue import SpeechQueue
from akool_async.conversation.turns import Turns
from akool_async.conversation.user_speech import UserSpeech
from akool_async.media.playback_queue import PlaybackQueue
from akool_async.media.session import SessionMedia
from akool_async.stream.messages import Chat
from akool_async.transport import Transport

__all__ = ["HandoverPort", "at_rest", "attach", "detach", "settle"]

logger = logging.getLogger("akool_async.conversation")


class HandoverPort(Protocol):
    """What of a conversation another room takes over. In this order: `detach`, `settle`, `attach`.

    Attributes:
        info: about the session whose room is attached.
    """

    info: SessionInfo
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
    responder: Responder | None

    def now(self) -> float:
        """The time, in seconds of the event loop's clock."""
        ...


def at_rest(port: HandoverPort) -> bool:
    """Whether no one speaks or waits for an answer, as far as is known."""
    return (
        port.speech.at_rest
        and port.playbacks.at_rest
        and not (port.responder is not None and port.responder.busy)
        and not port.replies.receiving
        and not port.user_speech.receiving
        and not port.driver.outbox.waiting_bytes
        and port.commands.waiting_since is None
        and not any(
            isinstance(pending, Question | HeardSpeech) and not pending.abandoned
            for pending in port.turns
        )
    )


async def detach(port: HandoverPort) -> None:
    """Nothing more is sent to, or received from, the room joined so far."""
    port.driver.outbox.hold("renewal")
    await port.driver.detach()


def settle(port: HandoverPort) -> None:
    """What the avatar of that room has doesn't go on.

    A question of which no part of an answer came is sent again: nothing comes from that room
    any more, so it is answered once. A reply that is coming in ends as interrupted, and so does
    a text that is being said, or audio that is being played.
    """
    for pending in port.turns:
        if isinstance(pending, HeardSpeech) or pending.abandoned:
            port.turns.drop(pending.mid)
        elif isinstance(pending, Question) and pending.message is None and pending.handed_over:
            port.driver.outbox.cancel(pending.mid)
            port.turns.not_sent(pending)
            packets = port.driver.codec.encode(Chat(pending.text, pending.mid))
            port.driver.outbox.push(pending.mid, packets)
    port.replies.interrupted(port.now(), [p for p in port.turns if p.message is not None])
    port.user_speech.forget()
    if port.playbacks.cut_off():
        logger.warning("audio was cut off: the session was renewed while it was being played")
    if port.speech.cut_off():
        logger.warning("a text was cut off: the session was renewed while it was being said")


def attach(port: HandoverPort, transport: Transport) -> None:
    """Goes on in a room that was joined, and whose avatar hears."""
    port.driver.attach(transport)
    port.media.attach(transport.media, transport.name)
    port.people.take_over(transport)
    now = port.now()
    port.liveness.renewed(port.info.duration, port.info.ends_at(now), now)
