"""One browser that has the page open: what it is shown, and what it asks for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from akool_async import events as ev
from akool_async.concurrency import Tasks
from akool_async.conversation import AvatarSession
from akool_async.errors import AkoolError
from akool_async.rooms.viewers import ViewerLink
from akool_async.watch.contract import Channel
from akool_async.watch.spending import EVERY, Spending

__all__ = ["Browser"]

logger = logging.getLogger(__name__)

#: Characters of one question.
_MAX_TEXT: Final = 10_000
#: Questions of one browser that wait for their answers.
_MAX_ASKING: Final = 8
_SEND_TIMEOUT: Final = 10.0
#: Seconds without a message, after which a browser is taken for gone. The page sends one every 5 s,
#: and once a minute where its tab is hidden for long.
_SILENCE: Final = 150.0


class Browser:
    """Serves the page's websocket."""

    def __init__(
        self,
        avatar: AvatarSession,
        channel: Channel,
        link: Callable[[], ViewerLink],
        spending: Spending,
    ) -> None:
        """`link` makes a token for the room that the session has now."""
        self._avatar = avatar
        self._channel = channel
        self._link = link
        self._spending = spending
        self._working = Tasks()
        self._ending: asyncio.Task[None] | None = None
        self._shown = ""
        self._gone = asyncio.Event()

    async def run(self) -> None:
        """Until the browser leaves or the conversation is over."""
        if self._avatar.closed:
            await self._send({"type": "over", "reason": "closed"})
            await self._channel.close(1000)
            return
        async with self._avatar.events() as reader:
            transcript = [
                {"who": entry.role, "text": entry.text} for entry in self._avatar.transcript
            ]
            await self._send({"type": "hello", "transcript": transcript})
            await self._send_room()
            tasks = [
                asyncio.create_task(work, name="akool-watch-browser")
                for work in (self._read(), self._report(reader), self._gone.wait())
            ]
            if self._spending.is_known:
                self._start(self._report_spending())
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                # Closing a session goes on to its end when it is cancelled.
                both = [*tasks, *self._working.running]
                for task in both:
                    task.cancel()
                outcomes = await asyncio.gather(*both, return_exceptions=True)
                await self._channel.close(1000)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    # What the browser asks for.

    async def _read(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_SILENCE):
                    data = await self._channel.receive()
            except TimeoutError:
                logger.info("a browser sent nothing for %g s and is dropped", _SILENCE)
                return
            if data is None:
                return
            await self._received(data)

    async def _received(self, data: str) -> None:
        try:
            wanted = msgspec.json.decode(data)
        except msgspec.DecodeError:
            wanted = None
        match wanted:
            case {"ask": str() as question} if 0 < len(question.strip()) <= _MAX_TEXT:
                if len(self._working.running) >= _MAX_ASKING:
                    await self._send({"type": "problem", "text": "too many questions at once"})
                    return
                await self._send({"type": "line", "who": "user", "text": question})
                self._start(self._do(self._avatar.ask(question)))
            case {"interrupt": True}:
                self._start(self._do(self._avatar.interrupt()))
            case {"join": True}:
                await self._send_room()
            case {"end": True}:
                if self._ending is None:
                    self._ending = self._start(self._do(self._avatar.aclose()))
            case {"ping": int() | float() as sent}:
                await self._send({"type": "pong", "sent": sent})
            case _:
                await self._send({"type": "problem", "text": "that wasn't understood"})

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="akool-watch")
        self._working.add(task)
        return task

    async def _do(self, call: Coroutine[Any, Any, object]) -> None:
        """What fails is shown; the answer itself comes as events."""
        try:
            await call
        except AkoolError as error:
            await self._send({"type": "problem", "text": str(error)})

    # What it is shown.

    async def _report(self, reader: Any) -> None:
        async for event in reader:
            match event:
                case ev.ReplyDelta(text=piece, mid=mid):
                    await self._send({"type": "piece", "mid": mid, "text": piece})
                case ev.ReplyDone(reply=reply):
                    done = {"type": "done", "mid": reply.mid, "text": reply.text}
                    await self._send(done)
                case ev.UserSpoke(text=heard):
                    await self._send({"type": "line", "who": "user", "text": heard})
                case ev.SessionRenewed():
                    # The next avatar has an identity of its own, in this room or in another.
                    await self._send_room()
                case ev.ParticipantJoined(identity=identity, is_avatar=True):
                    await self._send({"type": "avatar", "identity": identity})
                case ev.Reconnecting():
                    await self._send({"type": "state", "text": "connecting again"})
                case ev.Reconnected() | ev.AvatarReturned():
                    await self._send({"type": "state", "text": "connected"})
                case ev.AvatarLeft():
                    await self._send({"type": "state", "text": "the avatar left"})
                case ev.Disconnected(reason=reason):
                    await self._send({"type": "over", "reason": reason})
        if self._ending is not None:
            await self._ending
        if self._spending.is_known:
            await self._send_spending(newest=self._ending is not None)

    async def _send_room(self) -> None:
        """Where the avatar is seen now, with a token for this browser."""
        try:
            link = self._link()
            here = [one.identity for one in self._avatar.participants if one.is_avatar]
        except AkoolError as error:  # it was closed, or the next room lets no one in
            await self._send({"type": "problem", "text": str(error)})
            return
        await self._send(
            {
                "type": "room",
                "name": link.room,
                "url": link.url,
                "token": link.token,
                # The newest: at a renewal the one before may still be there.
                "avatar": here[-1] if here else "",
                "microphone": link.identity.startswith("visitor"),
            }
        )

    async def _report_spending(self) -> None:
        while True:
            await self._send_spending()
            await asyncio.sleep(EVERY)

    async def _send_spending(self, *, newest: bool = False) -> None:
        spent = await self._spending.spent(newest=newest)
        text = "" if spent is None else f"{max(spent, 0.0):,.1f}"
        if text != self._shown:
            self._shown = text
            await self._send({"type": "credits", "text": text})

    async def _send(self, message: dict[str, Any]) -> None:
        # What a browser that is gone would have shown is lost.
        try:
            async with asyncio.timeout(_SEND_TIMEOUT):
                await self._channel.send(msgspec.json.encode(message).decode())
        except TimeoutError:
            logger.warning("a browser took nothing for %g s and is dropped", _SEND_TIMEOUT)
            self._gone.set()
        except (OSError, RuntimeError):
            self._gone.set()
