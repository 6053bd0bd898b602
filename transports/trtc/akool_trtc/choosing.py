"""Which engine a room is joined with."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.models.credentials import TRTCCredentials
from akool_trtc.engine import Engine

__all__ = ["check_engine", "make_engine"]


def check_engine(options: Mapping[str, Any]) -> None:
    """Whether joining can work at all, as far as can be said without credentials.

    Raises:
        MissingDependencyError: no engine was given, and none comes with this package.
        InvalidParameterError: `engine` is neither a known name nor an engine.
    """
    engine = options.get("engine")
    if engine is None:
        raise MissingDependencyError(
            "A TRTC room needs an engine, and none comes with akool-async-trtc: Tencent has no "
            "Python SDK for it. Pass one of your own as engine=, an object or a class with the "
            "methods of akool_trtc.Engine (examples/trtc_engine.py is a whole one), or use "
            "stream_type='livekit'."
        )
    if isinstance(engine, str):
        if engine != "loopback":
            raise InvalidParameterError(
                "engine",
                f"{engine!r} isn't known; give 'loopback' (a simulator on this machine) or an "
                "engine of your own (akool_trtc.Engine)",
            )
    elif not callable(engine) and not isinstance(engine, Engine):
        raise InvalidParameterError(
            "engine",
            f"a {type(engine).__name__} is neither a name, an akool_trtc.Engine nor a callable "
            "that makes one",
        )


def make_engine(options: Mapping[str, Any], credentials: TRTCCredentials) -> Engine:
    """The engine for a room: the one asked for, else the loopback engine where the credentials
    were made by a simulator on this machine.

    Raises:
        MissingDependencyError, InvalidParameterError: as `check_engine`.
    """
    engine = options.get("engine")
    url = _simulator_url(options, credentials)
    if engine == "loopback" or (engine is None and url is not None):
        from akool_trtc.loopback import LoopbackEngine

        if url is None:
            raise InvalidParameterError(
                "engine", "'loopback' needs a simulator on this machine, or its credentials"
            )
        return LoopbackEngine(url)
    check_engine(options)
    if isinstance(engine, Engine) and not isinstance(engine, type):
        return engine
    return cast("Callable[[], Engine]", engine)()


def _simulator_url(options: Mapping[str, Any], credentials: TRTCCredentials) -> str | None:
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
