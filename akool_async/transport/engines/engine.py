"""What an engine is: the part that really talks to a vendor, behind a narrow protocol.

Also choosing one by the user's `engine=` option.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from akool_async.errors import InvalidParameterError
from akool_async.models.addresses import is_loopback_url
from akool_async.models.credentials import Credentials

__all__ = [
    "AnyEngine",
    "EngineError",
    "check_engine",
    "checked_credentials",
    "create_engine",
    "loopback_url",
]

E = TypeVar("E")
C = TypeVar("C", bound=Credentials)


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


def loopback_url(options: Mapping[str, Any], credentials: Credentials) -> str | None:
    """The simulator's URL, where its loopback engine joins: asked for by name, or no engine was
    asked for and a simulator on this machine made the credentials. `None`: another engine joins.

    Raises:
        InvalidParameterError: asked for, and there is no simulator on this machine.
    """
    engine, url = options.get("engine"), options.get("simulator_url")
    if url is None:
        url = (credentials.model_extra or {}).get("akool_simulator_url")
    if not isinstance(url, str) or not is_loopback_url(url):
        url = None  # what names another machine's doesn't count
    if engine == "loopback" and url is None:
        raise InvalidParameterError(
            "engine", "'loopback' needs a simulator on this machine, or its credentials"
        )
    return url if engine is None or engine == "loopback" else None


def checked_credentials(
    credentials: object, kind: type[C], *, into: str, needed: Sequence[str]
) -> C:
    """The credentials, if they are of a kind and have what joining needs.

    Args:
        credentials: what was given.
        kind: the vendor's.
        into: where they lead, for messages ("an Agora channel").
        needed: fields that not every answer of the service has.

    Raises:
        InvalidParameterError: of another kind, or without a field.
    """
    if not isinstance(credentials, kind):
        raise InvalidParameterError(
            "credentials", f"{type(credentials).__name__} don't lead into {into}"
        )
    for field in needed:
        if getattr(credentials, field) is None:
            raise InvalidParameterError(
                field, "is missing; only session/create returns it, so keep those credentials"
            )
    return credentials
