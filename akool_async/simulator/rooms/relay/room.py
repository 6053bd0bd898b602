"""Agora's and TRTC's rooms on the simulator's own port: a websocket relay with a vendor's rules.

Neither vendor's server can be run here. A loopback room takes its place: members join over
`GET /loopback/<kind>`, and whatever the vendor would refuse (docs/protocol.md §2 "Limits") is
refused with the vendor's code. What goes over the websocket:
`akool_async.transport.engines.relay_wire`.

A member whose connection breaks keeps its place for `LINGER` seconds and may come back to it;
packets meanwhile are lost.
"""

from __future__ import annotations

import abc
import asyncio
import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

import aiohttp
from aiohttp import web

from akool_async.simulator.rooms.relay.faults import RelayFaults
from akool_async.simulator.rooms.relay.joining import Refused, first_frame
from akool_async.simulator.rooms.relay.limits import RateWindow, SendRules
from akool_async.simulator.rooms.relay.member import Member
from akool_async.simulator.rooms.room import (
    MEDIA_KINDS,
    MakeFault,
    RoomDirectory,
    RoomEvents,
    RoomRequest,
    SimRoom,
)
from akool_async.transport.engines import relay_wire

if TYPE_CHECKING:
    from akool_async.simulator.rooms.relay.media import RelayMedia

__all__ = ["RelayRoom"]

#: Seconds that a place is kept for a member whose connection broke.
LINGER: Final = 20.0


class RelayRoom(SimRoom):
    """A room with the avatar in it and any number of members; one subclass per vendor.

    Faults: `drop_socket` (every connection breaks; `refuse_for=seconds` keeps them from
    coming back), `refuse_joins` (`code`), `hang` (joins get no answer), `refuse_sends` (`code`,
    `times`), `silence` (`seconds`: packets are taken and never delivered, either way), `stranger`
    (`packet`, `identity`: another participant sends), `avatar_leaves`, `avatar_returns`,
    `avatar_publishes` (`on=False`: no more), `disconnect` (`code`: the vendor throws all members
    out), and the subclass's own. With media on also `freeze_video`, `mute` (both `on=False`),
    `unpublish`, `republish` (these with a `kind`).

    Attributes:
        refused: how many packets were refused, by code.
    """

    carries_media = True

    path: ClassVar[str]
    rules: ClassVar[SendRules]
    #: Whether the vendor's channel hides loss, doubling and disorder.
    reliable: ClassVar[bool]
    #: The command id that the avatar sends with and listens to.
    command: ClassVar[int] = 0
    #: The codes a member gets: its identity joined again elsewhere; the room is over; a send
    #: outside a room or without the right to; a room that isn't there.
    same_identity: ClassVar[int | str]
    room_over: ClassVar[int | str]
    not_allowed: ClassVar[int]
    no_such_room: ClassVar[int | str]

    def __init__(self, request: RoomRequest, events: RoomEvents) -> None:
        super().__init__(request, events)
        self.channel = ""
        self.avatar = ""
        self.refused: Counter[int] = Counter()
        self._avatar_here = False
        #: Whether the avatar publishes audio and video; `None`: nothing is said about it.
        self._publishing: bool | None = None
        self._members: dict[str, Member] = {}
        self._kept: dict[str, _Kept] = {}
        self._window = RateWindow(self.rules)
        self._sending = asyncio.Lock()
        self._closed = False
        self._faults = RelayFaults()
        self._tracks: RelayMedia | None = None

    @property
    def members(self) -> frozenset[str]:
        """Who is connected now, without the avatar."""
        return frozenset(self._members)

    @classmethod
    def routes(cls, rooms: RoomDirectory) -> Iterable[web.RouteDef]:
        """The websocket that members join over."""

        def room_of(form: Mapping[str, Any] | None) -> RelayRoom | None:
            for room in rooms.of_kind(cls.kind):
                if isinstance(room, cls) and form and room.channel == form.get("channel"):
                    return room
            return None

        async def join(request: web.Request) -> web.WebSocketResponse:
            ws = web.WebSocketResponse(max_msg_size=relay_wire.MAX_FRAME)
            await ws.prepare(request)
            form = await first_frame(ws)
            room = room_of(form)
            if room is not None:
                await room.serve(ws, request.transport, form)
                return ws
            await ws.send_json(Refused(cls.no_such_room, "no such room").to_dict())
            await ws.close()
            return ws

        async def stream(request: web.Request) -> web.WebSocketResponse:
            ws = web.WebSocketResponse(max_msg_size=relay_wire.MAX_MEDIA_FRAME)
            await ws.prepare(request)
            form = await first_frame(ws)
            room = room_of(form)
            if room is not None:
                await room.serve_stream(ws, request.transport, form)
            await ws.close()
            return ws

        return (web.get(cls.path, join), web.get(f"{cls.path}/media", stream))

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

    def control(self, member: Member, message: Mapping[str, Any]) -> None:
        """A text frame of a member that isn't `leave`."""
        del member, message

    async def serve(
        self,
        ws: web.WebSocketResponse,
        transport: asyncio.BaseTransport | None,
        form: Mapping[str, Any],
    ) -> None:
        """One member's stay, from its first frame to the end of its connection."""
        if self._faults.hangs:
            await ws.receive()  # returns when the other side gives up
            return
        identity, proof = str(form.get("identity", "")), str(form.get("credential", ""))
        kept = self._kept.get(identity)
        try:
            self._faults.check_join()
            if len(identity.encode()) > relay_wire.MAX_IDENTITY:
                raise Refused(self.no_such_room, "the identity is too long")
            can_send = self.admit(form, returning=kept is not None and kept.proof == proof)
        except Refused as refusal:
            await ws.send_json(refusal.to_dict())
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
        if self._faults.unreachable:
            member.abort()
            return
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

    async def serve_stream(
        self,
        ws: web.WebSocketResponse,
        transport: asyncio.BaseTransport | None,
        form: Mapping[str, Any],
    ) -> None:
        """A member's stream of audio or video, until its connection ends."""
        identity, proof = str(form.get("identity", "")), form.get("credential")
        member = self._members.get(identity)
        if member is None or proof not in (member.proof, member.joined_with):
            return
        if self._tracks is None:
            await ws.send_json(relay_wire.unsupported("this simulator's rooms carry packets only"))
            return
        of_avatar = form.get("of") == self.avatar
        await self._tracks.serve(ws, transport, identity, form, of_avatar)

    async def send(self, packet: bytes) -> None:
        """The avatar's packet, at the vendor's pace and to every member.

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
            if self._avatar_here and not self._faults.silent:
                self._relay(packet, self.avatar)

    async def close(self, reason: str) -> None:
        """The avatar leaves and every member is notified that the room is over."""
        del reason
        if self._closed:
            return
        self._closed = True
        self._avatar_leaves()
        if self._tracks is not None:
            await self._tracks.end()
        for kept in self._kept.values():
            kept.timer.cancel()
        self._kept.clear()
        self._disconnect(code=self.room_over)

    def publish(self, *, on: bool = True) -> None:
        """See `SimRoom.publish`."""
        self._publishing = on
        if self._tracks is not None:
            for kind in MEDIA_KINDS:
                if on:
                    self._tracks.publish(kind)
                else:
                    self._tracks.unpublish(kind)
        if self._avatar_here:
            event = "user_published" if on else "user_unpublished"
            self._notify({"event": event, "identity": self.avatar})

    async def leave(self) -> None:
        """The avatar leaves; the others stay."""
        self._avatar_leaves()

    @property
    def faults(self) -> Mapping[str, MakeFault]:
        """See the class."""
        faults: dict[str, MakeFault] = {
            "drop_socket": self._drop_socket,
            "refuse_joins": self._faults.refuse_joins,
            "hang": self._faults.hang,
            "refuse_sends": self._faults.refuse_sends,
            "silence": self._faults.silence,
            "stranger": self._stranger,
            "avatar_leaves": self._avatar_leaves,
            "avatar_returns": self._avatar_returns,
            "avatar_publishes": self.publish,
            "disconnect": self._disconnect,
        }
        if self._tracks is not None:
            faults |= {
                "freeze_video": self._tracks.media.feed.freeze,
                "mute": self._tracks.mute,
                "unpublish": self._tracks.unpublish,
                "republish": self._tracks.publish,
            }
        return faults

    def _drop_socket(self, *, refuse_for: float = 0) -> None:
        self._faults.keep_away(refuse_for)
        for member in list(self._members.values()):
            member.abort()
        if self._tracks is not None:
            self._tracks.drop()

    def _stranger(self, *, packet: bytes, identity: str = "4711") -> None:
        self._notify({"event": "user_joined", "identity": identity})
        self._relay(packet, identity)

    def _avatar_returns(self) -> None:
        self._avatar_here = True
        self._notify({"event": "user_joined", "identity": self.avatar})
        if self._publishing is not None:
            self.publish()
        elif self._tracks is not None:
            for kind in [*self._tracks.tracks]:
                self._tracks.publish(kind)
        self.events.renewed()

    def _disconnect(self, *, code: int | str) -> None:
        for identity in self.members:
            self._dismiss(identity, code)

    def _open(self, channel: str, avatar: str) -> None:
        """The subclass's `open` names the room and the avatar in it."""
        self.channel, self.avatar, self._avatar_here = channel, avatar, True
        if self.media is not None:
            # Needs numpy and PyAV, which a room of packets doesn't.
            from akool_async.simulator.rooms.relay.media import RelayMedia

            self._tracks = RelayMedia(self.media, self._tracks_changed)

    def _tracks_changed(self, tracks: list[dict[str, Any]]) -> None:
        if self._avatar_here:
            self._notify({"event": "tracks", "identity": self.avatar, "tracks": tracks})

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
            self.events.renewed()
        before = self._members.get(member.identity)
        if before is not None:
            self._dismiss(member.identity, self.same_identity)
        others = [*([self.avatar] if self._avatar_here else []), *self._members]
        self._members[member.identity] = member
        member.notify(
            relay_wire.joined(
                [who for who in others if who != member.identity],
                None
                if self._publishing is None
                else [self.avatar] * (self._publishing and self._avatar_here),
                None if self._tracks is None else {self.avatar: [*self._tracks.tracks.values()]},
            )
        )
        if kept is None and before is None:
            self._notify({"event": "user_joined", "identity": member.identity}, but=member)
            self.events.joined(member.identity)

    async def _read(self, member: Member, ws: web.WebSocketResponse) -> None:
        async for message in ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                member.notify({"ack": self._judge(member, message.data)})
            elif message.type is aiohttp.WSMsgType.TEXT:
                frame = relay_wire.read_object(message.data)
                if frame.get("do") == "leave":
                    member.dismiss()
                    break
                self.control(member, frame)

    def _judge(self, member: Member, frame: bytes) -> int:
        """Takes or refuses a member's packet; the code that it is answered with."""
        code = self._faults.next_send()
        if not code and self._members.get(member.identity) is not member:
            code = self.not_allowed
        code = code or member.take(
            frame, not_allowed=self.not_allowed, check_command=self.check_command
        )
        if code:
            self.refused[code] += 1
            return code
        sent = relay_wire.unpack_sent(frame)
        member.upward.carry(lambda: self._arrive(sent.payload, member.identity, sent.command))
        return 0

    def _arrive(self, packet: bytes, sender: str, command: int) -> None:
        if self._faults.silent:
            return
        if self._avatar_here and command == self.command:
            self.events.packet(packet, sender)
        self._relay(packet, sender, command)

    def _relay(self, packet: bytes, sender: str, command: int | None = None) -> None:
        frame = relay_wire.pack_relayed(
            self.command if command is None else command, sender, packet
        )
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
                member.notify(notice)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The place of a member whose connection broke."""

    timer: asyncio.TimerHandle
    proof: str = field(repr=False)
