"""What the avatar sends, to the part of the conversation that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akool_async.conversation import events as ev
from akool_async.conversation.turns import Turn
from akool_async.stream import new_mid
from akool_async.stream.messages import (
    Chat,
    ChatDelta,
    CommandAnswer,
    Ended,
    LatePart,
    PartialChat,
    Received,
    Sender,
    SpeechEvent,
    UnknownMessage,
)

if TYPE_CHECKING:
    from akool_async.conversation.line import Line

__all__ = ["Reception"]


class Reception:
    """Synchronous: called between two packets."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def take(self, message: Received, now: float) -> None:
        """A message of the avatar, to the part that it is for."""
        line = self._line
        if isinstance(message, ChatDelta | Chat | PartialChat):
            self._text(message, now)
        elif isinstance(message, CommandAnswer):
            if line.commands.answered(message):
                line.standing.answered()
        elif isinstance(message, SpeechEvent):
            self._speech_event(message, now)
        elif isinstance(message, LatePart):
            if line.echoes.is_echo(message.mid):
                return
            line.counts.late_parts += 1
            line.hub.publish(ev.MessageLate(message.text, message.mid, message.idx))
        elif isinstance(message, UnknownMessage):
            line.counts.unknown_packets += 1
            line.hub.publish(ev.UnknownReceived(message.raw, message.reason))
        else:
            self._unknown(f"a {type(message).__name__}, which only the avatar is sent")

    def _text(self, message: ChatDelta | Chat | PartialChat, now: float) -> None:
        line = self._line
        if message.sender is None:
            if not isinstance(message, ChatDelta):
                self._unknown("a chat that says neither bot nor user")
            return
        if message.sender == "bot" and not line.replies.begun(message.mid):
            if self._is_echo(message, now):
                return
            line.hearing.answered(now)
        part = line.hearing if message.sender == "user" else line.replies
        if isinstance(message, ChatDelta):
            part.delta(message, now)
        elif isinstance(message, Chat):
            part.chat(message, now)
        else:
            part.partial(message)

    def _is_echo(self, message: ChatDelta | Chat | PartialChat, now: float) -> bool:
        """Whether the service speaks back what a person said."""
        line = self._line
        if line.turns.get(message.mid) is not None:
            return False
        passed, begins = line.echoes.take(message, now)
        if begins:
            interrupt = line.options.suppress_echo and not line.avatar_busy
            line.speech.echo_begun(interrupt=interrupt or line.responder is not None)
        if passed == [message]:
            return False
        for each in passed:
            if isinstance(each, ChatDelta):
                line.replies.delta(each, now)
            elif isinstance(each, Chat):
                line.replies.chat(each, now)
        return True

    def _unknown(self, reason: str) -> None:
        line = self._line
        line.counts.unknown_packets += 1
        line.hub.publish(ev.UnknownReceived(b"", reason))

    def _speech_event(self, message: SpeechEvent, now: float) -> None:
        line = self._line
        if message.event == "audio_start":
            line.speech.audio_started(message.mid)
            line.hub.publish(ev.SpeakingStarted(message.mid))
        elif message.event == "audio_end":
            line.replies.audio_end(now)
            line.speech.audio_ended(message.mid)
            line.hub.publish(ev.SpeakingStopped(message.mid))
        else:
            self._unknown(f"an event named {message.event!r}")

    def spoken(self, text: str, mid: str, complete: bool) -> None:
        """Somebody in the room said something."""
        line = self._line
        line.transcript.add("user", "speech", text, mid=mid)
        if line.params.mode != 1:
            now = line.loop.time()
            key = mid or new_mid()
            turn = Turn("speech", key, text, now=now, timeout=line.options.speech_turn)
            line.turns.open(turn)
        elif not line.v3:
            line.echoes.user_spoke(text, mid, line.loop.time(), answered_by_us=line.answers_speech)
        if line.responder is not None:
            line.responder.heard(text, mid, complete=complete)
        line.hub.publish(ev.UserSpoke(text, mid, complete))

    def finish(self, mid: str, sender: Sender, ended: Ended) -> None:
        """Ends a message without `fin` that is over by other signs."""
        line = self._line
        now = line.loop.time()
        for message in line.codec.finish(mid, sender, ended=ended, now=now):
            self.take(message, now)
