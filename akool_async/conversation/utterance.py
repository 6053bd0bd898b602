"""`say`: a text, or a token stream while it is being generated, on its way to being spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Generator
from typing import TYPE_CHECKING, Any, Literal

from akool_async.conversation.boundaries import CLAUSE_FROM, boundary, sentence_end
from akool_async.conversation.outgoing import Outgoing
from akool_async.conversation.reading import Reading, checked

if TYPE_CHECKING:
    from akool_async.conversation.speaking import Speaking

__all__ = ["Parts", "ToldError", "Utterance", "UtteranceState"]

#: one_message: the text is one chat message, its parts sent as they come. message_per_sentence:
#: each sentence is a message of its own, sent when the one before was spoken.
Parts = Literal["one_message", "message_per_sentence"]

UtteranceState = Literal[
    "waiting", "sending", "speaking", "spoken", "cancelled", "dropped", "failed"
]


class ToldError(Exception):
    """Raised by an iterator whose cause was reported already: it isn't reported again."""


class Utterance:
    """A text that the avatar is to say; made by `AvatarSession.say`.

    `await utterance` waits until all of its text has left; `await utterance.spoken()` until the
    avatar has said it.
    """

    def __init__(
        self,
        speaking: Speaking,
        text: str | AsyncIterable[str],
        *,
        parts: Parts,
        delay: float,
        piece_bytes: int | None,
    ) -> None:
        self._speaking = speaking
        self._source = text
        self._parts: Parts = parts
        self._delay = delay
        self._piece_bytes = piece_bytes
        self._state: UtteranceState = "waiting"
        self._earlier = ""
        self._message: Outgoing | None = None
        self._pending = ""
        self._timer: asyncio.TimerHandle | None = None
        self._awaited = False
        self._all_sent: asyncio.Future[None] = speaking.line.loop.create_future()
        self._done: asyncio.Future[bool] = speaking.line.loop.create_future()
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> UtteranceState:
        """How far it is."""
        return self._state

    @property
    def mid(self) -> str | None:
        """The mid of its message, or of the latest one; `None` while it waits for its turn."""
        return self._message.mid if self._message else None

    @property
    def text_sent(self) -> str:
        """What of its text has left."""
        return self._earlier + (self._message.text_sent if self._message else "")

    @property
    def done(self) -> bool:
        """Whether nothing more happens to it."""
        return self._done.done()

    def __repr__(self) -> str:
        return f"<Utterance {self._state}, {len(self.text_sent)} characters sent>"

    def __await__(self) -> Generator[Any, None, Utterance]:
        self._awaited = True
        yield from asyncio.shield(self._all_sent).__await__()
        return self

    async def spoken(self) -> bool:
        """Waits until the avatar has said it: `True`. `False`: it was cancelled or dropped.

        Told by `audio_end`; where none comes, by a time limit that grows with the text
        (`ConversationOptions.words_per_second`). In the v3 chat room by the end of the answer.

        Raises:
            SendError: a packet wasn't taken by the room.
            DisconnectedError, ConversationClosedError: the conversation is over.
            Exception: whatever the iterator raised.
        """
        self._awaited = True
        return await asyncio.shield(self._done)

    async def cancel(self) -> None:
        """Stops reading the iterator, takes back what didn't leave, and interrupts the avatar if
        it has some of the text. Done already: nothing happens.

        Raises:
            CommandRejectedError, CommandTimeoutError: by the interrupt; the rest was done.
        """
        if not self._done.done():
            await self._speaking.cancel(self)

    # What follows is called by `Speaking` and by the task of this utterance.

    def start(self) -> None:
        """Begins to wait for its turn."""
        self._task = self._speaking.line.loop.create_task(self._run(), name="akool-utterance")

    def stop(self, state: UtteranceState = "cancelled") -> bool:
        """Ends it at once; `True`: the avatar has some of it. Its task ends by itself."""
        if self._done.done():
            return False
        self._state = state
        heard = self._message.stop(ended=False) if self._message else False
        if self._message:
            self._message.close(interrupted=True)
        self._settle(None)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        return heard

    def fail(self, error: BaseException) -> None:
        """Ends it with an error."""
        if self._done.done():
            return
        self._state = "failed"
        if self._message:
            self._message.failed(error)
            self._message.close(interrupted=True)
        self._settle(error)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def ended(self) -> None:
        """Waits for its task, the iterator's closing included."""
        spared = (asyncio.current_task(), self._speaking.line.closer)
        if self._task is not None and self._task not in spared:
            await asyncio.wait([self._task])

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What works on it."""
        return self._task

    @property
    def message(self) -> Outgoing | None:
        """The message on its way."""
        return self._message

    def _settle(self, error: BaseException | None) -> None:
        self._cancel_timer()
        for future, value in ((self._all_sent, None), (self._done, self._state == "spoken")):
            if future.done():
                continue
            if error is None:
                future.set_result(value)  # type: ignore[arg-type]
            else:
                future.set_exception(error)
                future.exception()
        self._speaking.left(self)

    async def _run(self) -> None:
        source: str | AsyncIterator[str] = ""
        try:
            source = self._source if isinstance(self._source, str) else aiter(self._source)
            await self._speaking.turn_of(self)
            await self._speaking.prepare()
            self._state = "sending"
            if self._parts == "one_message":
                await self._one_message(source)
            else:
                await self._sentences(source)
            self._state = "spoken"
            self._settle(None)
        except asyncio.CancelledError:
            self.stop()
        except Exception as error:  # noqa: BLE001 - the iterator's own, or the room's: handed on
            await self._broken(error)
        finally:
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()

    async def _broken(self, error: Exception) -> None:
        """The iterator raised, or a packet wasn't taken: ends what the avatar has of it."""
        if self._done.done():
            return
        heard = self._message.stop(ended=True) if self._message else False
        told = self._awaited or isinstance(error, ToldError)
        self.fail(error)
        if heard:
            await self._speaking.hush()
        if not told:
            self._speaking.line.hub.report(error, "the text given to say()")

    # One message.

    async def _one_message(self, source: str | AsyncIterator[str]) -> None:
        line = self._speaking.line
        await line.outbox.room(timeout=line.options.send_timeout)
        message = self._message = self._speaking.begin()
        if isinstance(source, str):
            message.finish(source)
        else:
            async for piece in source:
                self._read(piece)
                await line.outbox.room(timeout=line.options.send_timeout)
            self._cancel_timer()
            pending, self._pending = self._pending, ""
            if not message.text + pending:
                message.stop(ended=False)
                message.close(interrupted=False)
                return
            message.finish(pending)
        await self._until_spoken(message, last=True)

    def _read(self, piece: object) -> None:
        piece = checked(piece)
        assert self._message is not None
        self._pending += piece
        # The first words leave at the first pause for breath; later ones in fuller packets.
        clauses = not self._message.text or len(self._pending) >= CLAUSE_FROM
        end = boundary(self._pending, clauses=clauses)
        if self._piece_bytes is not None and len(self._pending.encode()) >= self._piece_bytes:
            end = len(self._pending)
        if end:
            self._message.add(self._pending[:end], flush=True)
            self._pending = self._pending[end:]
            self._cancel_timer()
        if self._pending and self._timer is None:
            self._timer = self._speaking.line.loop.call_later(self._delay, self._flush)

    def _flush(self) -> None:
        self._timer = None
        pending, self._pending = self._pending, ""
        if self._message is not None and pending:
            self._message.add(pending, flush=True)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # A message per sentence.

    async def _sentences(self, source: str | AsyncIterator[str]) -> None:
        line = self._speaking.line
        if isinstance(source, str):
            rest = source
            while rest.strip():
                end = sentence_end(rest) or len(rest)
                await self._sentence(rest[:end], last=not rest[end:].strip())
                rest = rest[end:]
            return
        reading = Reading(source)
        task = line.loop.create_task(reading.run(), name="akool-reading")
        task.add_done_callback(self._reading_ended)
        try:
            while (text := await reading.take()) is not None:
                await self._sentence(text, last=reading.exhausted)
            await task
        finally:
            task.cancel()
            await asyncio.wait([task])

    def _reading_ended(self, task: asyncio.Task[None]) -> None:
        """An iterator that raises ends what is being said of it."""
        error = None if task.cancelled() else task.exception()
        if error is not None and self._message is not None:
            self._message.failed(error)

    async def _sentence(self, text: str, *, last: bool) -> None:
        line = self._speaking.line
        await line.outbox.room(timeout=line.options.send_timeout)
        if self._message is not None:
            self._earlier += self._message.text_sent
        self._message = self._speaking.begin()
        self._message.finish(text)
        await self._until_spoken(self._message, last=last)

    async def _until_spoken(self, message: Outgoing, *, last: bool) -> None:
        await message.sent
        if last and not self._all_sent.done():
            self._all_sent.set_result(None)
        self._state = "speaking"
        limit = self._speaking.line.options.speaking_time(message.text)
        try:
            async with asyncio.timeout(limit):
                await message.over
        except TimeoutError:
            if message.over.done() and not message.over.cancelled():
                raise
        message.close(interrupted=False)
