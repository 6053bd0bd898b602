"""`ask` and `stream`: a question on its way out, and its reply as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, Self

from akool_async import validation
from akool_async.concurrency import Flag
from akool_async.conversation.driver import Driver
from akool_async.conversation.meter import Meter, name_of_end
from akool_async.conversation.options import ConversationOptions, ConversationStats
from akool_async.conversation.params import (
    QuestionFields,
    check_timeout,
    question_options,
)
from akool_async.conversation.pending import Question
from akool_async.conversation.settings import Settings
from akool_async.conversation.transcript import Transcript
from akool_async.conversation.turns import Turns
from akool_async.errors import NotSupportedError, ReplyTimeoutError
from akool_async.events import Reply
from akool_async.misuse import refused
from akool_async.stream import new_mid
from akool_async.stream.messages import Chat, QuestionOptions

__all__ = ["QuestionPort", "Questions", "ReplyStream"]


class QuestionPort(Protocol):
    """What questions need of the conversation they are part of.

    Attributes:
        has_commands: whether settings are sent by commands, or with every question.
        gate: set, unless another session takes over.
    """

    options: ConversationOptions
    has_commands: bool
    driver: Driver
    settings: Settings
    transcript: Transcript
    turns: Turns
    counts: ConversationStats
    meter: Meter
    gate: Flag

    @property
    def keeps_retelling(self) -> bool:
        """Whether a responder needs retelling mode for good."""
        ...

    @property
    def saying(self) -> bool:
        """Whether a text given to `say` isn't spoken yet."""
        ...

    def check_open(self) -> None:
        """Raises what ended the conversation, if anything did."""

    def send_question(self, question: Question, packets: Sequence[bytes]) -> None:
        """Hands a question to the outbox, and begins to wait for its reply."""

    async def wait_until_said(self) -> None:
        """Returns when nothing is being said or waits to be."""


class Questions:
    """Asks; `given` are the options of one question in version 3."""

    def __init__(self, port: QuestionPort) -> None:
        self._port = port

    async def ask(self, text: str, timeout: float | None, given: QuestionFields) -> Reply:
        """Asks and waits for the reply. Cancelled, it takes back what wasn't sent."""
        question = await self._send(validation.speech("text", text), timeout, self._options(given))
        return await question.future

    def stream(self, text: str, timeout: float | None, given: QuestionFields) -> ReplyStream:
        """Asks when the first piece is asked for."""
        text = validation.speech("text", text)
        return ReplyStream(partial(self._send, text, timeout, self._options(given)))

    def _options(self, given: QuestionFields) -> QuestionOptions | None:
        if not self._port.has_commands:
            return question_options(self._port.settings.params.question(), **given)
        if any(value is not None for value in given.values()):
            raise NotSupportedError(
                "a version 2 room has no options per question; use set_params()"
            )
        return None

    async def _send(
        self, text: str, timeout: float | None, options: QuestionOptions | None
    ) -> Question:
        port = self._port
        limit = check_timeout(timeout, port.options.reply_timeout)
        asked = port.driver.now()
        try:
            return await self._sent(text, asked, limit, options)
        except BaseException as error:
            port.meter.span("question", port.driver.now() - asked, type(error).__name__)
            raise

    async def _sent(
        self, text: str, asked: float, limit: float, options: QuestionOptions | None
    ) -> Question:
        port = self._port
        after_texts = port.saying
        await self._admitted(limit)
        port.check_open()
        await port.driver.outbox.wait_for_capacity(timeout=limit)
        if options is None:
            await self._restore_mode(asked + limit, limit, after_texts=after_texts)
        port.check_open()
        mid = new_mid()
        packets = port.driver.codec.encode(Chat(text, mid, options=options))
        mode = options.mode_type if options is not None else port.settings.mode
        question = Question(
            mid,
            text,
            now=asked,
            timeout=limit,
            entry=port.transcript.add("user", "typed", text, mid=mid),
            retelling=mode == 1,
        )
        question.future.add_done_callback(partial(self._settled, question))
        port.counts.questions += 1
        port.meter.latencies.question_sent(mid, asked)
        port.send_question(question, packets)
        return question

    async def _admitted(self, limit: float) -> None:
        if self._port.gate.is_set():
            return
        try:
            async with asyncio.timeout(limit):
                await self._port.gate.wait()
        except TimeoutError:
            raise ReplyTimeoutError(
                f"the question wasn't sent within {limit:g} s: another session is taking over"
            ) from None

    async def _restore_mode(self, until: float, limit: float, *, after_texts: bool) -> None:
        """`say` sets retelling mode; puts the avatar back into the mode the caller set, or into
        dialogue, once everything was said. `after_texts`: texts given before the question come
        first, also where none of them has set its mode yet.
        """
        port = self._port
        while not port.keeps_retelling and self._is_for_retelling(after_texts):
            try:
                async with asyncio.timeout_at(until):
                    await port.wait_until_said()
            except TimeoutError:
                raise ReplyTimeoutError(
                    f"the question wasn't sent within {limit:g} s: texts given to say() are still "
                    "being spoken, and the avatar would repeat the question instead of answering it"
                ) from None
            port.check_open()
            left = max(until - port.driver.now(), 0.001)
            await port.settings.restore_mode(timeout=min(left, port.options.command_timeout))

    def _is_for_retelling(self, after_texts: bool) -> bool:
        """Whether the avatar would repeat a question that is to be answered."""
        settings = self._port.settings
        return settings.mode_to_restore is not None or (
            after_texts and self._port.saying and settings.params.mode != 1
        )

    def _settled(self, question: Question, future: asyncio.Future[Reply]) -> None:
        """It has its reply, or failed, or nothing waits for it any more."""
        port = self._port
        error = name_of_end(future)
        asked = question.asked
        port.meter.span("question", port.driver.now() - asked, error)
        port.meter.latencies.question_over(question.mid, asked, question.first, error)
        dropped = port.driver.outbox.cancel(question.mid)
        if not error:
            return
        if dropped:
            port.turns.drop(question.mid)  # the avatar never gets all of it, so it won't answer
        elif future.cancelled():
            port.turns.abandon(question)
        if not question.handed_over and question.entry is not None:
            port.transcript.discard(question.entry)


class ReplyStream:
    """`async for piece in avatar.stream("…")`: the reply's text, piece by piece.

    The question is sent when the first piece is asked for, or on entering `async with`. Leaving
    before the end is fine: the rest of the reply comes as events, and nothing waits for it.
    Raises what `ask` raises, after the pieces that did come.
    """

    def __init__(self, send: Callable[[], Awaitable[Question]]) -> None:
        self._send = send
        self._turn: Question | None = None
        self._pieces: list[str] = []
        self._next = 0

    @property
    def question(self) -> str | None:
        """The question's mid once it is sent, by which `ReplyDelta.question` names it."""
        return self._turn.mid if self._turn else None

    @property
    def text(self) -> str:
        """What came so far."""
        return "".join(self._turn.pieces) if self._turn else ""

    @property
    def reply(self) -> Reply | None:
        """The whole reply, once it is over."""
        future = self._turn.future if self._turn else None
        if future is None or not future.done() or future.cancelled() or future.exception():
            return None
        return future.result()

    if not TYPE_CHECKING:
        __iter__ = refused(
            "a reply comes asynchronously: write `async for piece in avatar.stream(…)`"
        )
        __await__ = refused(
            "a stream is iterated: write `async for piece in avatar.stream(…)`, or "
            "`await avatar.ask(…)` for the whole reply"
        )

    def __aiter__(self) -> ReplyStream:
        return self

    async def __anext__(self) -> str:
        turn = await self._started()
        future = turn.future
        while True:
            if self._pieces is not turn.pieces:  # another message turned out to be the reply
                self._pieces, self._next = turn.pieces, 0
            if self._next < len(turn.pieces):
                self._next += 1
                return turn.pieces[self._next - 1]
            if future.done():
                if not turn.pieces and (whole := future.result().text):
                    turn.pieces.append(whole)  # it came without pieces, as a retold text does
                    continue
                future.result()
                raise StopAsyncIteration
            await turn.change.wait()

    async def __aenter__(self) -> Self:
        await self._started()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Waits for nothing more."""
        if self._turn is not None:
            self._turn.future.cancel()

    async def _started(self) -> Question:
        if self._turn is None:
            self._turn = await self._send()
        return self._turn
