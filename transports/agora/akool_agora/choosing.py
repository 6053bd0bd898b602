"""Which engine a room is joined with."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from akool_agora.engine import Engine
from akool_agora.sdk_package import require
from akool_async.errors import InvalidParameterError
from akool_async.models.credentials import AgoraCredentials

__all__ = ["ENGINES", "check_engine", "make_engine"]

#: The names that `engine=` knows.
ENGINES: Final = ("sdk", "loopback")


def check_engine(options: Mapping[str, Any]) -> None:
    """Whether joining can work at all, as far as can be said without credentials.

    Raises:
        MissingDependencyError: the SDK is needed and isn't installed, or doesn't exist for this
            platform.
        InvalidParameterError: `engine` is neither a known name nor an engine.
    """
    engine = options.get("engine")
    if engine is None or engine == "sdk":
        require()
    elif isinstance(engine, str):
        if engine not in ENGINES:
            raise InvalidParameterError(
                "engine",
                f"{engine!r} isn't known; give one of {', '.join(map(repr, ENGINES))}, or an "
                "engine of your own (akool_agora.Engine)",
            )
    elif not callable(engine) and not isinstance(engine, Engine):
        raise InvalidParameterError(
            "engine",
            f"a {type(engine).__name__} is neither a name, an akool_agora.Engine nor a callable "
            "that makes one",
        )


def make_engine(options: Mapping[str, Any], credentials: AgoraCredentials) -> Engine:
    """The engine for a room: the one asked for; else the loopback engine where the credentials
    were made by a simulator on this machine; else the SDK's.

    Raises:
        MissingDependencyError, InvalidParameterError: as `check_engine`.
    """
    engine = options.get("engine")
    url = _simulator_url(options, credentials)
    if engine == "loopback" or (engine is None and url is not None):
        from akool_agora.loopback import LoopbackEngine

        if url is None:
            raise InvalidParameterError(
                "engine", "'loopback' needs a simulator on this machine, or its credentials"
            )
        return LoopbackEngine(url)
    check_engine(options)
    if engine is None or engine == "sdk":
        from akool_agora.sdk import SDKEngine

        return SDKEngine()
    if isinstance(engine, Engine) and not isinstance(engine, type):
        return engine
    return cast("Callable[[], Engine]", engine)()


def _simulator_url(options: Mapping[str, Any], credentials: AgoraCredentials) -> str | None:
    """The simulator's base URL; credentials that name another machine's don't count."""
    url = options.get("simulator_url")
    if url is None:
        url = (credentials.model_extra or {}).get("akool_simulator_url")
    return url if isinstance(url, str) and _is_loopback(url) else None


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and (
            host == "localhost" or ipaddress.ip_address(host).is_loopback
        )
    except ValueError:
        return False
