"""What may be answered by the avatar, and a message of the avatar while it comes in."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from akool_async.concurrency import Waiter
from akool_async.conversation.transcript import TranscriptEntry
from akool_async.events import MatchedBy, Reply, ReplyEnd
from akool_async.stream.messages import Ended, Sender

__all__ = [
    "Finish",
    "HeardSpeech",
    "IncomingMessage",
    "Kind",
    "PendingReply",
    "Question",
    "RetoldText",
    "plain",
]

#: From this character on, scripts have no spaces between words.
_DENSE: Final = "\u2e80"
#: What a message of ours was; decides what a reply under its mid proves.
Kind = Literal["question", "retold_question", "retold", "speech", "command"]


@dataclass(frozen=True, slots=True)
class Finish:
    """A message without `fin` that is over by other signs, for the codec to end.

    `text` is what came of it, for a codec that holds nothing of it any more.
    """

    mid: str
    sender: Sender
    ended: Ended
    text: str


@dataclass(slots=True, eq=False)
class IncomingMessage:
    """A message of the avatar while it comes in.

    Attributes:
        began: its place in the order of events, see `Turns.tick`.
        pending: what it answers, while that is waited for.
        question: the mid of the question it answers, even if nothing waits for it any more.
        idx: the highest number of a part.
        over_at: when it counts as over if no further part comes, and by what.
        interrupted: an interrupt was answered that was sent after it began.
        spoken: an `audio_end` came that was its.
    """

    mid: str
    entry: TranscriptEntry
    started: float
    last: float
    began: int
    pending: PendingReply | None
    question: str | None
    matched_by: MatchedBy | None
    idx: int = -1
    over_at: tuple[float, ReplyEnd] | None = None
    interrupted: bool = False
    spoken: bool = False


class PendingReply:
    """Something the avatar may answer. One of `Question`, `RetoldText`, `HeardSpeech`.

    Attributes:
        expires: when it is no longer waited for.
        sending_started: a packet of it was handed to the room, see `Turns.tick`; a message that
            begins before can't answer it. The room may confirm the packet after the answer came.
        handed_over_at: when that was.
        sent: the room took a packet of it.
        abandoned: nothing waits for it, but its reply may still come and must not go to another.
        message: what answers it, once that has begun.
    """

    kind: Kind

    def __init__(self, mid: str, text: str, *, now: float, timeout: float) -> None:
        self.mid = mid
        self.text = text
        self.asked = now
        self.timeout = timeout
        self.expires = now + timeout
        self.entry: TranscriptEntry | None = None
        self.sending_started: int | None = None
        self.handed_over_at = now
        self.sent = False
        self.abandoned = False
        self.message: IncomingMessage | None = None
        self._echoed = 0

    @property
    def handed_over(self) -> bool:
        """Whether a packet of it was handed to the room."""
        return self.sending_started is not None

    @property
    def retold(self) -> bool:
        """Whether the avatar repeats it, so that its text is known and may not be sent at all."""
        return self.kind in ("retold", "retold_question")

    @property
    def closed(self) -> bool:
        """Whether it gets no new message by order: a text that was cut off."""
        return self.kind == "retold" and self.abandoned

    def said(self) -> str:
        """The text that the avatar repeats."""
        return self.text

    def takes_echo(self, words: str) -> bool:
        """Whether these words are what of its text didn't come back as recognised speech yet."""
        rest = plain(self.said())[self._echoed :]
        if self.closed or self.kind == "speech" or not rest.lstrip().startswith(words):
            return False
        # A person who says "No" isn't the beginning of "Nothing happened".
        last, following = words[-1:], rest.lstrip()[len(words) :][:1]
        if last.isalnum() and following.isalnum() and last < _DENSE:
            return False
        self._echoed += len(rest) - len(rest.lstrip()) + len(words)
        return True

    def fail(self, error: BaseException) -> None:
        """Nothing more comes of it."""


class Question(PendingReply):
    """A typed question: `ask` or `stream`.

    Attributes:
        future: its reply.
        pieces: the reply's text as it comes; another list when another message is the reply.
        assumed_done_at: (no message yet) when it counts as answered without a text, and by what.
        matched_by: (without a text of the avatar's) how its end was recognised as its.
        held: a reply matched by order, held back until then: one by mid would take its place.
    """

    def __init__(
        self,
        mid: str,
        text: str,
        *,
        now: float,
        timeout: float,
        entry: TranscriptEntry,
        retelling: bool,
    ) -> None:
        super().__init__(mid, text, now=now, timeout=timeout)
        self.kind = "retold_question" if retelling else "question"
        self.entry = entry
        self.future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.pieces: list[str] = []
        self.first: float | None = None
        self.assumed_done_at: tuple[float, ReplyEnd] | None = None
        self.matched_by: MatchedBy = "order"
        self.held: tuple[float, Reply] | None = None
        #: Another piece or the end may be there.
        self.change = Waiter("this stream is already awaited by another task")

    @property
    def interrupted(self) -> bool:
        """Whether an interrupt was answered that was sent after it."""
        return self.assumed_done_at is not None and self.assumed_done_at[1] == "interrupted"

    def resolve(self, reply: Reply) -> None:
        """Hands over the reply, if it is still waited for."""
        if not self.future.done():
            self.future.set_result(reply)
        self.change.wake()

    def fail(self, error: BaseException) -> None:
        """Hands over an error, if a reply is still waited for."""
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # a stream that was left half-way never looks at it
        self.change.wake()


class RetoldText(PendingReply):
    """A text that the avatar is given to say. Ended by its owner.

    Attributes:
        text: all of it, once it is known; until then its entry has what was sent.
        on_reply: called with the avatar's own text of it.
    """

    kind: Kind = "retold"

    def __init__(
        self, mid: str, *, now: float, on_reply: Callable[[Reply], None] | None = None
    ) -> None:
        super().__init__(mid, "", now=now, timeout=86_400.0)
        self.on_reply = on_reply

    def said(self) -> str:
        if self.text or self.entry is None or self.entry.source != "said":
            return self.text
        return self.entry.text


class HeardSpeech(PendingReply):
    """Speech that the avatar recognised, and may answer."""

    kind: Kind = "speech"

    def __init__(self, mid: str, text: str, *, now: float, timeout: float, tick: int) -> None:
        super().__init__(mid, text, now=now, timeout=timeout)
        self.sending_started = tick
        self.sent = True


def plain(text: str) -> str:
    """A text as it may be repeated: case, spaces and how accents are written don't count."""
    return " ".join(unicodedata.normalize("NFC", text.casefold()).split())
