"""A question on its way out, and what becomes of it when nobody waits any more."""

from __future__ import annotations

import asyncio
from functools import partial

from akool_async.conversation.line import Line
from akool_async.conversation.params import (
    QuestionFields,
    check_text,
    check_timeout,
    question_options,
)
from akool_async.conversation.reply_stream import ReplyStream
from akool_async.conversation.turns import Question
from akool_async.errors import NotSupportedError, ReplyTimeoutError
from akool_async.events import Reply
from akool_async.stream import new_mid
from akool_async.stream.messages import Chat, QuestionOptions

__all__ = ["Asking"]


class Asking:
    """`ask` and `stream` of an `AvatarSession`; `given` are their options for version 3."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def ask(self, text: str, timeout: float | None, given: QuestionFields) -> Reply:
        """Asks and waits for the reply. Cancelled, it takes back what didn't leave."""
        turn = await self._pose(text, timeout, self._options(given))
        return await turn.future

    def stream(self, text: str, timeout: float | None, given: QuestionFields) -> ReplyStream:
        """Asks when the first piece is asked for."""
        text = check_text(text)
        return ReplyStream(partial(self._pose, text, timeout, self._options(given)))

    def _options(self, given: QuestionFields) -> QuestionOptions | None:
        line = self._line
        if line.v3:
            return question_options(line.params.question(), **given)
        if any(value is not None for value in given.values()):
            raise NotSupportedError(
                "a version 2 room has no options per question; use set_params()"
            )
        return None

    async def _pose(
        self, text: str, timeout: float | None, options: QuestionOptions | None
    ) -> Question:
        line = self._line
        text = check_text(text)
        limit = check_timeout(timeout, line.options.reply_timeout)
        asked = line.loop.time()
        await line.outbox.room(timeout=limit)
        if options is None:
            await self._restore_mode(asked + limit, limit)
        line.check_open()
        mid = new_mid()
        packets = line.codec.encode(Chat(text, mid, options=options))
        mode = options.mode_type if options is not None else line.mode
        turn = Question(
            mid,
            text,
            now=asked,
            timeout=limit,
            entry=line.transcript.add("user", "typed", text, mid=mid),
            retelling=mode == 1,
        )
        turn.future.add_done_callback(partial(self._settled, turn))
        line.counts.questions += 1
        line.open_turn(turn)
        line.send_chat(mid, packets)
        return turn

    async def _restore_mode(self, until: float, limit: float) -> None:
        """`say` sets retelling mode; puts the avatar back into the mode the caller set, or into
        dialogue, once everything was said. A responder needs retelling mode for good.
        """
        line = self._line
        while line.responder is None and (mode := line.mode_to_restore) is not None:
            try:
                async with asyncio.timeout_at(until):
                    await line.speech.idle()
            except TimeoutError:
                raise ReplyTimeoutError(
                    f"the question wasn't sent within {limit:g} s: texts given to say() are still "
                    "being spoken, and the avatar would repeat the question instead of answering it"
                ) from None
            line.check_open()
            left = max(until - line.loop.time(), 0.001)
            await line.set_mode(mode, timeout=min(left, line.options.command_timeout))

    def _settled(self, turn: Question, future: asyncio.Future[Reply]) -> None:
        """It has its reply, or failed, or nobody waits any more."""
        line = self._line
        withdrawn = line.outbox.withdraw(turn.mid)
        if not future.cancelled() and future.exception() is None:
            return
        if withdrawn.packets_dropped:
            line.turns.drop(turn.mid)  # the avatar never gets all of it, so it won't answer
        elif future.cancelled():
            line.turns.abandon(turn)
        if not turn.handed_over and turn.entry is not None:
            line.transcript.discard(turn.entry)
