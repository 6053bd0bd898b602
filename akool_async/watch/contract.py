"""What the page needs of a web framework: requests as values, and a websocket as a channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

__all__ = ["EVENTS", "MAX_MESSAGE", "Answer", "Ask", "Channel", "Page"]

#: The path of the page's websocket.
EVENTS: Final = "events"
#: The longest message of a browser, in bytes.
MAX_MESSAGE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, as every web framework has it.

    Attributes:
        name: the path below the page's own, without a slash at the beginning; "": the page.
        host: the `Host` header.
        origin: the `Origin` header; "" where there is none.
        ticket: of the query; `None` where there is none.
        cookies: by their names; in no repr, for they let in.
        secure: whether it came by HTTPS.
        method: in capitals.
    """

    name: str
    host: str
    origin: str = ""
    ticket: str | None = field(default=None, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    secure: bool = False
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the framework answers; `headers` include the content's type."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Channel(Protocol):
    """An accepted websocket."""

    async def receive(self) -> str | None:
        """The next text; "" for what isn't text; `None`: the browser is gone."""
        ...

    async def send(self, text: str) -> None:
        """Sends a text.

        Raises:
            OSError, RuntimeError: the browser is gone.
        """
        ...

    async def close(self, code: int, reason: str = "") -> None:
        """Closes it; twice is fine."""
        ...


class Page(Protocol):
    """What serves the requests: `WatchPage`."""

    async def answer(self, ask: Ask) -> Answer:
        """What a request is answered with."""
        ...

    def refused(self, ask: Ask) -> Answer | None:
        """`None`: the request may open the websocket."""
        ...

    async def run(self, channel: Channel) -> None:
        """Serves one browser."""
        ...

    async def leave(self) -> None:
        """The web server stops."""
        ...
