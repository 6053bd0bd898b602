"""Your own language model answering through the avatar, and what happens when somebody cuts in."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from akool_async.conversation.params import Params
from akool_async.conversation.transcript import Transcript
from akool_async.conversation.utterance import Parts, ToldError
from akool_async.errors import AkoolError, InvalidParameterError, NotSupportedError

if TYPE_CHECKING:
    from akool_async.conversation.line import Line

__all__ = ["Responder", "ResponderFunction", "UserTurn"]

#: Pieces that the generator may be ahead of what is sent.
_AHEAD: Final = 100


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What somebody said, and what was said before.

    Attributes:
        text: what was recognised.
        mid: the message's mid.
        messages: the transcript so far, this turn included, in the roles of chat APIs:
            `[{"role": "user", "content": …}, {"role": "assistant", …}, …]`.
        language: the code that was last set, `None`: unknown.
        transcript: the conversation's, with times.
        complete: `False` where parts of `text` were lost on the way.
    """

    text: str
    mid: str
    messages: list[dict[str, str]]
    language: str | None
    transcript: Transcript
    complete: bool = True


Answer: TypeAlias = str | AsyncIterable[str] | None
#: A plain or async function of a turn, or an async generator. `None` or no text says nothing.
ResponderFunction: TypeAlias = Callable[[UserTurn], Answer | Awaitable[Answer]]


class Responder:
    """Answers every user message through the avatar; made by `AvatarSession.respond_with`.

    `await responder` returns once the avatar is in retelling mode.
    """

    def __init__(
        self,
        line: Line,
        function: ResponderFunction,
        *,
        filler: str | None,
        filler_after: float,
        parts: Parts,
        delay: float,
    ) -> None:
        if line.v3:
            raise NotSupportedError(
                "the v3 chat room doesn't report what people say, so there is nothing to respond to"
            )
        if not callable(function):
            raise InvalidParameterError("function", f"{function!r} can't be called")
        self._line = line
        self._function = function
        self._filler = filler
        self._filler_after = filler_after
        self._parts: Parts = parts
        self._delay = delay
        self._current: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._ready = self._own(self._prepare(), "akool-responder-mode")
        self.turns = 0
        self.barge_ins = 0

    def __await__(self) -> Generator[Any, None, Responder]:
        yield from asyncio.wait([self._ready]).__await__()
        return self

    async def stop(self) -> None:
        """Answers no more; ends the answer in progress, its generator closed."""
        self._stopped = True
        if self._line.responder is self:
            self._line.responder = None
        answering = self._current is not None and not self._current.done()
        if answering and self._line.error is None:
            self._line.speaking.interrupt_soon()
        spared = (asyncio.current_task(), self._line.closer)
        waiting = [task for task in self._tasks if task not in spared]
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting, timeout=self._line.options.close_timeout)

    def heard(self, text: str, mid: str, *, complete: bool) -> None:
        """Somebody said something: ends what the avatar is saying, and answers."""
        line = self._line
        current = self._current
        if current is not None and not current.done():
            current.cancel()
        if line.speaking.busy:
            self.barge_ins += 1
            line.speaking.interrupt_soon()
        self.turns += 1
        turn = UserTurn(
            text=text,
            mid=mid,
            messages=line.transcript.as_chat(),
            language=line.params.lang,
            transcript=line.transcript,
            complete=complete,
        )
        self._current = self._own(self._respond(turn), "akool-responder")

    def _own(self, work: Any, name: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = self._line.loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _prepare(self) -> None:
        line = self._line
        try:
            if line.params.mode != 1:
                await line.set_params(Params(mode=1), timeout=line.options.command_timeout)
        except AkoolError as error:
            if line.error is None:
                line.hub.report(error, "setting retelling mode for the responder")

    async def _respond(self, turn: UserTurn) -> None:
        pieces: asyncio.Queue[str | BaseException | None] = asyncio.Queue(_AHEAD)
        answer = _Spoken(self._line, self._parts, self._delay, pieces)
        timer = None
        if self._filler is not None:
            timer = self._line.loop.call_later(self._filler_after, answer.fill, self._filler)
        try:
            # One task calls, reads and closes: what a model's client opens in a generator has to be
            # closed by the task that opened it.
            async for piece in self._pieces(turn):
                if timer is not None:
                    timer.cancel()
                answer.begin()
                await pieces.put(piece)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the user's function; told, never swallowed
            self._line.hub.report(error, "the responder")
            if answer.begun:
                await pieces.put(error)
        else:
            if answer.begun:
                await pieces.put(None)
        finally:
            if timer is not None:
                timer.cancel()

    async def _pieces(self, turn: UserTurn) -> AsyncIterator[str]:
        result = self._function(turn)
        if inspect.isawaitable(result):
            result = await result
        if isinstance(result, AsyncIterable):
            source = aiter(result)
            try:
                async for piece in source:
                    yield piece
            finally:
                close = getattr(source, "aclose", None)
                if close is not None:
                    await close()
        elif isinstance(result, str):
            if result.strip():
                yield result
        elif result is not None:
            raise InvalidParameterError(
                "function", f"the responder returned {type(result).__name__}, not text"
            )


class _Spoken:
    """The utterance that an answer becomes, once there is something to say."""

    def __init__(
        self,
        line: Line,
        parts: Parts,
        delay: float,
        pieces: asyncio.Queue[str | BaseException | None],
    ) -> None:
        self._line = line
        self._parts: Parts = parts
        self._delay = delay
        self._pieces = pieces
        self.begun = False

    def fill(self, text: str) -> None:
        """Says something meanwhile."""
        if self._line.error is None:
            self._say(text)

    def begin(self) -> None:
        """The answer's first piece is here."""
        if not self.begun:
            self.begun = True
            self._say(self._read())

    def _say(self, text: str | AsyncIterator[str]) -> None:
        self._line.speaking.say(
            text,
            parts=self._parts,
            interrupt=False,
            drop=False,
            delay=self._delay,
            piece_bytes=self._line.options.piece_bytes,
        )

    async def _read(self) -> AsyncIterator[str]:
        while (piece := await self._pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise ToldError from piece
            yield piece
