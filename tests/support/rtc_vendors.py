"""Agora and TRTC side by side, for what both plugins do alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import akool_agora.engine_factory
import akool_agora.loopback
import akool_trtc.engine_factory
import akool_trtc.loopback
from akool_agora import AgoraTransport
from akool_trtc import TRTCTransport

from akool_async.models.credentials import AgoraCredentials, Credentials, TRTCCredentials
from akool_async.transport.engines.relay_client import RelayEngine
from akool_async.transport.engines.transport import EngineTransport


@dataclass(frozen=True)
class Vendor:
    """One of the two.

    Attributes:
        kind: its name here.
        transport: its transport.
        relay: its loopback engine.
        make_engine: chooses an engine for options and credentials.
        own_id: the field of the credentials with our identity.
    """

    kind: str
    transport: type[EngineTransport]
    relay: type[RelayEngine[Any, Any]]
    make_engine: Callable[[Mapping[str, Any], Any], Any]
    own_id: str

    def __repr__(self) -> str:
        return self.kind

    def credentials(self, **more: Any) -> Credentials:
        """Complete ones, for a room that isn't there."""
        if self.kind == "agora":
            values = {"uid": 1, "channel": "c", "token": "t", "app_id": "a"}
            model: type[Credentials] = AgoraCredentials
        else:
            values = {"app_id": 1, "room_id": "r", "user_id": "u", "user_sig": "s"}
            model = TRTCCredentials
        return model.model_validate({f"{self.kind}_{k}": v for k, v in values.items()} | more)

    def room(self, access: Mapping[str, Any]) -> object:
        """What the engine joins with these credentials."""
        if self.kind == "agora":
            fields = ("app_id", "channel", "uid", "token")
            return akool_agora.Room(*(access[f"agora_{field}"] for field in fields))
        fields = ("app_id", "room_id", "user_id", "user_sig")
        return akool_trtc.Room(*(access[f"trtc_{field}"] for field in fields))


AGORA = Vendor(
    "agora",
    AgoraTransport,
    akool_agora.loopback.LoopbackEngine,
    akool_agora.engine_factory.make_engine,
    "agora_uid",
)
TRTC = Vendor(
    "trtc",
    TRTCTransport,
    akool_trtc.loopback.LoopbackEngine,
    akool_trtc.engine_factory.make_engine,
    "trtc_user_id",
)
VENDORS = (AGORA, TRTC)
