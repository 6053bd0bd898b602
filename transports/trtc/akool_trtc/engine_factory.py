"""Which engine a room is joined with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from akool_async.errors import MissingDependencyError
from akool_async.models.credentials import TRTCCredentials
from akool_async.transport.engines.engine import check_engine as check_choice
from akool_async.transport.engines.engine import create_engine, loopback_url
from akool_trtc.engine import Engine

__all__ = ["ENGINES", "check_engine", "make_engine"]

#: The names that `engine=` knows.
ENGINES: Final = ("loopback",)


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
    check_choice(engine, Engine, names=ENGINES, package="akool_trtc")


def make_engine(options: Mapping[str, Any], credentials: TRTCCredentials) -> Engine:
    """The engine for a room: the one asked for, else the loopback engine where the credentials
    were made by a simulator on this machine.

    Raises:
        MissingDependencyError, InvalidParameterError: as `check_engine`.
    """
    if (url := loopback_url(options, credentials)) is not None:
        from akool_trtc.loopback import LoopbackEngine

        return LoopbackEngine(url)
    check_engine(options)
    return create_engine(options["engine"], Engine)  # type: ignore[type-abstract]
