"""What the page consists of, and what a browser may load for it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from akool_async.errors import ConfigurationError

__all__ = ["CLIENT", "LIVEKIT_CLIENT_URL", "PageFiles", "client_file"]

#: LiveKit's browser client, where no file of it is given: a fixed version, checked by its hash.
LIVEKIT_CLIENT_URL: Final = (
    "https://cdn.jsdelivr.net/npm/livekit-client@2.15.7/dist/livekit-client.umd.js"
)
_LIVEKIT_CLIENT_HASH: Final = (
    "sha384-Im1I1B8kg+QAqMWMje7KTj17burxG2bnM4X8//QdlzfKYxi8sQuvsRYwHbU2vyAJ"
)
_VARIABLE: Final = "AKOOL_LIVEKIT_CLIENT"
CLIENT: Final = "livekit-client.js"
_SCRIPT: Final = f'src="{CLIENT}"'
_STATIC: Final = Path(__file__).with_name("static")
_TYPES: Final = {
    "watch.js": "text/javascript; charset=utf-8",
    "watch.css": "text/css; charset=utf-8",
}


def client_file(given: str | Path | None = None) -> Path | None:
    """The file with livekit-client: `given`, or what `AKOOL_LIVEKIT_CLIENT` names, or `None`.

    Raises:
        ConfigurationError: there is no such file.
    """
    name = given or os.environ.get(_VARIABLE, "").strip() or None
    if name is None:
        return None
    path = Path(name)
    if not path.is_file():
        source = "livekit_client" if given else _VARIABLE
        raise ConfigurationError(
            f"{source} names {str(path)!r}, where no file is: give dist/livekit-client.umd.js of "
            "the npm package livekit-client, or leave it out to load it from jsdelivr.net"
        )
    return path


class PageFiles:
    """The page's files by their names; it knows no web framework."""

    def __init__(self, client: Path | None) -> None:
        """`client`: livekit-client as a file; `None`: browsers load it from jsdelivr.net."""
        self._client = client

    async def read(self, name: str) -> tuple[bytes, str] | None:
        """A file's content and its type; `None`: there is no such file. "" is the page itself."""
        if name == "":
            page = await asyncio.to_thread(_STATIC.joinpath("index.html").read_text, "utf-8")
            return page.replace(_SCRIPT, self._script()).encode(), "text/html; charset=utf-8"
        if name == CLIENT and self._client is not None:
            content = await asyncio.to_thread(self._client.read_bytes)
            return content, _TYPES["watch.js"]
        kind = _TYPES.get(name)
        if kind is None:
            return None
        return await asyncio.to_thread(_STATIC.joinpath(name).read_bytes), kind

    def _script(self) -> str:
        if self._client is not None:
            return _SCRIPT
        return (
            f'src="{LIVEKIT_CLIENT_URL}" integrity="{_LIVEKIT_CLIENT_HASH}" crossorigin="anonymous"'
        )

    def policy(self, server: str) -> str:
        """The `Content-Security-Policy` of a page whose room is on that LiveKit server."""
        parts = urlsplit(server)
        secure = parts.scheme in ("wss", "https")
        calls = " ".join(
            f"{scheme}://{parts.netloc.rpartition('@')[2]}"
            for scheme in (("wss", "https") if secure else ("ws", "http"))
        )
        script = "'self'" if self._client is not None else f"'self' {LIVEKIT_CLIENT_URL}"
        return (
            f"default-src 'none'; script-src {script}; style-src 'self'; "
            f"connect-src 'self' {calls}; media-src blob: mediastream:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
