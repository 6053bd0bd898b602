"""A TRTC room as a `Transport`, over the engine it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from akool_async.errors import JoinError, SendError
from akool_async.models.credentials import TRTCCredentials
from akool_async.stream.limits import TRTC, PacketLimits
from akool_async.transport import JoinTarget, TransportStats
from akool_async.transport.engines.engine import checked_credentials
from akool_async.transport.engines.transport import EngineTransport
from akool_trtc.engine import Engine, EngineError, Room
from akool_trtc.engine_factory import check_engine, make_engine
from akool_trtc.errors import NOT_ALLOWED, join_error, send_error
from akool_trtc.participants import TRTCParticipants

__all__ = ["TRTCTransport"]


class TRTCTransport(EngineTransport):
    """One TRTC room (docs/protocol.md §2 "Limits": 1000 bytes, 8000 B/s, 30 packets/s).

    Custom messages are reliable and ordered while the connection lasts.

    Options (`transport_options=`):
        engine: an `Engine`, a callable that makes one, or "loopback" (the simulator's). Left out:
            the loopback engine where a simulator on this machine made the credentials.
        avatar_user_id: the avatar's; needed in a room of your own, where others may be.
        simulator_url: where the loopback engine finds the simulator, if not in the credentials.
    """

    name: ClassVar[str] = "trtc"
    limits: PacketLimits = TRTC
    vendor: ClassVar[str] = "TRTC"
    place: ClassVar[str] = "room"
    option_names: ClassVar[tuple[str, ...]] = ("engine", "simulator_url", "avatar_user_id")

    _engine: Engine
    _participants: TRTCParticipants

    @classmethod
    def preflight(cls, options: Mapping[str, Any]) -> None:
        """Checks the options and that there is an engine.

        Raises:
            MissingDependencyError: no engine: says how to pass one.
            InvalidParameterError: an unknown option or engine.
        """
        cls.check_option_names(options)
        check_engine(options)
        cls.check_file_limit()

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        credentials = checked_credentials(
            target.credentials, TRTCCredentials, into="a TRTC room", needed=("trtc_user_sig",)
        )
        assert credentials.trtc_user_sig is not None  # checked
        avatar = self.avatar_id(target, options, "avatar_user_id")
        self._room = Room(
            sdk_app_id=credentials.trtc_app_id,
            room_id=credentials.trtc_room_id,
            user_id=credentials.trtc_user_id,
            user_sig=credentials.trtc_user_sig.get_secret_value(),
        )
        engine = make_engine(options, credentials)
        stats = TransportStats()
        participants = TRTCParticipants(
            stats,
            own_id=credentials.trtc_user_id,
            avatar_id=avatar,
        )
        self._use(engine, participants, stats)

    async def _enter(self) -> None:
        await self._engine.join(self._room, self._participants)
        # An engine of the user's own may not report who publishes.
        self._participants.reports_tracks = getattr(self._engine, "reports_tracks", False)

    def _join_error(self, error: EngineError) -> JoinError:
        return join_error(error)

    def _send_error(self, error: EngineError) -> SendError:
        return send_error(error)

    def _refused_for_now(self, error: EngineError) -> bool:
        return error.code == NOT_ALLOWED
