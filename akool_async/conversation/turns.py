"""Everything that waits for the avatar, and which of it a message of the avatar answers.

A reply is matched by its `mid` first (docs/protocol.md §2 "Still open"). Only while no reply of
this kind was seen under a mid of ours does the first unclaimed message that begins after a question
answer the oldest question that waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from akool_async.conversation.options import ConversationOptions
from akool_async.conversation.pending import (
    HeardSpeech,
    Kind,
    PendingReply,
    Question,
    RetoldText,
    plain,
)
from akool_async.errors import SendError
from akool_async.events import MatchedBy

__all__ = ["Turns"]

_V = TypeVar("_V")

#: Own mids that are remembered after their reply, and mids of the avatar's finished messages.
_OWN_MIDS: Final = 4096
_THEIR_MIDS: Final = 1024


class Turns:
    """Everything that waits for the avatar, in the order of asking; iterating gives it."""

    def __init__(
        self, options: ConversationOptions, *, clock: Callable[[], float], ids_everywhere: bool
    ) -> None:
        """`ids_everywhere`: once the avatar used an id, a message without one is no reply (v3)."""
        self._options = options
        self._clock = clock
        self._ids_everywhere = ids_everywhere
        self._pending: dict[str, PendingReply] = {}
        self._own: dict[str, Kind] = {}
        self._theirs: dict[str, str] = {}
        #: Kinds of which a reply was seen under a mid of ours. Learned, never taken back.
        self._by_mid: tuple[Kind, ...] = ()
        self._uses_ids = False
        #: Whether a reply by order was left unchallenged: this avatar uses mids of its own.
        self.order_confirmed = False
        self._ticks = 0

    def __iter__(self) -> Iterator[PendingReply]:
        return iter(tuple(self._pending.values()))

    def get(self, mid: str) -> PendingReply | None:
        """What waits under a mid."""
        return self._pending.get(mid)

    def tick(self) -> int:
        """The next number in the order of events; times may be equal, these aren't."""
        self._ticks += 1
        return self._ticks

    # What waits.

    def open(self, pending: PendingReply) -> None:
        """It begins to wait."""
        self._pending[pending.mid] = pending
        self.remember(pending.mid, pending.kind)

    def hear(self, mid: str, text: str, now: float) -> None:
        """Speech that the avatar may answer. A mid that is in use already names nothing."""
        free = mid and mid not in self._pending
        key = mid if free else f"speech {self.tick()}"
        timeout = self._options.speech_turn
        self.open(HeardSpeech(key, text, now=now, timeout=timeout, tick=self.tick()))

    def drop(self, mid: str) -> None:
        """It gets no reply any more."""
        self._pending.pop(mid, None)

    def drop_unanswered(self, mid: str) -> bool:
        """A person's words get no reply any more, unless the service began one: then `False`."""
        turn = self.get(mid)
        if not isinstance(turn, HeardSpeech) or turn.message is not None:
            return False
        self.drop(mid)
        return True

    def not_sent(self, question: Question) -> None:
        """What was sent of a question is of no use: it waits as if nothing had been sent."""
        question.sending_started = None
        question.sent = False
        question.assumed_done_at = None

    def abandon(self, pending: PendingReply) -> None:
        """Nothing waits for it any more; its reply may still come, and goes to no other."""
        if self._pending.get(pending.mid) is pending:
            if pending.handed_over and pending.message is None:
                pending.abandoned = True
                pending.expires = pending.asked + self._options.reply_timeout
            else:
                del self._pending[pending.mid]

    def outlive(self, text: RetoldText) -> None:
        """A text that was cut off: what the avatar still reports under its mid belongs to it."""
        if self._pending.get(text.mid) is text:
            text.abandoned = True
            text.expires = self._clock() + self._options.speech_turn

    def fail(self, pending: PendingReply, error: BaseException) -> None:
        """It gets an error in place of a reply."""
        self.drop(pending.mid)
        pending.fail(error)

    def with_avatar(self) -> frozenset[PendingReply]:
        """What the avatar has of what was asked, all of it or a part."""
        return frozenset(pending for pending in self if pending.handed_over)

    def packet_sending(self, mid: str) -> None:
        """A packet is handed to the room."""
        pending = self._pending.get(mid)
        if pending is not None and pending.sending_started is None:
            pending.sending_started = self.tick()
            pending.handed_over_at = self._clock()

    def packet_sent(self, mid: str) -> None:
        """The room took a packet."""
        pending = self._pending.get(mid)
        if pending is None or pending.sent:
            return
        pending.sent = True
        if isinstance(pending, Question) and pending.retold and not pending.assumed_done_at:
            at = self._clock() + self._options.speaking_time(pending.text)
            pending.assumed_done_at = (at, "quiet")

    def packet_failed(self, mid: str, error: SendError) -> PendingReply | None:
        """The room didn't take a packet, so the avatar has no whole question.

        Returns what the packet belonged to.
        """
        pending = self._pending.get(mid)
        if pending is not None:
            if not pending.sent:
                pending.sending_started = None
            self.fail(pending, error)
        return pending

    @property
    def waiting_since(self) -> float | None:
        """Since when a question has had no part of its answer; `None`: none waits."""
        times = [
            question.message.last if question.message else question.asked
            for question in self
            if isinstance(question, Question)
            and question.sent
            and not question.abandoned
            and question.held is None
        ]
        return min(times, default=None)

    # Whose a message is.

    def remember(self, mid: str, kind: Kind) -> None:
        """A mid of ours: what comes under it belongs to it alone, however late."""
        _remember(self._own, mid, kind, _OWN_MIDS)

    def remember_theirs(self, mid: str, answered: str) -> None:
        """A message of the avatar began; `answered` is the mid of what it answers, or ""."""
        if mid:
            _remember(self._theirs, mid, answered, _THEIR_MIDS)

    def answered_by(self, mid: str) -> str:
        """The mid of what the avatar's message of this mid answers; the same, if that isn't known.

        Audio events name either.
        """
        return mid if mid in self._own else self._theirs.get(mid) or mid

    def is_known(self, mid: str) -> bool:
        """Whether a mid names a message that we or the avatar sent."""
        return bool(mid) and (mid in self._pending or mid in self._own or mid in self._theirs)

    def is_echo(self, mid: str, text: str) -> bool:
        """Whether recognised "speech" is a typed text coming back: by its mid, or as the text, or
        the next part of the text, of a question or a text to be said that is in flight.
        """
        if self._kind_of(mid) not in (None, "speech"):
            return True
        words = plain(text)
        return bool(words) and any(pending.takes_echo(words) for pending in self)

    def proves(self, mid: str) -> list[PendingReply]:
        """A message of the avatar has begun under this mid. Returns what it was matched to by
        order and isn't, because this avatar is now known to answer by mid.
        """
        if mid:
            self._uses_ids = True
        kind = self._kind_of(mid)
        if kind == "retold_question":
            kind = "retold"
        if kind is None or kind in self._by_mid:
            return []
        self._by_mid += (kind,)
        return [
            other
            for other in self
            if other.message is not None
            and other.message.matched_by == "order"
            and self._answers_by_mid(other)
        ]

    def claim(
        self, mid: str, text: str, began: float
    ) -> tuple[PendingReply | None, MatchedBy | None]:
        """What a message answers that begins with `text`, and how that is known.

        Its first part came at `began`, which is earlier than now where one before that was lost or
        late: it doesn't answer what was asked since.
        """
        pending = self._pending.get(mid)
        if pending is not None:
            return pending, "mid"
        if mid in self._own:
            return None, None
        if not mid and self._ids_everywhere and self._uses_ids:
            return None, None
        waiting = [p for p in self if self._may_answer(p, text, began)]
        # What was interrupted gets no new message, unless nothing else can be meant.
        for found in waiting:
            if not (isinstance(found, Question) and found.interrupted):
                return found, "order"
        return (waiting[0], "order") if waiting else (None, None)

    def question_of(self, mid: str) -> str | None:
        """The mid of the question that a message under this mid answers, waited for or not."""
        return mid if self._kind_of(mid) in ("question", "retold_question") else None

    def _kind_of(self, mid: str) -> Kind | None:
        pending = self._pending.get(mid)
        return pending.kind if pending is not None else self._own.get(mid)

    def _may_answer(self, pending: PendingReply, text: str, began: float) -> bool:
        if not pending.handed_over or pending.message is not None or pending.closed:
            return False
        if pending.handed_over_at > began:
            return False
        if self._answers_by_mid(pending):
            return False
        return not pending.retold or _repeats(text, pending.said())

    def _answers_by_mid(self, pending: PendingReply) -> bool:
        return ("retold" if pending.retold else pending.kind) in self._by_mid


def _repeats(text: str, said: str) -> bool:
    """Whether a message that begins with `text` can be the repetition of what was said."""
    text, said = plain(text), plain(said)
    return said.startswith(text) or text.startswith(said)


def _remember(known: dict[str, _V], mid: str, value: _V, limit: int) -> None:
    known.pop(mid, None)
    known[mid] = value
    if len(known) > limit:
        del known[next(iter(known))]
