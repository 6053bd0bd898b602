"""TRTC's room as the simulator has it: string room ids, user signatures, TRTC's limits."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from akool_async.simulator.rooms.relay.joining import Refused
from akool_async.simulator.rooms.relay.limits import SendRules
from akool_async.simulator.rooms.relay.room import RelayRoom

__all__ = ["TRTCRoom"]

BAD_PARAMETER: Final = 5000
NOT_ALLOWED: Final = 5100
SERVER_ERROR: Final = 5400


class TRTCRoom(RelayRoom):
    """A room whose custom messages are reliable and ordered, and open to anchors only.

    The room id is a string; joining with a number is another room for TRTC, and refused here. The
    avatar speaks and listens on `cmdId` 1.

    Faults: `RelayRoom`'s.
    """

    kind: ClassVar[str] = "trtc"
    path: ClassVar[str] = "/loopback/trtc"
    reliable: ClassVar[bool] = True
    command: ClassVar[int] = 1
    same_identity: ClassVar[int | str] = "kick"
    room_over: ClassVar[int | str] = "room_disband"
    not_allowed: ClassVar[int] = NOT_ALLOWED
    no_such_room: ClassVar[int | str] = SERVER_ERROR
    rules: ClassVar[SendRules] = SendRules(
        max_bytes=1000,
        bytes_per_second=8 * 1024,
        packets_per_second=30,
        bad_argument=BAD_PARAMETER,
        too_large=BAD_PARAMETER,
        too_many_bytes=NOT_ALLOWED,
        too_many_packets=NOT_ALLOWED,
    )

    _app_id = 0
    _user = ""
    _sig = ""

    async def open(self) -> dict[str, Any]:
        """The credentials of docs/protocol.md §1 (those you get), and `akool_simulator_url`."""
        given = self.request.credentials
        if given is not None:
            # The user's own room: what was given is the avatar's way into it.
            self._app_id = int(_either(given, "app_id"))
            self._open(str(_either(given, "room_id")), str(_either(given, "user_id")))
            return {**given, "akool_simulator_url": self.base_url}
        self._app_id = 1_400_000_000 + secrets.randbelow(100_000_000)
        self._user = f"user_{secrets.token_hex(6)}"
        self._sig = secrets.token_urlsafe(60)
        self._open(f"akool_{self.request.session_id}", f"avatar_{secrets.token_hex(6)}")
        return {
            "trtc_app_id": self._app_id,
            "trtc_room_id": self.channel,
            "trtc_user_id": self._user,
            "trtc_user_sig": self._sig,
            "akool_simulator_url": self.base_url,
        }

    def admit(self, form: Mapping[str, Any], *, returning: bool) -> bool:
        """Checks the app id, the kind of room id and the signature; anchors may send."""
        del returning  # a signature lives as long as the session
        if form.get("app_id") != self._app_id:
            raise Refused(BAD_PARAMETER, "this sdkAppId isn't the room's")
        if not isinstance(form.get("channel"), str) or form.get("room_kind") != "string":
            raise Refused(BAD_PARAMETER, "the room has a string room id (strRoomId)")
        identity, sig = form.get("identity"), form.get("credential")
        own_room = self.request.credentials is not None
        if not sig or (not own_room and (identity, sig) != (self._user, self._sig)):
            raise Refused(SERVER_ERROR, "the userSig isn't this user's")
        return form.get("role") == "anchor"

    def check_command(self, command: int) -> int:
        """`cmdId` is 1 to 10."""
        return 0 if 1 <= command <= 10 else BAD_PARAMETER


def _either(given: Mapping[str, Any], field: str) -> Any:
    """docs/protocol.md §1: what you send has another spelling than what you get; both are read."""
    value = given.get(f"trtc_sdk_{field}")
    return given[f"trtc_{field}"] if value is None else value
