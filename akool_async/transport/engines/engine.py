"""What an engine is: the part that really talks to a vendor, behind a narrow protocol.

Also choosing one by the user's `engine=` option.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from akool_async.errors import InvalidParameterError
from akool_async.models.addresses import is_loopback_url
from akool_async.models.credentials import Credentials

__all__ = ["AnyEngine", "EngineError", "check_engine", "create_engine", "simulator_url"]

E = TypeVar("E")


class EngineError(Exception):
    """The vendor refused; `code` is its own number."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else str(code))
        self.code = code
        self.message = message


class AnyEngine(Protocol):
    """What every engine has; its vendor's protocol adds how to join."""

    async def send(self, packet: bytes) -> None:
        """Hands one packet to the room.

        Raises:
            EngineError: the vendor refused it.
        """

    async def leave(self) -> None:
        """Leaves and frees everything; twice, before and during joining is fine."""


def check_engine(engine: object, protocol: type, *, names: Sequence[str], package: str) -> None:
    """Whether `engine` can be one: a known name, an object with the methods, or a maker of one.

    Args:
        engine: what the user gave.
        protocol: the vendor's engine protocol, runtime-checkable.
        names: the names that `engine=` knows.
        package: the plugin's, for messages.

    Raises:
        InvalidParameterError: it can't.
    """
    if isinstance(engine, str):
        if engine not in names:
            known = ", ".join(map(repr, names))
            raise InvalidParameterError(
                "engine",
                f"{engine!r} isn't known; give {known}, or an engine of your own "
                f"({package}.Engine)",
            )
    elif not callable(engine) and not isinstance(engine, protocol):
        raise InvalidParameterError(
            "engine",
            f"a {type(engine).__name__} is neither a name, an {package}.Engine nor a callable "
            "that makes one",
        )


def create_engine(engine: object, protocol: type[E]) -> E:
    """The engine itself, made first where a callable was given that makes one."""
    if isinstance(engine, protocol) and not isinstance(engine, type):
        return engine
    return cast("Callable[[], E]", engine)()


def simulator_url(options: Mapping[str, Any], credentials: Credentials) -> str | None:
    """The base URL of the simulator that has the room, where one on this machine made it.

    Credentials that name another machine's don't count.
    """
    url = options.get("simulator_url")
    if url is None:
        url = (credentials.model_extra or {}).get("akool_simulator_url")
    return url if isinstance(url, str) and is_loopback_url(url) else None
