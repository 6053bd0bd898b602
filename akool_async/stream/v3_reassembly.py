"""Putting version 3's answers together: frames without numbers and without an end.

See docs/protocol.md §3.

An answer is over when a frame of another `message_id` comes, or none for the quiet time.
"""

from __future__ import annotations

from typing import Final

from akool_async.stream.bounds import ReassemblyBounds
from akool_async.stream.message_buffer import part_size
from akool_async.stream.messages import (
    Chat,
    ChatDelta,
    Ended,
    GaveUp,
    LatePart,
    PartialChat,
    QuestionOptions,
    Received,
    Sender,
)
from akool_async.stream.recent_messages import Key, RecentMessages
from akool_async.stream.surrogates import (
    ends_with_high_surrogate,
    join_surrogates,
    replace_surrogates,
)
from akool_async.stream.wire_v3 import Frame

__all__ = ["QUIET_TIME", "FrameReassembler"]

#: Seconds without a frame after which an answer is over. Our decision: an answer's frames come
#: as it is generated, with gaps that are rarely longer than a second.
QUIET_TIME: Final = 3.0


class _Answer:
    """An answer that isn't over."""

    __slots__ = ("held_back", "key", "options", "size", "surrogates", "texts", "touched")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.texts: list[str] = []
        self.held_back = ""
        self.surrogates = False
        self.options: QuestionOptions | None = None
        self.size = 0
        self.touched = 0.0

    def text(self) -> str:
        text = "".join(self.texts)
        return replace_surrogates(text) if self.surrogates else text


class FrameReassembler:
    """Version 3: the frames of one message follow each other."""

    def __init__(self, bounds: ReassemblyBounds, quiet_time: float) -> None:
        self._bounds = bounds
        self._quiet_time = quiet_time
        #: At most one of each sender with a `message_id`, and one without: a frame without doesn't
        #: end an answer that has one.
        self._current: dict[tuple[Sender | None, bool], _Answer] = {}
        #: How many frames they had, for a late one's number: a duplicate can't be recognised.
        self._recent: RecentMessages[int] = RecentMessages(bounds.remembered)

    @property
    def held(self) -> int:
        """What is held of answers that aren't over."""
        return sum(answer.size for answer in self._current.values())

    def __len__(self) -> int:
        return len(self._current)

    def deadline(self) -> float | None:
        """When the first answer is over if nothing more comes."""
        if not self._current:
            return None
        return min(answer.touched for answer in self._current.values()) + self._quiet_time

    def expire(self, now: float) -> list[Received]:
        """Ends the answers that had no frame for the quiet time."""
        out: list[Received] = []
        for answer in list(self._current.values()):
            if answer.touched + self._quiet_time <= now:
                self._complete(answer, "quiet", out)
        return out

    def finish(self, mid: str, sender: Sender | None, *, ended: Ended) -> list[Received]:
        """Ends an answer that is over by other signs."""
        out: list[Received] = []
        answer = self._current.get((sender, bool(mid)))
        if answer is not None and answer.key == (mid, sender):
            self._complete(answer, ended, out)
        return out

    def add(self, frame: Frame, now: float, out: list[Received]) -> None:
        """Takes a frame."""
        key = (frame.mid, frame.sender)
        if key in self._recent:
            # It ends nothing: another answer may be under way.
            out.append(LatePart(replace_surrogates(frame.text), *key, self._recent[key]))
            return
        slot = (frame.sender, bool(frame.mid))
        answer = self._current.get(slot)
        if answer is not None and answer.key != key:
            self._complete(answer, "next", out)
            answer = None
        if answer is None:
            answer = self._current[slot] = _Answer(key)
        answer.touched = now
        answer.surrogates = answer.surrogates or frame.surrogates
        answer.options = frame.options or answer.options
        answer.texts.append(frame.text)
        answer.size += part_size(frame.text)
        self._hand_on(answer, frame.text, out)
        if len(answer.texts) > self._bounds.parts:
            self._give_up(answer, "parts", out)
        elif answer.size > self._bounds.bytes:
            self._give_up(answer, "bytes", out)

    def _hand_on(self, answer: _Answer, text: str, out: list[Received]) -> None:
        if answer.surrogates:
            text, answer.held_back = join_surrogates(answer.held_back + text), ""
            if ends_with_high_surrogate(text):
                text, answer.held_back = text[:-1], text[-1]
            text = replace_surrogates(text)
        if text:
            out.append(ChatDelta(text, *answer.key, len(answer.texts) - 1))

    def _complete(self, answer: _Answer, ended: Ended, out: list[Received]) -> None:
        if answer.held_back:
            held_back = replace_surrogates(answer.held_back)
            out.append(ChatDelta(held_back, *answer.key, len(answer.texts) - 1))
        out.append(Chat(answer.text(), *answer.key, ended, answer.options))
        self._forget(answer)

    def _give_up(self, answer: _Answer, reason: GaveUp, out: list[Received]) -> None:
        missing = (len(answer.texts),)
        out.append(PartialChat(answer.text(), *answer.key, missing, reason))
        self._forget(answer)

    def _forget(self, answer: _Answer) -> None:
        mid, sender = answer.key
        del self._current[sender, bool(mid)]
        if mid:
            self._recent.add(answer.key, len(answer.texts))
