"""The page of one conversation: who may have it, what it answers, and what its socket does.

It knows no web framework: `aiohttp_app` and `asgi` bring requests here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from akool_async.conversation import AvatarSession
from akool_async.rooms.viewers import ViewerLink
from akool_async.validation import flag, text
from akool_async.watch.access import Access
from akool_async.watch.asgi import ASGIApplication
from akool_async.watch.browser import Browser
from akool_async.watch.contract import Answer, Ask, Channel
from akool_async.watch.files import PageFiles, client_file
from akool_async.watch.spending import Spending

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["LOOPBACK", "WatchPage"]

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_USED: Final = "this link was used, or isn't one; ask for another"


class WatchPage:
    """One conversation's page. Any number of browsers may have it open.

    It is an ASGI application itself; `aiohttp_app` makes one for aiohttp.
    """

    def __init__(
        self,
        avatar: AvatarSession,
        *,
        livekit_client: str | Path | None = None,
        hosts: Iterable[str] = LOOPBACK,
        microphone: bool = True,
        spent: Callable[[], Awaitable[float | None]] | None = None,
    ) -> None:
        """Serves nothing yet.

        Args:
            avatar: the conversation, which stays the caller's to close; the page has a button that
                ends it.
            livekit_client: a file `livekit-client.umd.js` of the npm package `livekit-client`, by
                default what `AKOOL_LIVEKIT_CLIENT` names; without, the browser loads it from
                jsdelivr.net, a fixed version checked by its hash.
            hosts: names by which the page may be asked for. Others are refused, so that a foreign
                page can't reach it by a name of its own that leads to this machine.
            microphone: whether people may talk by it; otherwise they join hidden.
            spent: asked at most every 20 s while a browser is there, for the credits that the
                session took so far; `None` from it: not known. Without it the page shows none.

        Raises:
            ConfigurationError: there is no such file.
            InvalidParameterError: a wrong value.
            NotSupportedError: the room lets no one in; see `AvatarSession.viewer_link`.
        """
        self._files = PageFiles(client_file(livekit_client))
        self._microphone = flag("microphone", microphone)
        self._avatar = avatar
        self._access = Access(text("hosts", host) for host in hosts)
        self._spending = Spending(spent)
        self._link()  # raises where no one can be let in
        self._open: set[Channel] = set()
        self._asgi = ASGIApplication(self)

    def link(self, base: str) -> str:
        """A link for one browser, once; `base`: where the application is reached, "http://…/"."""
        return f"{base.rstrip('/')}/?ticket={self._access.ticket()}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The page as an ASGI application: `app.mount("/watch", page)`."""
        await self._asgi(scope, receive, send)

    def aiohttp_app(self) -> web.Application:
        """The page as a new aiohttp application: `app.add_subapp("/watch/", …)`."""
        from akool_async.watch.aiohttp_app import make_app

        return make_app(self)

    def _link(self) -> ViewerLink:
        return self._avatar.visitor_link() if self._microphone else self._avatar.viewer_link()

    async def answer(self, ask: Ask) -> Answer:
        """What a request of a web framework is answered with."""
        if (refused := self._refused(ask)) is not None:
            return refused
        if ask.method not in ("GET", "HEAD"):
            return _text(405, "only GET")
        if ask.ticket is not None:
            return self._enter(ask, ask.ticket)
        found = await self._files.read(ask.name)
        if found is None:
            return _text(404, "there is no such file")
        content, kind = found
        headers = {**_HEADERS, "Content-Type": kind}
        if ask.name == "":
            if self._avatar.closed:
                return _text(410, "the session is over")
            headers["Content-Security-Policy"] = self._files.policy(self._link().url)
        return Answer(200, content, headers)

    def refused(self, ask: Ask) -> Answer | None:
        """`None`: this request may open the page's websocket."""
        if (refused := self._refused(ask)) is not None:
            return refused
        # A websocket isn't bound by the same-origin rule, so the server has to look.
        if not self._access.is_own_origin(ask.origin, ask.host):
            return _text(403, "a page of another origin")
        return None

    async def run(self, channel: Channel) -> None:
        """Serves one browser until it leaves, or the conversation is over."""
        self._open.add(channel)
        try:
            await Browser(self._avatar, channel, self._link, self._spending).run()
        finally:
            self._open.discard(channel)

    async def leave(self) -> None:
        """The web server stops: sends every browser away."""
        for channel in list(self._open):
            await channel.close(1001, "the page is closed")

    def _refused(self, ask: Ask) -> Answer | None:
        if not self._access.is_host(ask.host):
            return _text(403, "this host isn't one that the page is served at")
        if ask.ticket is None and not self._access.is_inside(
            ask.cookies.get(self._access.cookie, "")
        ):
            return _text(403, _USED)
        return None

    def _enter(self, ask: Ask, ticket: str) -> Answer:
        cookie = self._access.enter(ticket) if ask.name == "" else None
        if cookie is None:
            return _text(403, _USED)
        # To the page without the ticket: it stays in no history and no screenshot. The cookie is
        # for this path and those below it, as browsers have it without `Path`.
        secure = "; Secure" if ask.secure else ""
        set_cookie = f"{self._access.cookie}={cookie}; HttpOnly; SameSite=Lax{secure}"
        return Answer(303, b"", {**_HEADERS, "Location": "./", "Set-Cookie": set_cookie})


def _text(status: int, words: str) -> Answer:
    headers = {**_HEADERS, "Content-Type": "text/plain; charset=utf-8"}
    return Answer(status, words.encode(), headers)
