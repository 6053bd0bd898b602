"""The URL of a chat room: checked once, and never shown whole, for its path is a secret."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

from akool_async.errors import InvalidParameterError
from akool_async.models.addresses import can_be_looked_up, is_loopback

__all__ = ["Address"]

FIELD: Final = "client_chat_room_url"


class Address:
    """`client_chat_room_url` (docs/protocol.md §3). Printed, it shows scheme, host and port
    only.
    """

    __slots__ = ("_secrets", "_url", "host", "port", "secure")

    def __init__(self, url: str) -> None:
        """Checks the URL.

        Raises:
            InvalidParameterError: not wss, or ws to another host than this machine; no host; a
                port, a fragment or a login that can't be.
        """
        parts = _split(url)
        host = parts.hostname
        if parts.scheme not in {"ws", "wss"}:
            raise InvalidParameterError(FIELD, "isn't a wss:// URL")
        if not host:
            raise InvalidParameterError(FIELD, "has no host")
        if not can_be_looked_up(host):
            raise InvalidParameterError(FIELD, "has a host that can't be a name or an address")
        try:
            port = parts.port
        except ValueError:
            raise InvalidParameterError(FIELD, "has a port that isn't 0 to 65535") from None
        if parts.fragment or parts.username is not None or not url.isprintable():
            raise InvalidParameterError(
                FIELD, "has a fragment, a login or control characters; give it as create answered"
            )
        self.secure = parts.scheme == "wss"
        self.host = host
        self.port = port if port is not None else (443 if self.secure else 80)
        if not self.secure and not self.loopback:
            raise InvalidParameterError(
                FIELD, f"ws:// is for this machine only and would show what is said to {host}'s "
                "network: use wss://"
            )  # fmt: skip
        self._url = url
        # Longest first, so that a part isn't replaced inside the whole.
        pieces = {url, parts.path, *(piece for piece in parts.path.split("/") if len(piece) > 3)}
        if parts.query:
            pieces.add(parts.query)
        self._secrets = tuple(sorted(pieces - {"", "/"}, key=len, reverse=True))

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine."""
        return is_loopback(self.host)

    def secret_url(self) -> str:
        """The whole URL, for the one call that dials it."""
        return self._url

    def redact(self, text: str) -> str:
        """A text from the server, fit to be shown: on one line, without pieces of the URL."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return "".join(char if char.isprintable() else "?" for char in text)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self.secure else 'ws'}://{host}:{self.port}/…"

    def __repr__(self) -> str:
        return f"<Address {self}>"


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        # Its text holds the URL or a piece of it.
        raise InvalidParameterError(FIELD, "can't be read as a URL") from None
