"""The bytes of the session's video: an HTTP answer that goes on for as long as the session.

Each try is bounded in time: connecting, and each wait for the next bytes.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp

from akool_async.concurrency import Backoff
from akool_async.errors import TransportError
from akool_async.models.addresses import is_loopback_url
from akool_chatroom.options import ChatRoomOptions

__all__ = ["Pull", "Receiver"]

_LOG: Final = logging.getLogger("akool_async.transport.chatroom")

#: Seconds without a byte after which the connection counts as broken. A live stream of pictures
#: sends dozens of times a second.
SILENCE: Final = 5.0
#: Seconds; the longest pauses before the first and before any later try.
_FIRST_RETRY: Final = 0.5
_LAST_RETRY: Final = 5.0


class Receiver(Protocol):
    """What the bytes are for. Called on the event loop."""

    def started(self) -> None:
        """A stream begins, with its header."""

    async def data(self, data: bytes) -> None:
        """The next bytes of it."""

    async def ended(self) -> None:
        """It is over, whether it was cut or we don't want more. Must end within seconds."""

    def failed(self, error: TransportError) -> None:
        """There won't be a stream."""


class Pull:
    """One reader of the URL, from when it is made until `close`.

    A stream that ends, breaks or falls silent is asked for again, since a paused session's goes on
    later. Only where none came for `reconnect_timeout` seconds from the beginning is it given up.

    Args:
        url: of the video; a secret.
        options: certificates, proxy and time limits.
        receiver: of what comes.
    """

    def __init__(self, url: str, options: ChatRoomOptions, receiver: Receiver) -> None:
        self._url = url
        self._options = options
        self._receiver = receiver
        self._had_any = False
        self._problem = "it sent nothing"
        self._task = asyncio.create_task(self._run(), name="akool-chatroom-video")

    def cancel(self) -> asyncio.Task[None]:
        """Stops; the task that has to be waited for."""
        self._task.cancel()
        return self._task

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        give_up = clock() + self._options.reconnect_timeout
        backoff = Backoff(_FIRST_RETRY, _LAST_RETRY)
        async with self._session() as http:
            while True:
                if await self._read(http):
                    backoff = Backoff(_FIRST_RETRY, _LAST_RETRY)
                _LOG.info("the session's video: %s; asking for it again", self._problem)
                pause = backoff.pause()
                if not self._had_any and clock() + pause > give_up:
                    break
                await asyncio.sleep(pause)
        host = urlsplit(self._url).hostname
        limit = self._options.reconnect_timeout
        self._receiver.failed(
            TransportError(
                f"no video came from {host} within {limit:g} s: {self._problem}", retryable=True
            )
        )

    def _session(self) -> aiohttp.ClientSession:
        proxy = self._options.proxy
        direct = is_loopback_url(self._url) or proxy is None
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._options.open_timeout, sock_read=SILENCE
            ),
            trust_env=proxy is True and not direct,
            proxy=proxy if isinstance(proxy, str) and not direct else None,
            auto_decompress=False,
        )

    async def _read(self, http: aiohttp.ClientSession) -> bool:
        """One connection, until it is over; whether anything came."""
        begun = False
        try:
            async with http.get(self._url, ssl=self._options.ssl or True) as answer:
                if answer.status != 200:
                    self._problem = f"it answered with HTTP {answer.status}"
                    return False
                try:
                    async for chunk in answer.content.iter_any():
                        if not begun:
                            begun = self._had_any = True
                            self._receiver.started()
                        await self._receiver.data(chunk)
                    self._problem = "the stream ended"
                finally:
                    if begun:
                        await self._receiver.ended()
        except TimeoutError:
            self._problem = f"it was silent for {SILENCE:g} s" if begun else "it didn't answer"
        except (aiohttp.ClientError, OSError) as error:
            # Not the error's text, which may hold the URL.
            self._problem = f"the connection broke ({type(error).__name__})"
        except ValueError:
            self._problem = "its URL isn't one"
        return begun
