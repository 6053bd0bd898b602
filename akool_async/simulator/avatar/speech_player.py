"""The avatar's mouth: one thing after another, at a pace, until it is interrupted."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable

from akool_async.simulator.avatar.dialect import Dialect, new_mid
from akool_async.simulator.avatar.settings import AvatarSettings
from akool_async.simulator.avatar.speech import Piece, Turn, answer_of, pieces

__all__ = ["Mouth"]

logger = logging.getLogger(__name__)


class Mouth:
    """Says turns in their order.

    Args:
        session_id: for names of tasks and log lines.
        settings: pace, personality, `reply`.
        dialect: what the parts look like on the wire.
        send: sends a packet; `None` isn't one.
    """

    def __init__(
        self,
        session_id: str,
        settings: AvatarSettings,
        dialect: Dialect,
        send: Callable[[bytes | None], Awaitable[None]],
    ) -> None:
        self._session_id = session_id
        self._settings = settings
        self._personality = settings.personality
        self._dialect = dialect
        self._send = send
        self._turns: deque[Turn] = deque()
        self._to_say = asyncio.Event()
        self._current: Turn | None = None
        self._speaking: asyncio.Task[None] | None = None
        # Held while it is decided what to say next, so that ends and beginnings don't mix.
        self._deciding = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def speaking(self) -> bool:
        """Whether something is being said or about to be."""
        return not self._idle.is_set()

    async def wait_silent(self) -> None:
        """Returns once everything that was to be said has been said."""
        await self._idle.wait()

    async def say(self, turn: Turn) -> None:
        """Says it after what is waiting, or at once in place of it: as the personality has it."""
        async with self._deciding:
            if self._personality.second_chat == "interrupt":
                await self._fall_silent()
            self._turns.append(turn)
            self._idle.clear()
            self._to_say.set()

    async def interrupt(self) -> None:
        """Stops what is being said and forgets what was going to be; returns when it is silent."""
        async with self._deciding:
            await self._fall_silent()

    async def run(self) -> None:
        """Speaks, until cancelled."""
        try:
            while True:
                await self._to_say.wait()
                while self._turns:
                    turn = self._turns.popleft()
                    self._current = turn
                    self._speaking = asyncio.create_task(
                        self._speak(turn), name=f"simulator-turn-{self._session_id}"
                    )
                    await asyncio.wait([self._speaking])
                    self._current = None
                self._to_say.clear()
                self._idle.set()
        finally:
            self._turns.clear()
            self._idle.set()
            if self._speaking is not None and not self._speaking.done():
                self._speaking.cancel()
                await asyncio.wait([self._speaking])

    async def _fall_silent(self) -> None:
        self._turns.clear()
        turn, task = self._current, self._speaking
        if turn is None or task is None or task.done():
            return
        if not turn.ending:
            task.cancel()
        await asyncio.wait([task])
        if not turn.ending:
            await self._finish(turn, interrupted=True)

    async def _speak(self, turn: Turn) -> None:
        same = self._personality.reply_mid == "same" and turn.question.mid
        turn.mid = turn.question.mid if same else new_mid()
        try:
            if turn.texts is None:
                turn.texts = await answer_of(self._settings.reply, turn.question.text)
            if isinstance(turn.texts, str):
                await self._say_text(turn, turn.texts, whole=True)
            else:
                async for text in turn.texts:
                    await self._say_text(turn, text, whole=False)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            logger.exception("reply= failed in session %s", self._session_id)
            self._settings.errors.append(error)
        finally:
            if isinstance(turn.texts, AsyncGenerator):
                await turn.texts.aclose()
        await self._finish(turn, interrupted=False)

    async def _say_text(self, turn: Turn, text: str, *, whole: bool) -> None:
        for piece in pieces(
            text,
            self._settings.piece_words,
            halves_surrogates=self._personality.halves_surrogates,
        ):
            await self._say_piece(turn, piece, last=whole and piece.last)

    async def _say_piece(self, turn: Turn, piece: Piece, *, last: bool) -> None:
        if not turn.begun:
            turn.begun = True
            await self._send(self._dialect.audio("audio_start", turn.mid))
        if turn.shown:
            idx, turn.idx = turn.idx, turn.idx + 1
            await self._send(
                self._dialect.chat(turn.mid, idx, piece.text, last=last, question=turn.question)
            )
        if self._settings.pace:
            await self._settings.clock.sleep(self._settings.pace * piece.words)

    async def _finish(self, turn: Turn, *, interrupted: bool) -> None:
        """The end of a turn that nobody told yet: the closing part, and `audio_end`."""
        turn.ending = True
        open_end = interrupted or not isinstance(turn.texts, str)
        if (
            open_end
            and turn.shown
            and turn.begun
            and self._dialect.needs_closing_part()
            and (not interrupted or self._personality.interrupted_fin)
        ):
            await self._send(
                self._dialect.chat(turn.mid, turn.idx, "", last=True, question=turn.question)
            )
        if turn.begun:
            await self._send(self._dialect.audio("audio_end", turn.mid))
