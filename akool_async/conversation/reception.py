"""What the avatar sends, to the part of the conversation that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akool_async import events as ev
from akool_async.conversation.reply_tracker import Finish
from akool_async.conversation.user_speech import Heard
from akool_async.stream.messages import (
    Chat,
    ChatDelta,
    CommandAnswer,
    LatePart,
    PartialChat,
    Received,
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
        if message.sender == "user":
            self._user_text(message, now)
            return
        if not line.replies.begun(message.mid):
            # First: an echo, too, shows that what was being heard is whole.
            for finish in line.user_speech.avatar_answers():
                self.finish(finish, now)
            if self._is_echo(message, now):
                return
        if isinstance(message, ChatDelta):
            line.replies.delta(message, now)
        elif isinstance(message, Chat):
            line.replies.chat(message, now)
        else:
            line.replies.partial(message, now)

    def _user_text(self, message: ChatDelta | Chat | PartialChat, now: float) -> None:
        speech = self._line.user_speech
        if isinstance(message, ChatDelta):
            speech.delta(message, now)
            return
        heard = speech.chat(message) if isinstance(message, Chat) else speech.partial(message)
        if heard is not None:
            self._spoken(heard, now)

    def _is_echo(self, message: ChatDelta | Chat | PartialChat, now: float) -> bool:
        """Whether the service speaks back what a person said."""
        line = self._line
        if line.turns.get(message.mid) is not None:
            return False
        passed, begins = line.echoes.take(message, now)
        if begins:
            interrupt = line.options.suppress_echo and not line.avatar_busy
            line.speech.echo_begun(message.mid, interrupt=interrupt or line.responder is not None)
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
        mid = message.mid
        known = line.turns.is_known(mid) or line.replies.begun(mid) or line.echoes.is_echo(mid)
        if message.event == "audio_start":
            line.replies.audio_started(mid)
            line.speech.audio_started(mid, known=known)
            line.hub.publish(ev.SpeakingStarted(mid))
        elif message.event == "audio_end":
            line.replies.audio_ended(mid, now)
            line.speech.audio_ended(mid, known=known)
            line.hub.publish(ev.SpeakingStopped(mid))
        else:
            self._unknown(f"an event named {message.event!r}")

    def _spoken(self, heard: Heard, now: float) -> None:
        """A person in the room said something."""
        line = self._line
        line.transcript.add("user", "speech", heard.text, mid=heard.mid)
        if line.mode != 1:
            line.turns.hear(heard.mid, heard.text, now)
        elif not line.v3:
            line.echoes.user_spoke(heard.text, heard.mid, now, answered_by_us=line.answers_speech)
        if line.responder is not None:
            line.responder.heard(heard.text, heard.mid, complete=heard.complete)
        line.hub.publish(ev.UserSpoke(heard.text, heard.mid, heard.complete))

    def finish(self, finish: Finish, now: float) -> None:
        """Ends a message without `fin` that is over by other signs."""
        codec = self._line.codec
        messages = codec.finish(finish.mid, finish.sender, ended=finish.ended, now=now)
        if not messages:  # the codec holds nothing of it any more
            messages = [Chat(finish.text, finish.mid, finish.sender, "quiet")]
        for message in messages:
            self.take(message, now)
