"""What `transport_options=` may hold for the chat room."""

from __future__ import annotations

import math
import ssl as ssl_module
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from akool_async.errors import InvalidParameterError

__all__ = ["ChatRoomOptions"]

#: Largest value of any option in seconds: a day.
LONGEST: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRoomOptions:
    """Options of the chat room; seconds and bytes.

    Attributes:
        ssl: for a private server: the context that checks its certificate. `None`: the system's
            certificates and the host's name are checked. Not used for a ws:// URL.
        proxy: `True` takes the environment's proxy (`wss_proxy`, `https_proxy`, `no_proxy` …),
            `None` none, a string is a proxy's URL. A room on this machine is never dialled
            through a proxy.
        ping_interval: pause between keep-alive pings, 0.05 s at least.
        ping_timeout: how long a pong may take before the connection counts as broken.
        max_size: largest frame that is taken, 65,536 bytes to 64 MiB. A larger one breaks the
            connection (close code 1009), is counted as `dropped["too_large"]`, and the room is
            joined again.
        open_timeout: how long one try to join again may take. (The first join has the `timeout`
            of `connect`.)
        reconnect_timeout: after how many seconds without a room it is given up; 0: at once.
        reconnect_delay: the longest pause before the first try to join again. It doubles with
            every try, and the real pause is a random part of it.
        reconnect_max_delay: the longest pause before any try.
    """

    ssl: ssl_module.SSLContext | None = None
    proxy: str | Literal[True] | None = True
    ping_interval: float = 20.0
    ping_timeout: float = 20.0
    max_size: int = 2**20
    open_timeout: float = 10.0
    reconnect_timeout: float = 60.0
    reconnect_delay: float = 0.5
    reconnect_max_delay: float = 10.0

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> ChatRoomOptions:
        """Reads what the user gave.

        Raises:
            InvalidParameterError: an unknown name, or a value that can't be used.
        """
        names = [field.name for field in fields(cls)]
        for name in options:
            if name not in names:
                raise InvalidParameterError(
                    name,
                    "the chatroom transport takes no such option, only " + ", ".join(names),
                )
        return cls(**options)

    def __post_init__(self) -> None:
        if self.ssl is not None and not isinstance(self.ssl, ssl_module.SSLContext):
            raise InvalidParameterError("ssl", "takes an ssl.SSLContext or None")
        if not (self.proxy is None or self.proxy is True or isinstance(self.proxy, str)):
            raise InvalidParameterError("proxy", "takes True, None or the URL of a proxy")
        _seconds("ping_interval", self.ping_interval, least=0.05)
        _seconds("ping_timeout", self.ping_timeout, least=0.05)
        _seconds("open_timeout", self.open_timeout, least=0.05)
        _seconds("reconnect_timeout", self.reconnect_timeout, least=0)
        _seconds("reconnect_delay", self.reconnect_delay, least=0)
        _seconds("reconnect_max_delay", self.reconnect_max_delay, least=self.reconnect_delay)
        if isinstance(self.max_size, bool) or not isinstance(self.max_size, int):
            raise InvalidParameterError("max_size", "takes a whole number of bytes")
        if not 2**16 <= self.max_size <= 2**26:
            raise InvalidParameterError("max_size", f"{self.max_size} isn't 65536 to {2**26} bytes")


def _seconds(name: str, value: object, *, least: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise InvalidParameterError(name, "takes a number of seconds")
    if not least <= value <= LONGEST:
        raise InvalidParameterError(name, f"{value} isn't {least:g} to {LONGEST:g} seconds")
