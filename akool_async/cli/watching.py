"""`akool chat --watch`: the page of a chat, in a browser of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from akool_async.cli.options import WatchOptions
from akool_async.cli.terminal import Printer
from akool_async.conversation import AvatarSession
from akool_async.errors import ConfigurationError, InvalidParameterError
from akool_async.models.addresses import is_loopback_url
from akool_async.rooms import OwnLiveKitRoom

__all__ = ["ChatPage"]

_ROOM: Final = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


class ChatPage:
    """The page of a chat. What can't work is found before a session is paid for."""

    def __init__(self, wanted: WatchOptions, *, transport: str) -> None:
        """Looks at the options.

        Raises:
            ConfigurationError: there is no such file of livekit-client.
            InvalidParameterError: a room that no browser can join, or options of a page that isn't
                asked for.
        """
        self._wanted = wanted
        self._client = None
        if not wanted.watch:
            for option, given in (
                ("--no-browser", wanted.no_browser),
                ("--livekit-client", wanted.livekit_client),
            ):
                if given:
                    raise InvalidParameterError(option, "is about the page: add --watch")
            return
        if transport != "livekit":
            raise InvalidParameterError(
                "--watch", f"shows rooms of LiveKit, not of {transport}: leave --transport out"
            )
        from akool_async.watch import client_file  # with a web server, which few chats need

        self._client = client_file(wanted.livekit_client)

    def room(self, service_url: str) -> dict[str, Any]:
        """What `open_session` is called with so that browsers can join.

        A room of the user's own where the environment has one; else the simulator's, where the
        service is one on this machine.

        Raises:
            ConfigurationError: neither.
        """
        if not self._wanted.watch:
            return {}
        if all(os.environ.get(name, "").strip() for name in _ROOM):
            return {"room": OwnLiveKitRoom()}
        if is_loopback_url(service_url):
            return {}
        raise ConfigurationError(
            "The service's room knows one client identity, which is this program's, so that no "
            f"browser can join. To watch, set {', '.join(_ROOM[:-1])} and {_ROOM[-1]} of a LiveKit "
            "server of your own; or try it by akool chat --watch --simulator"
        )

    @contextlib.asynccontextmanager
    async def running(
        self,
        avatar: AvatarSession,
        out: Printer,
        spent: Callable[[], Awaitable[float | None]],
    ) -> AsyncIterator[None]:
        """While it lasts, the page is served. Prints its link, and opens it in a browser."""
        if not self._wanted.watch:
            yield
            return
        from akool_async.watch import serve

        async with serve(avatar, livekit_client=self._client, spent=spent) as link:
            opening = None
            if not self._wanted.no_browser and _has_screen():
                # It waits up to five seconds for the browser's command.
                opening = asyncio.create_task(
                    asyncio.to_thread(_open, link), name="akool-chat-browser"
                )
                out.line(f"Watch it in your browser, or at {link} (a link for one browser).")
            else:
                out.line(f"Watch it at {link} (a link for one browser).")
            try:
                yield
            finally:
                if opening is not None:
                    await asyncio.wait([opening])


def _has_screen() -> bool:
    """Whether a browser would have a window: one for text would take this terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _open(link: str) -> None:
    # Without a browser the link is on the terminal.
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(link)
