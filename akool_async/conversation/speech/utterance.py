"""What `say` returns: how far a text is on its way to being spoken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Literal

__all__ = ["Split", "Utterance", "UtteranceState"]

#: one_message: the text is one chat message, its parts sent as they come. message_per_sentence:
#: each sentence is a message of its own, sent when the one before was spoken.
Split = Literal["one_message", "message_per_sentence"]

UtteranceState = Literal[
    "waiting", "sending", "speaking", "spoken", "cancelled", "dropped", "failed"
]


class Utterance:
    """A text that the avatar is to say; made by `AvatarSession.say`.

    `await utterance` waits until the avatar has said it, as `await utterance.spoken()` does;
    `await utterance.sent()` until all of its text was sent. Whether it is waited for or not makes
    no difference to the text; but leaving the session's block ends what wasn't spoken yet.
    """

    def __init__(self, cancel: Callable[[Utterance], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        self._cancel = cancel
        self._state: UtteranceState = "waiting"
        self._mid: str | None = None
        self._earlier: list[str] = []
        self._text_sent: Callable[[], str] | None = None
        self._awaited = False
        self._all_sent: asyncio.Future[None] = loop.create_future()
        self._done: asyncio.Future[bool] = loop.create_future()

    @property
    def state(self) -> UtteranceState:
        """How far it is."""
        return self._state

    @property
    def mid(self) -> str | None:
        """The mid of its message, or of the latest one; `None` while it waits for its turn."""
        return self._mid

    @property
    def text_sent(self) -> str:
        """What of its text was sent."""
        latest = self._text_sent() if self._text_sent is not None else ""
        return "".join((*self._earlier, latest))

    @property
    def done(self) -> bool:
        """Whether nothing more happens to it."""
        return self._done.done()

    def __repr__(self) -> str:
        return f"<Utterance {self._state}, {len(self.text_sent)} characters sent>"

    def __await__(self) -> Generator[Any, None, bool]:
        return self.spoken().__await__()

    async def sent(self) -> None:
        """Waits until all of its text was sent; returns at once for one that was cancelled.

        Raises:
            SendError, DisconnectedError, ConversationClosedError, TextSourceError,
            Exception: as `spoken`.
        """
        self._awaited = True
        await asyncio.shield(self._all_sent)

    async def spoken(self) -> bool:
        """Waits until the avatar has said it: `True`. `False`: it was cancelled or dropped.

        The avatar reports it by `audio_end`. Where none comes, a time limit that grows with the
        text ends the wait (`ConversationOptions.words_per_second`); in the v3 chat room, the end
        of the answer does.

        Raises:
            SendError: the room didn't take a packet.
            DisconnectedError, ConversationClosedError: the conversation is over.
            TextSourceError, TextTimeoutError: the iterator cancelled itself, gave nothing for
                `ConversationOptions.text_timeout` seconds, or gave half a character.
            Exception: whatever the iterator raised.
        """
        self._awaited = True
        return await asyncio.shield(self._done)

    async def cancel(self) -> None:
        """Stops reading the iterator, takes back what wasn't sent, and interrupts the avatar if it
        has some of the text. Of one that is done, nothing.

        Raises:
            CommandRejectedError, CommandTimeoutError: by the interrupt; the rest was done.
        """
        if not self._done.done():
            await self._cancel(self)

    async def settled(self) -> None:
        """Returns when nothing more happens to it, whatever its end."""
        await asyncio.wait([self._done])

    # Used by the job that works on it.

    @property
    def awaited(self) -> bool:
        """Whether a caller waits, or waited, for its end: an error needs no other report."""
        return self._awaited

    def reached(self, state: UtteranceState) -> None:
        """It got this far."""
        self._state = state

    def message_begun(self, mid: str, text_sent: Callable[[], str]) -> None:
        """Its next message; `text_sent` says what of that was sent."""
        if self._text_sent is not None:
            self._earlier.append(self._text_sent())
        self._mid = mid
        self._text_sent = text_sent

    def note_all_sent(self) -> None:
        """All of its text was sent."""
        if not self._all_sent.done():
            self._all_sent.set_result(None)

    def end(self, state: UtteranceState, error: BaseException | None = None) -> None:
        """Nothing more happens to it."""
        self._state = state
        if error is None:
            self.note_all_sent()
            self._done.set_result(state == "spoken")
            return
        for future in (self._all_sent, self._done):
            if not future.done():
                future.set_exception(error)
                future.exception()  # no one need look at it
