"""The avatar's messages as they come in, and when each is over (docs/protocol.md §2)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec.structs import replace

from akool_async.conversation.options import ConversationOptions, ConversationStats
from akool_async.conversation.pending import (
    Finish,
    HeardSpeech,
    IncomingMessage,
    PendingReply,
    Question,
    RetoldText,
)
from akool_async.conversation.transcript import Transcript
from akool_async.conversation.turns import Turns
from akool_async.errors import (
    QuestionInterruptedError,
    ReplyIncompleteError,
    ReplyTimeoutError,
)
from akool_async.events import (
    Event,
    Reply,
    ReplyDelta,
    ReplyDone,
    ReplyEnd,
    ReplyIncomplete,
    ReplyStarted,
)
from akool_async.stream.messages import Chat, ChatDelta, Ended, PartialChat

__all__ = ["ReplyTracker"]


class ReplyTracker:
    """Matches the avatar's messages to what they answer. Synchronous; is given the time."""

    def __init__(
        self,
        options: ConversationOptions,
        *,
        turns: Turns,
        reliable: bool,
        transcript: Transcript,
        stats: ConversationStats,
        publish: Callable[[Event], None],
        unanswered: Callable[[str], bool],
        began: Callable[[bool], None],
    ) -> None:
        """`unanswered(mid)`: whether a command has no answer yet. `began(to_speech)` is called when
        a message begins, which answers what a person said, or doesn't.
        """
        self._options = options
        self._reliable = reliable
        self._transcript = transcript
        self._stats = stats
        self._publish = publish
        self._turns = turns
        self._incoming: dict[str, IncomingMessage] = {}
        #: Whether this avatar was seen to send `fin`. Learned, never taken back.
        self._sends_fin = False
        #: The last `audio_start`: its place in the order of events, and the mid it named.
        self._audio_began: int | None = None
        self._audio_mid = ""
        self._unanswered = unanswered
        self._began = began
        #: Interrupts on their way: mid -> what the avatar had when it was sent.
        self._interrupts: dict[str, Collection[PendingReply]] = {}

    # What comes in.

    def begun(self, mid: str) -> bool:
        """Whether this message of the avatar has begun and isn't over."""
        return mid in self._incoming

    @property
    def receiving(self) -> bool:
        """Whether a message of the avatar is coming in that isn't a text it was given to say."""
        return any(not isinstance(i.pending, RetoldText) for i in self._incoming.values())

    def delta(self, message: ChatDelta, now: float) -> None:
        """The next piece of a message of the avatar."""
        incoming = self._incoming.get(message.mid)
        if incoming is None:
            incoming = self._begin(message.mid, message.text, now, message.began)
        incoming.idx = max(incoming.idx, message.idx)
        incoming.last = now
        incoming.over_at = None
        if incoming.interrupted:
            incoming.over_at = (now + self._options.interrupt_timeout, "interrupted")
        if not message.text:
            return
        incoming.entry.append(message.text)
        pending = incoming.pending
        if isinstance(pending, Question):
            pending.pieces.append(message.text)
            if pending.first is None:
                pending.first = now
            if not pending.abandoned:
                pending.expires = pending.asked + pending.timeout
            pending.change.wake()
        self._publish(ReplyDelta(message.text, message.mid, incoming.question))

    def chat(self, message: Chat, now: float) -> None:
        """A message of the avatar is over."""
        incoming = self._end(message.mid, message.text, now)
        interrupted = incoming.interrupted or self._is_cut(incoming, now)
        if message.ended == "fin":
            self._sends_fin = True
        elif self._sends_fin and message.ended != "next" and not interrupted:
            # This avatar marks its last part, and it isn't there: lost, or never sent.
            lost = (incoming.idx + 1,)
            self._give_up(incoming, message.text, lost, "its last part didn't come")
            return
        ended: ReplyEnd = message.ended
        if interrupted:
            ended = "interrupted"
        elif incoming.over_at is not None:
            ended = incoming.over_at[1]
        self._complete(incoming, message, ended, now)

    def partial(self, message: PartialChat, now: float) -> None:
        """A message of the avatar was given up by the codec."""
        incoming = self._end(message.mid, message.text, now, message.began)
        if incoming.interrupted and message.reason in ("finished", "age"):
            chat = Chat(message.text, message.mid, "bot", "quiet")
            self._complete(incoming, chat, "interrupted", now)
        else:
            self._give_up(incoming, message.text, message.missing, message.reason)

    def audio_started(self, mid: str) -> None:
        """The avatar began to speak; `mid` is "" where that isn't known."""
        self._audio_began = self._turns.tick()
        self._audio_mid = mid

    def audio_ended(self, mid: str, now: float) -> None:
        """The avatar stopped speaking: what it was saying is over, unless another part comes soon.

        That is the message that the events name. Without a name it is what began before the avatar
        began to speak: an `audio_end` of something said earlier ends nothing.
        """
        at = now + self._options.audio_end_timeout
        began, started_mid = self._audio_began, self._audio_mid
        self._audio_began, self._audio_mid = None, ""
        if mid and started_mid and mid != started_mid:
            began = None
        name = next((m for m in (mid, started_mid) if self._turns.is_known(m)), "")
        counts = True
        for incoming in self._incoming.values():
            pending = incoming.pending
            names = (incoming.mid, pending.mid if pending else incoming.mid)
            if not (name in names if name else began is not None and began > incoming.began):
                continue
            counts = counts and incoming.spoken
            incoming.spoken = True
            if (not self._sends_fin or not self._reliable) and incoming.over_at is None:
                incoming.over_at = (at, "audio_end")
        if not counts:
            return  # it was a text's that came: no other is said by then
        for question in self._turns:
            if not isinstance(question, Question) or not question.retold or question.message:
                continue
            since = question.sending_started
            if since is None or (question.assumed_done_at or (0, ""))[1] == "audio_end":
                continue
            if name == question.mid if name else began is not None and began > since:
                if not question.interrupted:  # else it was the interrupt that ended the speaking
                    question.assumed_done_at = (at, "audio_end")
                    question.matched_by = "mid" if name else "order"
                break

    def interrupting(self, mid: str, earlier: Collection[PendingReply]) -> None:
        """An interrupt is sent; `earlier` is what the avatar has of what was asked."""
        self._interrupts = {m: e for m, e in self._interrupts.items() if self._unanswered(m)}
        self._interrupts[mid] = earlier

    def _is_cut(self, incoming: IncomingMessage, now: float) -> bool:
        """Whether a message that ends now is cut by an interrupt: an avatar may end it before it
        answers the command. One that came whole, in one packet, isn't.
        """
        return incoming.started < now and any(
            (incoming.pending is None or incoming.pending in earlier) and self._unanswered(mid)
            for mid, earlier in self._interrupts.items()
        )

    def interrupted(self, now: float, earlier: Collection[PendingReply]) -> None:
        """An interrupt was answered: nothing more is to be expected of what was asked before it.

        `earlier` is what the avatar had when the interrupt was sent.
        """
        at = now + self._options.interrupt_timeout
        for incoming in self._incoming.values():
            if incoming.pending is None or incoming.pending in earlier:
                incoming.interrupted = True
                incoming.over_at = (at, "interrupted")
        for pending in self._turns:
            if pending.message is not None or pending not in earlier or pending.closed:
                continue
            if isinstance(pending, Question) and not pending.abandoned:
                pending.assumed_done_at = (at, "interrupted")
            elif not isinstance(pending, RetoldText):
                self._turns.drop(pending.mid)

    def lost_packets(self, now: float, *, at_once: bool) -> None:
        """The connection was interrupted and is back: replies may never come, or not whole."""
        for question in self._turns:
            if not isinstance(question, Question) or not question.sent or question.held:
                continue
            if at_once:
                self._turns.fail(question, _interrupted_question())
            else:
                question.expires = min(question.expires, now + self._options.lossy_timeout)

    def fail_all(self, make: Callable[[], BaseException]) -> None:
        """The conversation is over: whatever waits gets an error of its own."""
        for pending in self._turns:
            if isinstance(pending, Question) and pending.held is not None:
                self._release(pending)
            else:
                self._turns.fail(pending, make())
        for incoming in self._incoming.values():
            self._transcript.end(incoming.entry, interrupted=True)
        self._incoming.clear()

    # Time.

    def deadline(self) -> float | None:
        """When `expire` has something to do next."""
        times = [self._over_at(incoming)[0] for incoming in self._incoming.values()]
        for pending in self._turns:
            times.append(pending.expires)
            if isinstance(pending, Question):
                if pending.held is not None:
                    times.append(pending.held[0])
                elif pending.assumed_done_at is not None and pending.message is None:
                    times.append(pending.assumed_done_at[0])
        return min(times, default=None)

    def expire(self, now: float) -> list[Finish]:
        """Ends what is over by `now`; returns the messages that the codec has to end."""
        finished: list[Finish] = []
        for mid, incoming in self._incoming.items():
            at, how = self._over_at(incoming)
            if at <= now:
                incoming.over_at = (at, how)
                ended: Ended = "audio_end" if how == "audio_end" else "quiet"
                finished.append(Finish(mid, "bot", ended, incoming.entry.text))
        for pending in self._turns:
            if not isinstance(pending, Question):
                if pending.expires <= now:
                    self._turns.drop(pending.mid)
            elif pending.held is not None:
                if min(pending.held[0], pending.expires) <= now:
                    self._turns.order_confirmed = True
                    self._release(pending)
            elif (
                pending.message is None
                and pending.assumed_done_at is not None
                and pending.assumed_done_at[0] <= now
            ):
                self._done_without_text(pending, pending.assumed_done_at[1], now)
            elif pending.expires <= now:
                self._time_out(pending, now)
        return finished

    def _over_at(self, incoming: IncomingMessage) -> tuple[float, ReplyEnd]:
        if incoming.over_at is not None:
            return incoming.over_at
        options = self._options
        newest = next(reversed(self._incoming.values()))
        patient = self._sends_fin and self._reliable and incoming is newest
        return incoming.last + (options.fin_timeout if patient else options.quiet_time), "quiet"

    # How it is done.

    def _begin(
        self, mid: str, text: str, now: float, began: float | None = None
    ) -> IncomingMessage:
        """A message begins; its first part came at `began`, if that isn't now."""
        started = now if began is None else began
        for mistaken in self._turns.proves(mid):
            self._unmatch(mistaken)
        pending, matched_by = self._turns.claim(mid, text, started)
        if pending is not None and pending.message is not None:
            self._unmatch(pending)
        if isinstance(pending, RetoldText) and pending.entry is not None:
            entry = pending.entry
            entry.source = "reply"
            entry.text = ""
        else:
            entry = self._transcript.begin("avatar", "reply", mid=mid)
        asked = pending.mid if isinstance(pending, Question) else self._turns.question_of(mid)
        incoming = IncomingMessage(
            mid,
            entry,
            started=started,
            last=now,
            began=self._turns.tick(),
            pending=pending,
            question=asked,
            matched_by=matched_by,
        )
        if pending is not None:
            pending.message = incoming
        self._incoming[mid] = incoming
        self._turns.remember_theirs(mid, pending.mid if pending is not None else "")
        self._began(isinstance(pending, HeardSpeech))
        self._publish(ReplyStarted(mid, incoming.question))
        return incoming

    def _unmatch(self, pending: PendingReply) -> None:
        """A message matched by order turned out to be no answer to it."""
        incoming, pending.message = pending.message, None
        if incoming is not None:
            incoming.pending = incoming.question = None
            self._turns.remember_theirs(incoming.mid, "")
        if isinstance(pending, Question):
            pending.pieces, pending.first = [], None
            pending.change.wake()
            if pending.held is not None:
                _, reply = pending.held
                pending.held = None
                reply = replace(reply, question=None, first_after=None, matched_by=None)
                self._publish(ReplyDone(reply))

    def _end(self, mid: str, text: str, now: float, began: float | None = None) -> IncomingMessage:
        incoming = self._incoming.get(mid) or self._begin(mid, text, now, began)
        del self._incoming[mid]
        incoming.entry.text = text
        return incoming

    def _complete(
        self, incoming: IncomingMessage, message: Chat, ended: ReplyEnd, now: float
    ) -> None:
        pending = incoming.pending
        question = pending if isinstance(pending, Question) else None
        self._transcript.end(
            incoming.entry,
            interrupted=ended == "interrupted" or (pending is not None and pending.closed),
        )
        self._stats.replies += 1
        reply = Reply(
            text=message.text,
            mid=message.mid,
            ended=ended,
            question=incoming.question,
            first_after=question.first - question.asked if question and question.first else None,
            took=now - (pending.asked if pending else incoming.started),
            options=message.options,
            matched_by=incoming.matched_by if question else None,
        )
        if question is None:
            if pending is not None:
                self._turns.drop(pending.mid)
            self._publish(ReplyDone(reply, incoming.question))
            if isinstance(pending, RetoldText) and pending.on_reply is not None:
                pending.on_reply(reply)
        else:
            question.held = (now + self._options.match_timeout, reply)
            if reply.matched_by == "mid" or self._turns.order_confirmed or question.abandoned:
                self._release(question)

    def _release(self, question: Question) -> None:
        """Hands over the reply of a question."""
        assert question.held is not None
        _, reply = question.held
        question.held = None
        self._turns.drop(question.mid)
        question.resolve(reply)
        self._publish(ReplyDone(reply, reply.question))

    def _give_up(
        self, incoming: IncomingMessage, text: str, missing: tuple[int, ...], reason: str
    ) -> None:
        self._transcript.end(incoming.entry, complete=False)
        self._stats.incomplete_replies += 1
        if incoming.pending is not None:
            parts = ", ".join(map(str, missing)) or "none known"
            self._turns.fail(
                incoming.pending,
                ReplyIncompleteError(
                    f"the reply came with parts missing (numbers {parts}; {reason})",
                    text=text,
                    missing=missing,
                ),
            )
        self._publish(ReplyIncomplete(text, incoming.mid, missing, reason, incoming.question))

    def _done_without_text(self, question: Question, how: ReplyEnd, now: float) -> None:
        """The question is over without a text of the avatar's own."""
        self._turns.drop(question.mid)
        said = question.text if question.retold and how != "interrupted" else ""
        if said:
            self._transcript.add("avatar", "said", said, mid=question.mid)
        self._stats.replies += 1
        reply = Reply(
            said,
            question.mid,
            how,
            question.mid,
            took=now - question.asked,
            matched_by=question.matched_by,
        )
        question.resolve(reply)
        self._publish(ReplyDone(reply, question.mid))

    def _time_out(self, question: Question, now: float) -> None:
        if question.abandoned:
            self._turns.drop(question.mid)
            return
        if question.expires < question.asked + question.timeout:  # set by `lost_packets`
            self._turns.fail(question, _interrupted_question())
            return
        so_far = "".join(question.pieces)
        what = "no end of the reply" if question.message else "no reply"
        question.fail(
            ReplyTimeoutError(f"{what} to a question within {question.timeout:g} s", text=so_far)
        )
        self._turns.abandon(question)
        if question.expires <= now:
            self._turns.drop(question.mid)


def _interrupted_question() -> QuestionInterruptedError:
    return QuestionInterruptedError(
        "the connection was interrupted while the question was in flight; it isn't sent again, "
        "because the avatar may have heard it"
    )
