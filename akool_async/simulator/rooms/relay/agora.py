"""Agora's room as the simulator has it: a channel, uids, tokens, Agora's limits and codes."""

from __future__ import annotations

import asyncio
import functools
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from akool_async.simulator.rooms.relay.joining import Refused
from akool_async.simulator.rooms.relay.limits import SendRules
from akool_async.simulator.rooms.relay.member import Member
from akool_async.simulator.rooms.relay.room import RelayRoom
from akool_async.simulator.rooms.room import MakeFault, RoomEvents, RoomRequest

__all__ = ["TOKEN_LIFE", "AgoraRoom"]

#: Seconds that the token of session/create is good to join with (docs/protocol.md §1
#: "Credentials").
TOKEN_LIFE: Final = 300.0

# Agora's connection reasons, as far as the room sends them.
BANNED: Final = 3
REJECTED: Final = 10
BAD_APP_ID: Final = 6
BAD_TOKEN: Final = 8
TOKEN_EXPIRED: Final = 9
SAME_UID: Final = 19


class AgoraRoom(RelayRoom):
    """A channel whose data stream is unordered and unreliable, as that of Agora's Python SDK is.

    So everything that `NetworkConditions` ask for happens to its packets. A token of this room
    is good for `TOKEN_LIFE` seconds to join with; in a room of the user's own, whose tokens are
    none of the simulator's, any token that isn't empty is.

    `unrenewed` are the members whose token is about to expire.

    Faults beside `RelayRoom`'s: `ban`, `expire_token` (the tokens given out so far are too old
    to join with), `token_will_expire` (`seconds`: members are notified, and those who haven't
    renewed by then are thrown out).
    """

    kind: ClassVar[str] = "agora"
    path: ClassVar[str] = "/loopback/agora"
    reliable: ClassVar[bool] = False
    same_identity: ClassVar[int | str] = SAME_UID
    room_over: ClassVar[int | str] = REJECTED
    not_allowed: ClassVar[int] = -113
    no_such_room: ClassVar[int | str] = REJECTED
    rules: ClassVar[SendRules] = SendRules(
        max_bytes=1024,
        bytes_per_second=6 * 1024,
        packets_per_second=60,
        bad_argument=-2,
        too_large=-114,
        too_many_bytes=-115,
        too_many_packets=-12,
    )

    def __init__(self, request: RoomRequest, events: RoomEvents) -> None:
        super().__init__(request, events)
        self.unrenewed: set[str] = set()
        self._app_id = ""
        self._tokens: dict[str, float] = {}
        self._expiry: asyncio.TimerHandle | None = None

    async def open(self) -> dict[str, Any]:
        """The credentials of docs/protocol.md §1, with `akool_simulator_url` beside them."""
        given = self.request.credentials
        if given is not None:
            # The user's own room: what was given is the avatar's way into it.
            self._app_id = str(given.get("agora_app_id") or "")
            self._open(str(given["agora_channel"]), str(given["agora_uid"]))
            return {**given, "akool_simulator_url": self.base_url}
        self._app_id = secrets.token_hex(16)
        ours, avatar = 100_000 + secrets.randbelow(400_000), 500_000 + secrets.randbelow(400_000)
        self._open(f"akool_{self.request.session_id}", str(avatar))
        return {
            "agora_uid": ours,
            "agora_app_id": self._app_id,
            "agora_channel": self.channel,
            "agora_token": self.new_token(),
            "akool_simulator_url": self.base_url,
        }

    def new_token(self) -> str:
        """A token for this room, as its owner's backend would make one."""
        token = f"007{secrets.token_urlsafe(48)}"
        self._tokens[token] = asyncio.get_running_loop().time() + TOKEN_LIFE
        return token

    def admit(self, form: Mapping[str, Any], *, returning: bool) -> bool:
        """Checks the app id and the token."""
        if self._app_id and form.get("app_id") not in (None, self._app_id):
            raise Refused(BAD_APP_ID, "this app id isn't the channel's")
        if not str(form.get("identity", "")).isdecimal():
            raise Refused(REJECTED, "a uid is a number")
        self._check_token(str(form.get("credential", "")), returning=returning)
        return True

    def control(self, member: Member, message: Mapping[str, Any]) -> None:
        """Renews a token."""
        if message.get("do") != "renew":
            return
        token = str(message.get("token", ""))
        try:
            self._check_token(token, returning=False)
        except Refused as refusal:
            member.notify({"event": "renewed", "code": refusal.code})
            return
        member.proof = token
        self.unrenewed.discard(member.identity)
        member.notify({"event": "renewed", "code": 0})
        self.events.renewed()

    @property
    def faults(self) -> Mapping[str, MakeFault]:
        """See the class."""
        return {
            **super().faults,
            "ban": functools.partial(self._disconnect, code=BANNED),
            "expire_token": self._expire_token,
            "token_will_expire": self._token_will_expire,
        }

    def _expire_token(self) -> None:
        self._tokens = dict.fromkeys(self._tokens, 0.0)

    def _token_will_expire(self, *, seconds: float = 30.0) -> None:
        self.unrenewed = set(self.members)
        self._notify({"event": "token_will_expire", "seconds": seconds})
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(seconds, self._throw_out_unrenewed)

    async def close(self, reason: str) -> None:
        """The avatar leaves and every member is notified that the room is over."""
        if self._expiry is not None:
            self._expiry.cancel()
        await super().close(reason)

    def _check_token(self, token: str, *, returning: bool) -> None:
        if self.request.credentials is not None and token:
            return
        expires_at = self._tokens.get(token)
        if expires_at is None:
            raise Refused(BAD_TOKEN, "this token isn't for this channel")
        if expires_at <= asyncio.get_running_loop().time() and not returning:
            raise Refused(TOKEN_EXPIRED, "this token has expired")

    def _throw_out_unrenewed(self) -> None:
        for identity in self.unrenewed & self.members:
            self._dismiss(identity, TOKEN_EXPIRED)
