"""What a reply is, and the turns that wait for one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Literal

from akool_async.conversation.transcript import TranscriptEntry
from akool_async.stream.messages import QuestionOptions

__all__ = ["Incoming", "Reply", "ReplyEnd", "Turn", "TurnKind"]

#: How the end of a reply was told: "fin", its last part said so; "next", (v3) another answer
#: began; "quiet", no piece came for the quiet time; "audio_end", the avatar stopped speaking;
#: "interrupted", an `interrupt` was answered and no further piece came.
ReplyEnd = Literal["fin", "next", "quiet", "audio_end", "interrupted"]

#: ask: a typed question. say: a text to be said. speech: something the avatar heard.
TurnKind = Literal["ask", "say", "speech"]


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole message of the avatar.

    Attributes:
        text: its text. In retelling mode, where the avatar sends no text, what it was given.
        mid: the message's own mid; "" where the avatar left it out.
        ended: how its end was told.
        question: the mid of the question it answers, `None` where it answers no `ask`.
        first_after: seconds from the question to the first piece, `None` without a question.
        took: seconds from the question (or the first piece) to the end.
        options: (v3) what came with the answer.
    """

    text: str
    mid: str
    ended: ReplyEnd
    question: str | None = None
    first_after: float | None = None
    took: float = 0.0
    options: QuestionOptions | None = None


class Incoming:
    """A message of the avatar while it comes in."""

    __slots__ = ("entry", "idx", "last", "mid", "quiet_at", "started", "text", "turn")

    def __init__(self, mid: str, turn: Turn | None, entry: TranscriptEntry, now: float) -> None:
        self.mid = mid
        self.turn = turn
        self.entry = entry
        self.text = ""
        self.idx: int = -1
        self.started = now
        self.last = now
        #: When it counts as over, if nothing more comes before.
        self.quiet_at: tuple[float, ReplyEnd] | None = None


class Turn:
    """Something the avatar may answer: a question, a text to say, or speech it heard."""

    __slots__ = (
        "abandoned",
        "asked",
        "entry",
        "expires",
        "first",
        "future",
        "handed_over",
        "kind",
        "message",
        "mid",
        "pieces",
        "retelling",
        "retold_at",
        "sent",
        "text",
        "timeout",
        "waiter",
    )

    def __init__(
        self,
        kind: TurnKind,
        mid: str,
        text: str,
        *,
        now: float,
        timeout: float,
        future: asyncio.Future[Reply] | None = None,
        entry: TranscriptEntry | None = None,
        retelling: bool = False,
    ) -> None:
        self.kind: Final = kind
        self.mid = mid
        self.text = text
        self.asked = now
        self.timeout = timeout
        self.expires = now + timeout
        self.future = future
        self.entry = entry
        #: The avatar only repeats it, so it may send no text at all.
        self.retelling = retelling
        #: (retelling) when the text counts as said, and what told so.
        self.retold_at: tuple[float, ReplyEnd] | None = None
        #: Whether a packet of it was handed to the room; a message that begins before can't answer
        #: it. The room's word that it took the packet may come later than the avatar's answer.
        self.handed_over = kind == "speech"
        #: Whether the room took a packet of it.
        self.sent = kind == "speech"
        #: Nobody waits any more, but its reply may still come and must not go to another.
        self.abandoned = False
        self.message: Incoming | None = None
        self.first: float | None = None
        #: The reply's text as it comes, for `stream()`.
        self.pieces: list[str] = []
        self.waiter: asyncio.Future[None] | None = None

    @property
    def cut_off(self) -> bool:
        """A text that was being said and isn't any more."""
        return self.kind == "say" and self.abandoned

    @property
    def interrupted(self) -> bool:
        """An interrupt was answered that was sent after it."""
        return self.retold_at is not None and self.retold_at[1] == "interrupted"

    def wake(self) -> None:
        """Lets the stream's reader look again."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def resolve(self, reply: Reply) -> None:
        """Hands the reply to who waits, if anybody still does."""
        if self.future is not None and not self.future.done():
            self.future.set_result(reply)
        self.wake()

    def fail(self, error: BaseException) -> None:
        """Hands an error to who waits, if anybody still does."""
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)
            # A stream that was left half-way never looks; that isn't worth a warning.
            self.future.exception()
        self.wake()
