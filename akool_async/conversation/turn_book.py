"""The turns that wait for the avatar, and which of them a message answers.

docs/protocol.md §2 "Still open": matched by `mid` first. As long as no reply of this avatar was
ever seen to carry its question's `mid`, the first unclaimed message after a turn belongs
to the oldest turn that still waits: a question, a text it was given to say, or speech it heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from akool_async.conversation.options import ConversationOptions
from akool_async.conversation.turns import Turn
from akool_async.errors import SendError

__all__ = ["TurnBook"]


class TurnBook:
    """In the order of asking. Iterating gives the turns."""

    def __init__(self, options: ConversationOptions, *, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock
        self._turns: dict[str, Turn] = {}
        #: Learned from what this avatar does; never taken back.
        self._by_mid = False

    def __iter__(self) -> Iterator[Turn]:
        return iter(self._turns.values())

    def get(self, mid: str) -> Turn | None:
        """The turn of this mid, if it still waits."""
        return self._turns.get(mid)

    def open(self, turn: Turn) -> None:
        """A turn begins to wait."""
        self._turns[turn.mid] = turn

    def drop(self, mid: str) -> None:
        """The turn gets no reply any more."""
        self._turns.pop(mid, None)

    def abandon(self, turn: Turn) -> None:
        """Nobody waits for it any more; its reply may still come, and goes to nobody else."""
        if self._turns.get(turn.mid) is turn:
            if turn.handed_over and turn.message is None:
                turn.abandoned = True
                turn.expires = turn.asked + self._options.reply_timeout
            else:
                del self._turns[turn.mid]

    def outlive(self, turn: Turn) -> None:
        """A text that was cut off: what the avatar still reports under its mid belongs to it."""
        if self._turns.get(turn.mid) is turn:
            turn.abandoned = True
            turn.expires = self._clock() + self._options.speech_turn

    def fail(self, turn: Turn, error: BaseException) -> None:
        """It gets an error in place of a reply."""
        self.drop(turn.mid)
        turn.fail(error)

    def with_avatar(self) -> frozenset[Turn]:
        """What the avatar has of what was asked, all of it or a part."""
        return frozenset(turn for turn in self if turn.handed_over)

    def packet_leaves(self, mid: str) -> None:
        """A packet of a turn is handed to the room."""
        if (turn := self._turns.get(mid)) is not None:
            turn.handed_over = True

    def packet_sent(self, mid: str) -> None:
        """The room took a packet of a turn."""
        if (turn := self._turns.get(mid)) is not None and not turn.sent:
            turn.sent = True
            if turn.retelling and turn.kind == "ask" and turn.retold_at is None:
                turn.retold_at = (self._clock() + self._options.speaking_time(turn.text), "quiet")

    def send_failed(self, mid: str, error: SendError) -> Turn | None:
        """A packet of a turn wasn't taken: what the avatar has of it is no whole question.

        Returns the turn, whose error it is.
        """
        turn = self._turns.get(mid)
        if turn is not None:
            turn.handed_over = turn.sent
            self.fail(turn, error)
        return turn

    @property
    def owed(self) -> float | None:
        """Since when the avatar owes an answer to a question; `None`: it doesn't."""
        times = [
            turn.message.last if turn.message else turn.asked
            for turn in self
            if turn.kind == "ask" and turn.sent and not turn.abandoned
        ]
        return min(times, default=None)

    def claim(self, mid: str) -> Turn | None:
        """Whose reply a message is that begins now; `None`: nobody's."""
        turn = self._turns.get(mid)
        if turn is not None:
            self._by_mid = True
            if turn.message is not None:  # claimed by order, and now known to be wrong
                turn.message.turn = None
            return turn
        if self._by_mid and mid:
            return next((t for t in self if t.kind == "speech" and not t.message), None)
        waiting = [t for t in self if t.handed_over and t.message is None and not t.cut_off]
        # What was interrupted gets no new message, unless nothing else can be meant.
        return next((t for t in waiting if not t.interrupted), next(iter(waiting), None))
