"""Which engine a room is joined with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from akool_agora.engine import Engine
from akool_agora.sdk_package import require
from akool_async.models.credentials import AgoraCredentials
from akool_async.transport.engines.engine import check_engine as check_choice
from akool_async.transport.engines.engine import create_engine, loopback_url

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
    else:
        check_choice(engine, Engine, names=ENGINES, package="akool_agora")


def make_engine(options: Mapping[str, Any], credentials: AgoraCredentials) -> Engine:
    """The engine for a room: the one asked for; else the loopback engine where the credentials
    were made by a simulator on this machine; else the SDK's.

    Raises:
        MissingDependencyError, InvalidParameterError: as `check_engine`.
    """
    if (url := loopback_url(options, credentials)) is not None:
        from akool_agora.loopback import LoopbackEngine

        return LoopbackEngine(url)
    check_engine(options)
    engine = options.get("engine")
    if engine is None or engine == "sdk":
        from akool_agora.sdk import SDKEngine

        return SDKEngine()
    return create_engine(engine, Engine)  # type: ignore[type-abstract]
