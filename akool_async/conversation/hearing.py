"""What people in the room say, as the avatar's speech recognition reports it.

A user message may also be the echo of a typed question (docs/protocol.md §2 "Still open"): it has
the mid or the text of what was sent lately, and isn't speech.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from akool_async.stream.messages import Chat, ChatDelta, Ended, PartialChat

__all__ = ["Hearing"]

#: An echo comes at once; the same words later are somebody saying them.
ECHO_TIME: Final = 10.0


class Hearing:
    """User messages on their way in. Synchronous; told the time.

    `spoken(text, mid, complete)` is called for each that is no echo; `finish(mid, ended)` asks the
    codec to end a message that never gets its `fin`.
    """

    def __init__(
        self,
        *,
        quiet_time: float,
        spoken: Callable[[str, str, bool], None],
        finish: Callable[[str, Ended], None],
    ) -> None:
        self._quiet_time = quiet_time
        self._spoken = spoken
        self._finish = finish
        self._open: dict[str, tuple[str, float]] = {}
        self._sent: deque[tuple[str, str, float]] = deque(maxlen=32)

    def sent(self, mid: str, text: str, now: float) -> None:
        """We sent this text, so it may be echoed."""
        self._sent.append((mid, plain(text), now))

    def delta(self, message: ChatDelta, now: float) -> None:
        """A piece of a user message; the message counts when it is whole."""
        so_far, _ = self._open.get(message.mid, ("", now))
        self._open[message.mid] = (so_far + message.text, now)

    def chat(self, message: Chat, now: float) -> None:
        """A user message is whole."""
        self._open.pop(message.mid, None)
        if not self._is_echo(message.mid, message.text, now) and message.text.strip():
            self._spoken(message.text, message.mid, True)

    def partial(self, message: PartialChat) -> None:
        """A user message whose parts were lost."""
        self._open.pop(message.mid, None)
        if any(message.mid == mid for mid, _, _ in self._sent):
            return
        if message.text.strip():
            self._spoken(message.text, message.mid, False)

    def deadline(self) -> float | None:
        """When `expire` has something to do next."""
        return min((last + self._quiet_time for _, last in self._open.values()), default=None)

    def expire(self, now: float) -> None:
        """Ends what got no further piece."""
        self._end(now - self._quiet_time, now)

    def answered(self, now: float) -> None:
        """The avatar begins to answer: what was being heard is over."""
        self._end(now, now)

    def _end(self, heard_by: float, now: float) -> None:
        for mid, (text, last) in list(self._open.items()):
            if last <= heard_by:
                self._finish(mid, "quiet")
                if self._open.pop(mid, None) is not None:  # the codec holds nothing of it any more
                    self.chat(Chat(text, mid, "user", "quiet"), now)

    def _is_echo(self, mid: str, text: str, now: float) -> bool:
        words = plain(text)
        for known, sent, at in self._sent:
            if (mid and mid == known) or (words == sent and now - at <= ECHO_TIME):
                if words == sent:
                    self._sent.remove((known, sent, at))
                return True
        return False


def plain(text: str) -> str:
    """A text as an echo may repeat it: case and spaces don't count."""
    return " ".join(text.casefold().split())
