"""The avatar's speech: one job after another, at a pace, until interrupted."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Final

from akool_async.simulator.avatar.delivery import Delivery
from akool_async.simulator.avatar.dialect import Dialect, new_mid
from akool_async.simulator.avatar.settings import AvatarSettings
from akool_async.simulator.avatar.speech import Piece, SpeechJob, answer_of, pieces

__all__ = ["SpeechPlayer"]

logger = logging.getLogger(__name__)

#: Seconds for which a text is held back so that the last one can be sent as the last part.
_LOOK_AHEAD: Final = 0.02


class SpeechPlayer:
    """Speaks jobs one after another, in their order.

    Args:
        session_id: for names of tasks and log lines.
        settings: pace, behavior, `reply`.
        dialect: what the parts look like on the wire.
        delivery: how what is said passes.
        send: sends a packet; `None` isn't one.
    """

    def __init__(
        self,
        session_id: str,
        settings: AvatarSettings,
        dialect: Dialect,
        delivery: Delivery,
        send: Callable[[bytes | None], Awaitable[None]],
    ) -> None:
        self._session_id = session_id
        self._settings = settings
        self._behavior = settings.behavior
        self._dialect = dialect
        self._delivery = delivery
        self._send = send
        self._jobs: deque[SpeechJob] = deque()
        #: Texts that were spoken, an interrupted one as far as it came.
        self.said: list[str] = []
        self._to_say = asyncio.Event()
        self._current: SpeechJob | None = None
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

    async def say(self, job: SpeechJob) -> None:
        """Says it after what is waiting, or at once in place of it: as the behavior has it."""
        async with self._deciding:
            if self._behavior.second_chat == "interrupt":
                await self._fall_silent()
            self._jobs.append(job)
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
                while self._jobs:
                    job = self._jobs.popleft()
                    self._current = job
                    self._speaking = asyncio.create_task(
                        self._speak(job), name=f"simulator-job-{self._session_id}"
                    )
                    await asyncio.wait([self._speaking])
                    self._current = None
                self._to_say.clear()
                self._idle.set()
        finally:
            self._jobs.clear()
            self._idle.set()
            if self._speaking is not None and not self._speaking.done():
                self._speaking.cancel()
                await asyncio.wait([self._speaking])

    async def _fall_silent(self) -> None:
        self._jobs.clear()
        job, task = self._current, self._speaking
        if job is None or task is None or task.done():
            return
        if not job.ending:
            task.cancel()
        await asyncio.wait([task])
        if not job.ending:
            await self._finish(job, interrupted=True)

    async def _speak(self, job: SpeechJob) -> None:
        same = self._behavior.reply_mid == "same" and job.question.mid
        job.mid = job.question.mid if same else new_mid()
        closes = not self._behavior.empty_last_part
        try:
            if job.texts is None:
                job.texts = await answer_of(self._settings.reply, job.question.text)
            if isinstance(job.texts, str):
                await self._say_text(job, job.texts, last=closes)
            else:
                async for text, last in _with_last(job.texts):
                    await self._say_text(job, text, last=last and closes)
            if job.begun:
                await self._delivery.end()
        except asyncio.CancelledError:
            self._delivery.stop()
            raise
        except Exception as error:
            self._delivery.stop()
            what = "reply=" if self._settings.media is None else "reply= or voice="
            logger.exception("%s failed in session %s", what, self._session_id)
            self._settings.errors.append(error)
        finally:
            if isinstance(job.texts, AsyncGenerator):
                await job.texts.aclose()
        await self._finish(job, interrupted=False)

    async def _say_text(self, job: SpeechJob, text: str, *, last: bool) -> None:
        parts = list(
            pieces(
                text,
                self._settings.piece_words,
                halves_surrogates=self._behavior.halves_surrogates,
            )
        )
        await self._delivery.prepare(text)
        if not job.begun:
            job.begun = True
            await self._send(self._dialect.audio("audio_start", job.mid))
        if job.at_once:
            for piece in parts:
                await self._show(job, piece, last=last and piece.last)
        length, said = sum(len(piece.text) for piece in parts) or 1, 0
        for piece in parts:
            if not job.at_once:
                await self._show(job, piece, last=last and piece.last)
            said += len(piece.text)
            await self._delivery.deliver(piece, said / length)
            job.spoken.append(piece.text)

    async def _show(self, job: SpeechJob, piece: Piece, *, last: bool) -> None:
        if not job.shown:
            return
        idx, job.idx = job.idx, job.idx + 1
        job.closed = last
        await self._send(
            self._dialect.chat(job.mid, idx, piece.text, last=last, question=job.question)
        )

    async def _finish(self, job: SpeechJob, *, interrupted: bool) -> None:
        """Ends a job: a closing part where no part was the last one, and `audio_end`."""
        job.ending = True
        if job.begun:
            # Joined by UTF-16, as receivers do: halves of surrogate pairs become one character.
            text = "".join(job.spoken).encode("utf-16", "surrogatepass")
            self.said.append(text.decode("utf-16", "replace"))
        if (
            not job.closed
            and job.shown
            and job.begun
            and self._dialect.needs_closing_part()
            and (not interrupted or self._behavior.interrupted_fin)
        ):
            await self._send(
                self._dialect.chat(job.mid, job.idx, "", last=True, question=job.question)
            )
        if job.begun:
            await self._send(self._dialect.audio("audio_end", job.mid))


async def _with_last(texts: AsyncIterator[str]) -> AsyncGenerator[tuple[str, bool], None]:
    """Each text, and whether it is the last one as far as that is known in time."""
    text: str | None = None
    following = asyncio.ensure_future(_next(texts))
    try:
        while True:
            if text is not None:
                await asyncio.wait({following}, timeout=_LOOK_AHEAD)
            known = following.done() or text is None
            if not known:
                assert text is not None
                yield text, False
                text = None
            upcoming = await following
            if text is not None:
                yield text, upcoming is None
            if upcoming is None:
                return
            text = upcoming
            following = asyncio.ensure_future(_next(texts))
    finally:
        following.cancel()
        await asyncio.wait({following})


async def _next(texts: AsyncIterator[str]) -> str | None:
    return await anext(texts, None)
