"""A reply as it comes: pieces, and the whole at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from akool_async.conversation.turns import Question
from akool_async.events import Reply

__all__ = ["ReplyStream"]


class ReplyStream:
    """`async for piece in avatar.stream("…")`: the reply's text, piece by piece.

    The question is sent when the first piece is asked for, or on entering `async with`. Leaving
    before the end is fine: the rest of the reply is told as events, and nothing waits for it.
    Raises what `ask` raises, after the pieces that did come.
    """

    def __init__(self, pose: Callable[[], Awaitable[Question]]) -> None:
        self._pose = pose
        self._turn: Question | None = None
        self._pieces: list[str] = []
        self._next = 0

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
            await turn.change()

    async def __aenter__(self) -> Self:
        await self._started()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Waits for nothing more."""
        turn = self._turn
        if turn is not None and not turn.future.done():
            turn.future.cancel()

    async def _started(self) -> Question:
        if self._turn is None:
            self._turn = await self._pose()
        return self._turn
