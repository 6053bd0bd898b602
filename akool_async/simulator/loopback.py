"""Agora's and TRTC's rooms on the simulator's own port: a websocket relay with a vendor's rules.

Neither vendor's server can be run here. A loopback room takes its place: members join over
`GET /loopback/<kind>`, and whatever the vendor would refuse (PROTOCOL.md §2 "Limits") is refused
with the vendor's code. What goes over the websocket:

- member, first: a text frame with `channel`, `identity`, `proof` (the token or signature) and the
  vendor's own fields for joining.
- relay, then: `{"event": "joined", "members": [identity, …]}`, or `{"event": "refused",
  "code": …, "message": …}` and the end.
- member: a packet is a binary frame of `STAMP` (seconds of its own clock since joining, and a
  `cmdId`, 0 for Agora) and the payload; each is answered, in order, with `{"ack": code}`, 0 for
  accepted. `{"do": "leave"}`; Agora also `{"do": "renew", "token": …}`.
- relay: a packet is a binary frame of `SENDER` (`cmdId`, length of the sender's identity), the
  identity and the payload. Notices: `{"event": "user_joined" | "user_left", "identity": …}`,
  `{"event": "disconnected", "code": …}`, `{"event": "token_will_expire", "seconds": …}`,
  `{"event": "renewed", "code": …}`.

The room's credentials have `akool_simulator_url`, the simulator's base URL, beside the vendor's
fields: by it a client knows that the way into this room is the relay.

A member whose connection breaks keeps its place for `LINGER` seconds and may come back to it;
packets meanwhile are lost.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import functools
import json
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import aiohttp
from aiohttp import web

from akool_async.simulator.conditions import Conditions
from akool_async.simulator.loopback_limits import RateWindow, SendRules
from akool_async.simulator.loopback_member import Member
from akool_async.simulator.room import RoomDirectory, RoomEvents, RoomRequest, SimRoom

__all__ = ["SENDER", "STAMP", "LoopbackRoom", "Refused"]

#: Before a member's packet: its clock in seconds since joining, and the command id.
STAMP: Final = struct.Struct(">dB")
#: Before a relayed packet: the command id, and the length of the sender's identity.
SENDER: Final = struct.Struct(">BB")
#: Bytes; its length is one byte in `SENDER`.
LONGEST_IDENTITY: Final = 255
#: Seconds that a place is kept for a member whose connection broke.
LINGER: Final = 20.0
#: Seconds that a new connection has for saying what it wants to join.
HELLO_TIMEOUT: Final = 10.0


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """A member can't join; `code` is the vendor's."""

    def __init__(self, code: int | str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LoopbackRoom(SimRoom):
    """A room with the avatar in it and any number of members; one subclass per vendor.

    Faults: `drop_socket` (everybody's connection breaks; `refuse_for=seconds` keeps them from
    coming back), `refuse_joins` (`code`), `hang` (joins get no answer), `refuse_sends` (`code`,
    `times`), `silence` (`seconds`: packets are taken and never delivered, either way), `stranger`
    (`packet`, `identity`: somebody else in the room sends), `avatar_leaves`, `avatar_returns`,
    `disconnect` (`code`: the vendor throws everybody out), and the subclass's own.

    Attributes:
        refused: how many packets were refused, by code.
    """

    path: ClassVar[str]
    rules: ClassVar[SendRules]
    #: Whether the vendor's channel hides loss, doubling and disorder.
    reliable: ClassVar[bool]
    #: The command id that the avatar sends with and listens to.
    command: ClassVar[int] = 0
    #: What a member is told: its identity joined again elsewhere; the room is over; a send
    #: outside a room or without the right to; a room that isn't there.
    same_identity: ClassVar[int | str]
    room_over: ClassVar[int | str]
    not_allowed: ClassVar[int]
    no_such_room: ClassVar[int | str]

    def __init__(
        self, request: RoomRequest, events: RoomEvents, *, base_url: str, conditions: Conditions
    ) -> None:
        super().__init__(request, events, base_url=base_url, conditions=conditions)
        self.channel = ""
        self.avatar = ""
        self.refused: Counter[int] = Counter()
        self._avatar_here = False
        self._members: dict[str, Member] = {}
        self._kept: dict[str, _Kept] = {}
        self._window = RateWindow(self.rules)
        self._sending = asyncio.Lock()
        self._closed = False
        self._unreachable_until = 0.0
        self._silent_until = 0.0
        self._refuse_joins: int | str | None = None
        self._hang = False
        self._refuse_sends: list[int] = []

    @property
    def members(self) -> frozenset[str]:
        """Who is connected now, without the avatar."""
        return frozenset(self._members)

    @classmethod
    def routes(cls, rooms: RoomDirectory) -> Iterable[web.RouteDef]:
        """The websocket that members join over."""

        async def join(request: web.Request) -> web.WebSocketResponse:
            ws = web.WebSocketResponse(max_msg_size=1 << 20)
            await ws.prepare(request)
            form = await _first_frame(ws)
            for room in rooms.of_kind(cls.kind):
                if isinstance(room, cls) and form and room.channel == form.get("channel"):
                    await room.serve(ws, request.transport, form)
                    return ws
            await ws.send_json(
                {"event": "refused", "code": cls.no_such_room, "message": "no such room"}
            )
            await ws.close()
            return ws

        return (web.get(cls.path, join),)

    @abc.abstractmethod
    def admit(self, form: Mapping[str, Any], *, returning: bool) -> bool:
        """Checks what a member joins with; whether it may send.

        `returning`: it was here a moment ago with the same proof, so its proof may be too old.

        Raises:
            Refused: it can't join.
        """

    def check_command(self, command: int) -> int:
        """The code for a packet's command id, 0 where it is fine."""
        del command
        return 0

    def control(self, member: Member, order: Mapping[str, Any]) -> None:
        """A text frame of a member that isn't `leave`."""
        del member, order

    async def serve(
        self,
        ws: web.WebSocketResponse,
        transport: asyncio.BaseTransport | None,
        form: Mapping[str, Any],
    ) -> None:
        """One member's stay, from its first frame to the end of its connection."""
        identity, proof = str(form.get("identity", "")), str(form.get("proof", ""))
        if asyncio.get_running_loop().time() < self._unreachable_until:
            _abort(transport)
            return
        if self._hang:
            await ws.receive()  # returns when the other side gives up
            return
        kept = self._kept.get(identity)
        returning = kept is not None and kept.proof == proof
        try:
            if self._refuse_joins is not None:
                raise Refused(self._refuse_joins, "asked for by a test")
            if len(identity.encode()) > LONGEST_IDENTITY:
                raise Refused(self.no_such_room, "the identity is too long")
            can_send = self.admit(form, returning=returning)
        except Refused as refusal:
            await ws.send_json({"event": "refused", "code": refusal.code, "message": str(refusal)})
            await ws.close()
            return
        member = Member(
            identity,
            proof,
            ws,
            transport,
            rules=self.rules,
            conditions=self.conditions,
            reliable=self.reliable,
            can_send=can_send,
        )
        writer = asyncio.create_task(member.write(), name=f"loopback {self.kind} writer")
        try:
            self._enter(member)
            await self._read(member, ws)
        finally:
            self._leave(member)
            if not member.left:
                writer.cancel()
            # A dismissed member's last notice still goes out; a frozen one doesn't hold us up.
            await asyncio.wait({writer}, timeout=1)
            writer.cancel()
            await asyncio.wait({writer})

    async def send(self, packet: bytes) -> None:
        """The avatar's packet, at the vendor's pace and to everybody here.

        Raises:
            ValueError: larger than the vendor lets through, so the avatar couldn't send it.
        """
        if not 0 < len(packet) <= self.rules.max_bytes:
            raise ValueError(
                f"{len(packet)} bytes: the avatar of a {self.kind} room sends 1 to "
                f"{self.rules.max_bytes} in a packet"
            )
        loop = asyncio.get_running_loop()
        async with self._sending:
            await asyncio.sleep(self._window.wait(len(packet), loop.time()))
            self._window.add(len(packet), loop.time())
            if self._avatar_here and not self._silent:
                self._relay(packet, self.avatar)

    async def close(self, reason: str) -> None:
        """The avatar leaves and everybody is told that the room is over."""
        del reason
        if self._closed:
            return
        self._closed = True
        self._avatar_leaves()
        for kept in self._kept.values():
            kept.timer.cancel()
        self._kept.clear()
        for identity in self.members:
            self._dismiss(identity, self.room_over)

    async def leave(self) -> None:
        """The avatar leaves; the others stay."""
        self._avatar_leaves()

    async def fault(self, name: str, **options: Any) -> None:
        """Makes something go wrong now (see the class)."""
        loop = asyncio.get_running_loop()
        if name == "drop_socket":
            self._unreachable_until = loop.time() + float(options.get("refuse_for", 0))
            for member in list(self._members.values()):
                member.abort()
        elif name == "refuse_joins":
            self._refuse_joins = options["code"]
        elif name == "hang":
            self._hang = True
        elif name == "silence":
            self._silent_until = loop.time() + float(options["seconds"])
        elif name == "refuse_sends":
            self._refuse_sends += [int(options["code"])] * int(options.get("times", 1))
        elif name == "stranger":
            who = str(options.get("identity", "4711"))
            self._notify({"event": "user_joined", "identity": who})
            self._relay(bytes(options["packet"]), who)
        elif name == "avatar_leaves":
            self._avatar_leaves()
        elif name == "avatar_returns":
            self._avatar_here = True
            self._notify({"event": "user_joined", "identity": self.avatar})
        elif name == "disconnect":
            for identity in self.members:
                self._dismiss(identity, options["code"])
        else:
            await super().fault(name, **options)

    @property
    def _silent(self) -> bool:
        return asyncio.get_running_loop().time() < self._silent_until

    def _open(self, channel: str, avatar: str) -> None:
        """The subclass's `open` names the room and the avatar in it."""
        self.channel, self.avatar, self._avatar_here = channel, avatar, True

    def _dismiss(self, identity: str, code: int | str) -> None:
        self._members[identity].dismiss({"event": "disconnected", "code": code})

    def _avatar_leaves(self) -> None:
        if self._avatar_here:
            self._avatar_here = False
            self._notify({"event": "user_left", "identity": self.avatar})

    def _enter(self, member: Member) -> None:
        kept = self._kept.pop(member.identity, None)
        if kept is not None:
            kept.timer.cancel()
        before = self._members.get(member.identity)
        if before is not None:
            self._dismiss(member.identity, self.same_identity)
        others = [*([self.avatar] if self._avatar_here else []), *self._members]
        self._members[member.identity] = member
        member.tell(
            {"event": "joined", "members": [who for who in others if who != member.identity]}
        )
        if kept is None and before is None:
            self._notify({"event": "user_joined", "identity": member.identity}, but=member)
            self.events.joined(member.identity)

    async def _read(self, member: Member, ws: web.WebSocketResponse) -> None:
        async for message in ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                member.tell({"ack": self._judge(member, message.data)})
            elif message.type is aiohttp.WSMsgType.TEXT:
                order = _object(message.data)
                if order.get("do") == "leave":
                    member.dismiss()
                    break
                self.control(member, order)

    def _judge(self, member: Member, frame: bytes) -> int:
        """Takes or refuses a member's packet; the code that it is answered with."""
        code = self._verdict(member, frame)
        if code:
            self.refused[code] += 1
            return code
        at, command = STAMP.unpack_from(frame)
        packet = frame[STAMP.size :]
        member.sent_at = at
        member.window.add(len(packet), at)
        member.upward.carry(lambda: self._arrive(packet, member.identity, command))
        return 0

    def _verdict(self, member: Member, frame: bytes) -> int:
        rules = self.rules
        if self._refuse_sends:
            return self._refuse_sends.pop(0)
        if not member.can_send or self._members.get(member.identity) is not member:
            return self.not_allowed
        if len(frame) <= STAMP.size:
            return rules.bad_argument
        at, command = STAMP.unpack_from(frame)
        size = len(frame) - STAMP.size
        if not member.sent_at <= at < float("inf"):  # a clock that runs backwards, or isn't one
            return rules.bad_argument
        if code := self.check_command(command):
            return code
        if size > rules.max_bytes:
            return rules.too_large
        over = member.window.over(size, at)
        if over is not None:
            return rules.too_many_bytes if over == "bytes" else rules.too_many_packets
        return 0

    def _arrive(self, packet: bytes, sender: str, command: int) -> None:
        if self._silent:
            return
        if self._avatar_here and command == self.command:
            self.events.packet(packet, sender)
        self._relay(packet, sender, command)

    def _relay(self, packet: bytes, sender: str, command: int | None = None) -> None:
        name = sender.encode()
        frame = SENDER.pack(self.command if command is None else command, len(name)) + name + packet
        for member in self._members.values():
            if member.identity != sender:
                member.downward.carry(functools.partial(member.give, frame))

    def _leave(self, member: Member) -> None:
        member.close()
        if self._members.get(member.identity) is not member:
            return  # thrown out by its double, which has its place now
        del self._members[member.identity]
        if member.left or self._closed:
            self._gone(member.identity)
            return
        timer = asyncio.get_running_loop().call_later(LINGER, self._gone, member.identity)
        self._kept[member.identity] = _Kept(timer, member.proof)

    def _gone(self, identity: str) -> None:
        self._kept.pop(identity, None)
        self._notify({"event": "user_left", "identity": identity})
        self.events.left(identity)

    def _notify(self, notice: Mapping[str, Any], *, but: Member | None = None) -> None:
        for member in self._members.values():
            if member is not but:
                member.tell(notice)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The place of a member whose connection broke."""

    timer: asyncio.TimerHandle
    proof: str = field(repr=False)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


async def _first_frame(ws: web.WebSocketResponse) -> dict[str, Any]:
    """What a new connection wants to join; empty where it doesn't say so in time."""
    with contextlib.suppress(TimeoutError, TypeError):  # TypeError: no text frame
        async with asyncio.timeout(HELLO_TIMEOUT):
            return _object(await ws.receive_str())
    return {}


def _abort(transport: asyncio.BaseTransport | None) -> None:
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
