"""Recognises the service's echo of what people say.

In retelling mode the service speaks every recognised utterance back: the final text arrives as
`from: user`, and about 10 ms later the same words as `from: bot` (docs/protocol.md §2 "Observed on
the live service"). That text is no answer: it is counted and passed on to nothing else.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from akool_async.stream.messages import Chat, ChatDelta, PartialChat

__all__ = ["BotText", "EchoFilter"]

#: Seconds after a user's text within which its echo may begin.
ECHO_WINDOW: Final = 5.0
#: Texts whose echo is waited for, and echoes that are remembered for their late parts.
_MOST_TEXTS: Final = 32
_MOST_ECHOES: Final = 64

#: What the avatar says: a piece, all of it, or what came of it.
BotText: TypeAlias = ChatDelta | Chat | PartialChat


@dataclass(slots=True, eq=False)
class _Expected:
    letters: str
    mid: str
    until: float


@dataclass(slots=True, eq=False)
class _Echo:
    """A message taken for an echo; with `expected`, only as long as its text says so."""

    expected: _Expected | None
    #: How many of its letters were compared.
    matched: int = 0
    texts: list[str] = field(default_factory=list)

    def goes_on(self, message: BotText) -> bool:
        """Whether the message still is what was expected."""
        if isinstance(message, ChatDelta):
            self.texts.append(message.text)
        if self.expected is None or isinstance(message, PartialChat):
            return True
        letters = _letters(message.text)
        if isinstance(message, Chat):
            return self.expected.letters.startswith(letters)
        start, self.matched = self.matched, self.matched + len(letters)
        return self.expected.letters.startswith(letters, start)


class EchoFilter:
    """Synchronous. `user_spoke` for each text of a person, `take` for each text of the avatar."""

    def __init__(self) -> None:
        #: How many echoes were recognised.
        self.count = 0
        self._expected: list[_Expected] = []
        self._echoes: OrderedDict[str, _Echo] = OrderedDict()
        self._unanswered_until = float("-inf")

    def user_spoke(self, text: str, mid: str, now: float, *, answered_by_us: bool) -> None:
        """A person said something while the avatar is in retelling mode.

        `answered_by_us`: until `answer_sent`, whatever the avatar begins to say is not ours, and
        an echo or the service's own answer.
        """
        self._expected.append(_Expected(_letters(text), mid, now + ECHO_WINDOW))
        del self._expected[:-_MOST_TEXTS]
        if answered_by_us:
            self._unanswered_until = now + ECHO_WINDOW

    def answer_sent(self) -> None:
        """Our answer is on its way: what the avatar begins to say from now on may be it."""
        self._unanswered_until = float("-inf")

    def is_echo(self, mid: str) -> bool:
        """Whether a message was recognised as an echo."""
        return mid in self._echoes

    def take(self, message: BotText, now: float) -> tuple[list[BotText], bool]:
        """What of a message has to be passed on, and whether an echo begins with it.

        Messages that are ours, or that have begun already, aren't to be given here.
        """
        echo = self._echoes.get(message.mid)
        begins = echo is None
        if echo is None:
            echo = self._begin(message, now)
            if echo is None:
                return [message], False
            self._echoes[message.mid] = echo
            if len(self._echoes) > _MOST_ECHOES:
                self._echoes.popitem(last=False)
        if not echo.goes_on(message):
            return self._released(message, echo), False
        if not message.mid and not isinstance(message, ChatDelta):
            del self._echoes[""]  # the next message without a mid is another one
        if begins:
            self.count += 1
            if echo.expected is not None:
                self._expected.remove(echo.expected)
        return [], begins

    def _begin(self, message: BotText, now: float) -> _Echo | None:
        while self._expected and self._expected[0].until < now:
            del self._expected[0]
        if now <= self._unanswered_until:
            if (expected := self._by_text(message)) is not None:
                self._expected.remove(expected)
            return _Echo(None)
        if message.mid and any(message.mid == one.mid for one in self._expected):
            return _Echo(None)
        expected = self._by_text(message)
        return None if expected is None else _Echo(expected)

    def _by_text(self, message: BotText) -> _Expected | None:
        letters = _letters(message.text)
        for one in self._expected if letters else ():
            lost_parts = isinstance(message, PartialChat) and letters in one.letters
            if lost_parts or one.letters.startswith(letters):
                return one
        return None

    def _released(self, message: BotText, echo: _Echo) -> list[BotText]:
        """It began like an echo and went on in other words: all of it is passed on."""
        del self._echoes[message.mid]
        self.count -= 1
        if isinstance(message, ChatDelta):
            return [ChatDelta("".join(echo.texts), message.mid, message.sender, message.idx)]
        return [ChatDelta(message.text, message.mid, message.sender, 0), message]


def _letters(text: str) -> str:
    """What two renderings of the same words have in common: neither case, spaces nor marks."""
    return "".join(filter(str.isalnum, text.casefold()))
