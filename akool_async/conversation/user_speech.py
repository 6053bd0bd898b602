"""What people in the room say, as the avatar's speech recognition reports it.

A user message may also be a typed text coming back; `Turns.is_echo` recognises it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from akool_async.conversation.options import ConversationOptions
from akool_async.conversation.pending import Finish
from akool_async.conversation.transcript import TextBuffer
from akool_async.conversation.turns import Turns
from akool_async.stream.messages import Chat, ChatDelta, PartialChat

__all__ = ["Heard", "UserSpeech"]


@dataclass(frozen=True, slots=True)
class Heard:
    """Something a person said; `complete` is `False` where parts of it were lost."""

    text: str
    mid: str
    complete: bool


class _Open:
    __slots__ = ("last", "text")

    def __init__(self) -> None:
        self.text = TextBuffer()
        self.last = 0.0


class UserSpeech:
    """User messages on their way in. Synchronous; is given the time.

    `marks_end()`: their parts carry a `fin`, true or false.
    """

    def __init__(
        self, options: ConversationOptions, turns: Turns, *, marks_end: Callable[[], bool]
    ) -> None:
        self._options = options
        self._turns = turns
        self._marks_end = marks_end
        self._open: dict[str, _Open] = {}
        #: Whether a last part was seen that is marked as such. Learned, never taken back.
        self._sends_fin = False

    def delta(self, message: ChatDelta, now: float) -> None:
        """A piece of a user message; the message counts when it is whole."""
        speech = self._open.setdefault(message.mid, _Open())
        speech.text.append(message.text)
        speech.last = now

    def chat(self, message: Chat) -> Heard | None:
        """A user message is whole; `None`: no person spoke."""
        self._open.pop(message.mid, None)
        if message.ended == "fin":
            self._sends_fin = True
        return self._heard(message.text, message.mid, complete=True)

    def partial(self, message: PartialChat) -> Heard | None:
        """A user message whose parts were lost."""
        self._open.pop(message.mid, None)
        return self._heard(message.text, message.mid, complete=False)

    @property
    def receiving(self) -> bool:
        """Whether a text is coming in that isn't whole yet."""
        return bool(self._open)

    def forget(self) -> None:
        """The rest of what was coming in never comes."""
        self._open.clear()

    def deadline(self) -> float | None:
        """When `expire` has something to do next."""
        limit = self._limit()
        return min((speech.last + limit for speech in self._open.values()), default=None)

    def expire(self, now: float) -> list[Finish]:
        """Ends what got no further part."""
        return self._ending(now - self._limit())

    def avatar_answers(self) -> list[Finish]:
        """The avatar begins a message. Where parts carry no `fin`, that ends what it answers."""
        return [] if self._marks_end() else self._ending(float("inf"))

    def _limit(self) -> float:
        options = self._options
        if self._sends_fin:
            return options.fin_timeout
        # `fin` may be false on every part of some avatars' messages, the last one included.
        return options.quiet_time if self._marks_end() else options.audio_end_timeout

    def _ending(self, last: float) -> list[Finish]:
        return [
            Finish(mid, "user", "quiet", str(speech.text))
            for mid, speech in self._open.items()
            if speech.last <= last
        ]

    def _heard(self, text: str, mid: str, *, complete: bool) -> Heard | None:
        if not text.strip() or self._turns.is_echo(mid, text):
            return None
        return Heard(text, mid, complete)
