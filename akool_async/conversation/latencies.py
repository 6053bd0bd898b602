"""From one thing that happens in a conversation to another: what its `Meter` measures by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from akool_async.media.measuring import SoundWatch

__all__ = ["Latencies"]

#: Questions that wait for their first sound; older ones got none.
_WAITING: Final = 16
#: What comes more seconds after a person spoke, or after a question whose sound names nothing, is
#: no answer to it.
_LONGEST: Final = 60.0


class Durations(Protocol):
    """Takes what was measured."""

    def duration(self, name: str, seconds: float, **attributes: str | float | bool) -> None:
        """Something took `seconds`."""

    def span(
        self, name: str, seconds: float, error: str = "", /, **attributes: str | float | bool
    ) -> None:
        """Something that took `seconds` ended now."""


class Latencies:
    """Is given what happens in a conversation; `began` is when it was begun to be opened."""

    def __init__(self, clock: Callable[[], float], to: Durations, sound: SoundWatch) -> None:
        self._clock = clock
        self._to = to
        self._sound = sound
        self._began = clock()
        #: Nothing of the avatar's text came so far.
        self._wordless = True
        #: When what waits for its first sound was asked, by mid.
        self._questions: dict[str, float] = {}
        #: A person's words that no one answered yet, and that interrupted nothing yet.
        self._unanswered: float | None = None
        self._barge_in: float | None = None
        #: The text that is being said.
        self._said = ""
        self._interrupted_at: float | None = None
        self._speaking = False

    # Questions.

    def question_sent(self, mid: str, asked: float) -> None:
        """A question is on its way since `asked`."""
        self._questions[mid] = asked
        if len(self._questions) > _WAITING:
            del self._questions[next(iter(self._questions))]
        self._sound.asked(asked)

    def question_over(self, mid: str, asked: float, first: float | None, error: str) -> None:
        """Its reply came, or won't be waited for; `first`: when its first piece came."""
        if first is not None:
            self._to.duration("question.first_word", first - asked)
        elif error:  # the avatar hasn't begun to answer, and may never
            self._questions.pop(mid, None)
            self._sound.not_answered(asked)

    def reply_begun(self, to_speech: bool, /) -> None:
        """The first piece of a text of the avatar's came; `to_speech`: it answers a person."""
        if self._wordless:
            self._wordless = False
            self._to.span("first_word", self._clock() - self._began)
        if to_speech:
            self._answered()

    # The avatar's speaking.

    def speaking_started(self, mid: str, *, known: bool) -> None:
        """The avatar began to speak, in answer to `mid`. `known`: it can't be what isn't named,
        because this names something, or a text is being said.
        """
        now = self._clock()
        self._speaking = True
        self._interrupted_at = None  # what was interrupted ended without `audio_end`
        self._sound.another_begins()
        asked = self._questions.pop(mid, None)
        if asked is None and not known:
            asked = self._oldest_question(now)
        if asked is not None:
            self._to.duration("question.first_sound", now - asked)

    def _oldest_question(self, now: float) -> float | None:
        for mid, asked in tuple(self._questions.items()):
            del self._questions[mid]
            if now - asked <= _LONGEST:
                return asked
        return None

    def speaking_stopped(self) -> None:
        """The avatar fell silent."""
        self._speaking = False
        if self._interrupted_at is not None:
            self._to.duration("interrupt.to_silence", self._clock() - self._interrupted_at)
            self._interrupted_at = None

    # What people say.

    def user_spoke(self) -> None:
        """A person's words were recognised."""
        self._unanswered = self._barge_in = self._clock()

    def speech_sending(self, mid: str) -> None:
        """A packet of a text that the avatar says is handed to the room."""
        if mid != self._said:
            self._said = mid
            self._answered()

    def _answered(self) -> None:
        """A person's words have an answer, of the program's or the avatar's own."""
        spoke, self._unanswered, self._barge_in = self._unanswered, None, None
        if spoke is not None and (took := self._clock() - spoke) <= _LONGEST:
            self._to.duration("speech.to_first_word", took)

    def interrupt_sending(self) -> None:
        """An interrupt is handed to the room, perhaps once more."""
        now = self._clock()
        self._sound.interrupted(now)
        if self._speaking and self._interrupted_at is None:
            self._interrupted_at = now
        spoke, self._barge_in = self._barge_in, None
        if spoke is not None and now - spoke <= _LONGEST:
            self._to.duration("speech.to_interrupt", now - spoke)
