"""The avatar's messages as they come in, and when each is over.

See docs/protocol.md §2 "Still open".
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from akool_async.conversation.events import (
    Event,
    ReplyDelta,
    ReplyDone,
    ReplyIncomplete,
    ReplyStarted,
)
from akool_async.conversation.options import ConversationOptions, ConversationStats
from akool_async.conversation.transcript import Transcript, TranscriptEntry
from akool_async.conversation.turn_book import TurnBook
from akool_async.conversation.turns import Incoming, Reply, ReplyEnd, Turn
from akool_async.errors import (
    QuestionInterruptedError,
    ReplyIncompleteError,
    ReplyTimeoutError,
)
from akool_async.stream.messages import Chat, ChatDelta, Ended, PartialChat

__all__ = ["Replies"]


class Replies:
    """Synchronous; told the time.

    `finish(mid, ended)` asks the codec to end a message that has no `fin`; what the codec makes of
    it comes back through `chat` or `partial`.
    """

    def __init__(
        self,
        options: ConversationOptions,
        *,
        turns: TurnBook,
        reliable: bool,
        transcript: Transcript,
        stats: ConversationStats,
        publish: Callable[[Event], None],
        finish: Callable[[str, Ended], None],
        clock: Callable[[], float],
    ) -> None:
        self._options = options
        self._clock = clock
        self._reliable = reliable
        self._transcript = transcript
        self._stats = stats
        self._publish = publish
        self._finish = finish
        self._turns = turns
        self._incoming: dict[str, Incoming] = {}
        #: Learned from what this avatar does; never taken back.
        self._sends_fin = False

    # What comes in.

    def begun(self, mid: str) -> bool:
        """Whether this message of the avatar has begun and isn't over."""
        return mid in self._incoming

    @property
    def receiving(self) -> bool:
        """Whether a message of the avatar that isn't speech of ours is coming in."""
        return any(i.turn is None or i.turn.kind != "say" for i in self._incoming.values())

    def delta(self, message: ChatDelta, now: float) -> None:
        """The next piece of a message of the avatar."""
        incoming = self._incoming.get(message.mid) or self._begin(message.mid, now)
        incoming.idx = max(incoming.idx, message.idx)
        incoming.last = now
        incoming.quiet_at = None
        if not message.text:
            return
        incoming.text += message.text
        incoming.entry.text = incoming.text
        turn = incoming.turn
        if turn is not None:
            turn.pieces.append(message.text)
            if turn.first is None:
                turn.first = now
            turn.expires = turn.asked + turn.timeout if not turn.abandoned else turn.expires
            turn.wake()
        self._publish(ReplyDelta(message.text, message.mid, _asked(turn)))

    def chat(self, message: Chat, now: float) -> None:
        """A message of the avatar is over."""
        incoming = self._incoming.pop(message.mid, None) or self._begin(message.mid, now)
        self._incoming.pop(message.mid, None)
        if message.ended == "fin":
            self._sends_fin = True
        elif self._sends_fin and not self._reliable and message.ended != "next":
            # This avatar marks its last part, and it isn't there: the end was lost.
            lost = (incoming.idx + 1,)
            self._give_up(incoming, message.text, lost, "its last part was lost")
            return
        ended: ReplyEnd = message.ended
        if incoming.quiet_at is not None and incoming.quiet_at[1] == "interrupted":
            ended = "interrupted"
        self._complete(incoming, message, ended, now)

    def partial(self, message: PartialChat) -> None:
        """A message of the avatar was given up by the codec."""
        incoming = self._incoming.get(message.mid) or self._begin(message.mid, self._clock())
        self._incoming.pop(message.mid, None)
        self._give_up(incoming, message.text, message.missing, message.reason)

    def audio_end(self, now: float) -> None:
        """The avatar stopped speaking: what has no `fin` is over, unless more comes soon."""
        at = now + self._options.audio_end_grace
        for incoming in self._incoming.values():
            if not self._sends_fin or not self._reliable:
                incoming.quiet_at = incoming.quiet_at or (at, "audio_end")
        for turn in self._turns:
            waits = turn.handed_over and turn.message is None
            if waits and turn.retelling and turn.kind == "ask":
                if not turn.interrupted:  # else it was the interrupt that ended the speaking
                    turn.retold_at = (at, "audio_end")
                break

    def interrupted(self, now: float, earlier: Collection[Turn]) -> None:
        """An interrupt was answered: nothing more is to be expected of what was asked before it.

        `earlier` is what the avatar had when the interrupt was sent.
        """
        at = now + self._options.interrupt_grace
        for incoming in self._incoming.values():
            if incoming.turn is None or incoming.turn in earlier:
                incoming.quiet_at = (at, "interrupted")
        for turn in list(self._turns):
            if turn.message is None and turn in earlier and not turn.cut_off:
                if turn.abandoned or turn.kind == "speech":
                    self._turns.drop(turn.mid)
                else:
                    turn.retold_at = (at, "interrupted")

    def lost_packets(self, now: float, *, at_once: bool) -> None:
        """The connection broke and stands again: replies may never come, or not whole."""
        for turn in list(self._turns):
            if turn.kind != "ask" or not turn.sent:
                continue
            if at_once:
                self._turns.fail(turn, _interrupted_question())
            else:
                turn.expires = min(turn.expires, now + self._options.lossy_patience)

    def fail_all(self, make: Callable[[], BaseException]) -> None:
        """The conversation is over: everybody waiting gets an error of their own."""
        for turn in list(self._turns):
            self._turns.fail(turn, make())
        for incoming in self._incoming.values():
            self._transcript.end(incoming.entry, interrupted=True)
        self._incoming.clear()

    # Time.

    def deadline(self) -> float | None:
        """When `expire` has something to do next."""
        times = [self._over_at(incoming)[0] for incoming in self._incoming.values()]
        for turn in self._turns:
            times.append(turn.expires)
            if turn.retold_at is not None and turn.message is None:
                times.append(turn.retold_at[0])
        return min(times, default=None)

    def expire(self, now: float) -> None:
        """Ends what is over by `now`."""
        for mid, incoming in list(self._incoming.items()):
            at, how = self._over_at(incoming)
            if at <= now:
                incoming.quiet_at = (at, how)
                self._finish(mid, "audio_end" if how == "audio_end" else "quiet")
                left = self._incoming.pop(mid, None)
                if left is not None:  # the codec holds nothing of it any more
                    chat = Chat(left.text, mid, "bot", "quiet")
                    self._complete(left, chat, how, now)
        for turn in list(self._turns):
            if turn.message is None and turn.retold_at is not None and turn.retold_at[0] <= now:
                self._retold(turn, turn.retold_at[1], now)
            elif turn.expires <= now:
                self._time_out(turn, now)

    def _over_at(self, incoming: Incoming) -> tuple[float, ReplyEnd]:
        if incoming.quiet_at is not None:
            return incoming.quiet_at
        options = self._options
        newest = next(reversed(self._incoming.values()))
        patient = self._sends_fin and self._reliable and incoming is newest
        return incoming.last + (options.fin_patience if patient else options.quiet_time), "quiet"

    # How it is done.

    def _begin(self, mid: str, now: float) -> Incoming:
        turn = self._turns.claim(mid)
        entry: TranscriptEntry
        if turn is not None and turn.kind == "say" and turn.entry is not None:
            entry = turn.entry
            entry.source = "reply"
        else:
            entry = self._transcript.begin("avatar", "reply", mid=mid)
        incoming = Incoming(mid, turn, entry, now)
        if turn is not None:
            turn.message = incoming
            turn.pieces.clear()
        self._incoming[mid] = incoming
        self._publish(ReplyStarted(mid, _asked(turn)))
        return incoming

    def _complete(self, incoming: Incoming, message: Chat, ended: ReplyEnd, now: float) -> None:
        turn = incoming.turn
        incoming.entry.text = message.text
        cut_off = ended == "interrupted" or (turn is not None and turn.cut_off)
        self._transcript.end(incoming.entry, interrupted=cut_off)
        self._stats.replies += 1
        reply = Reply(
            text=message.text,
            mid=message.mid,
            ended=ended,
            question=_asked(turn),
            first_after=turn.first - turn.asked if turn and turn.first is not None else None,
            took=now - (turn.asked if turn else incoming.started),
            options=message.options,
        )
        if turn is not None:
            self._turns.drop(turn.mid)
            turn.resolve(reply)
        self._publish(ReplyDone(reply, _asked(turn)))

    def _give_up(
        self, incoming: Incoming, text: str, missing: tuple[int, ...], reason: str
    ) -> None:
        turn = incoming.turn
        incoming.entry.text = text
        self._transcript.end(incoming.entry, complete=False)
        self._stats.incomplete_replies += 1
        if turn is not None:
            self._turns.drop(turn.mid)
            parts = ", ".join(map(str, missing)) or "none known"
            turn.fail(
                ReplyIncompleteError(
                    f"the reply came with parts missing (numbers {parts}; {reason})",
                    text=text,
                    missing=missing,
                )
            )
        self._publish(ReplyIncomplete(text, incoming.mid, missing, reason, _asked(turn)))

    def _retold(self, turn: Turn, how: ReplyEnd, now: float) -> None:
        """The turn is over without a text of the avatar's own."""
        self._turns.drop(turn.mid)
        if turn.kind != "ask":
            return
        said = turn.text if turn.retelling and how != "interrupted" else ""
        if said:
            self._transcript.add("avatar", "said", said, mid=turn.mid)
        self._stats.replies += 1
        reply = Reply(said, turn.mid, how, turn.mid, None, now - turn.asked)
        turn.resolve(reply)
        self._publish(ReplyDone(reply, turn.mid))

    def _time_out(self, turn: Turn, now: float) -> None:
        if turn.kind != "ask" or turn.abandoned:
            self._turns.drop(turn.mid)
            return
        if turn.expires < turn.asked + turn.timeout:  # brought forward by a lossy reconnect
            self._turns.fail(turn, _interrupted_question())
            return
        so_far = turn.message.text if turn.message else ""
        what = "no end of the reply" if turn.message else "no reply"
        turn.fail(ReplyTimeoutError(f"{what} to a question within {turn.timeout:g} s", text=so_far))
        self._turns.abandon(turn)
        if turn.expires <= now:
            self._turns.drop(turn.mid)


def _interrupted_question() -> QuestionInterruptedError:
    return QuestionInterruptedError(
        "the connection broke while the question was in flight; it isn't sent again, "
        "because the avatar may have heard it"
    )


def _asked(turn: Turn | None) -> str | None:
    return turn.mid if turn is not None and turn.kind == "ask" else None
