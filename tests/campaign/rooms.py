"""Malformed bytes and strangers where each kind of room takes them in.

Over Agora's adapter a whole session gets them, and answers a question afterwards; LiveKit's adapter
must pass on what the avatar sent, in order, and nothing else; the chat room's a real websocket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from itertools import islice
from types import SimpleNamespace
from typing import Any, Final, cast

from akool_agora import AgoraTransport
from akool_chatroom import ChatRoomTransport
from akool_livekit.participants import ParticipantTracker
from akool_livekit.sender_filter import SenderFilter
from fake_engine import FakeEngine
from findings import Report, Violation
from fuzz_codec import Packets
from livekit import rtc
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve

from akool_async import AvatarSession, ConversationOptions, SessionInfo
from akool_async.errors import AkoolError, DisconnectedError
from akool_async.events import UserSpoke
from akool_async.models.credentials import AgoraCredentials, ChatRoomCredentials
from akool_async.transport import Inbox, JoinTarget, TransportStats

__all__ = ["agora", "chatroom", "livekit"]

AVATAR: Final = "9"
STRANGERS: Final = ("7", "", "no number", "\N{GRINNING FACE}")
#: Frames of one connection, and seconds for it.
FRAMES: Final = 30
LIMIT: Final = 30.0


def _violation(what: str, seed: int, *steps: str) -> Violation:
    return Violation(what, f"malformed --seed {seed} --once", steps)


class _Answering(FakeEngine):
    """Answers what is sent; before each answer, a stranger gives one of its own."""

    async def send(self, packet: bytes) -> None:
        await super().send(packet)
        message = json.loads(packet)
        mid, pld = message["mid"], message["pld"]
        if message["type"] == "command":
            self._say(AVATAR, "command", mid, pld={"cmd": pld["cmd"], "code": 1000, "msg": "OK"})
        elif message["fin"]:
            for sender, text in (("7", "A stranger's."), (AVATAR, "The avatar's.")):
                self._say(sender, "chat", mid, idx=0, fin=True, pld={"from": "bot", "text": text})

    def _say(self, sender: str, kind: str, mid: str, **rest: Any) -> None:
        self.events.packet(json.dumps({"v": 2, "type": kind, "mid": mid, **rest}).encode(), sender)


async def agora(seed: int, report: Report, chunk: int) -> None:
    """A session that gets anything, of its avatar and of strangers, and then asks."""
    dice = random.Random(seed)
    engine = _Answering()
    credentials = AgoraCredentials(
        agora_uid=1, agora_channel="c", agora_token=SecretStr("t0ken"), agora_app_id="a"
    )
    transport = AgoraTransport(JoinTarget(credentials), {"engine": engine})
    try:
        options = ConversationOptions(opening_timeout=LIMIT)
        async with AvatarSession(transport, info=SessionInfo(mode=2), options=options) as session:
            for number, packet in enumerate(islice(Packets("v2", dice), chunk)):
                sender = AVATAR if dice.random() < 0.7 else dice.choice(STRANGERS)
                engine.events.packet(packet, sender)
                if number % 50 == 0:
                    await asyncio.sleep(0)
            await _heard_all(session, engine)
            reply = await session.ask("Are you there?", timeout=LIMIT)
            if reply.text != "The avatar's.":
                report.violations.append(_violation(f"a stranger answered: {reply!r}", seed))
    except Exception as error:  # noqa: BLE001 - any is a violation: the room is whole
        report.violations.append(_violation(f"the session ended with {error!r}", seed))
    report.counts["Agora packets"] += chunk


async def _heard_all(session: AvatarSession, engine: FakeEngine) -> None:
    """Until what was sent is behind: an answer that begins after a question may be its answer."""
    heard = session.events(UserSpoke)
    pld = {"from": "user", "text": "The end."}
    packet = {"v": 2, "type": "chat", "mid": "the-end", "idx": 0, "fin": True, "pld": pld}
    engine.events.packet(json.dumps(packet).encode(), AVATAR)
    async with asyncio.timeout(LIMIT):
        async for event in heard:
            if event.mid == "the-end":
                return


class _Room:
    """As much of LiveKit's `rtc.Room` as its adapter listens to."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}
        self.remote_participants: dict[str, Any] = {}

    def on(self, event: str, handler: Any) -> None:
        self.handlers[event] = handler

    def comes(self, identity: str) -> None:
        if identity not in self.remote_participants:
            state = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
            who = SimpleNamespace(
                identity=identity, name=identity, sid=f"PA_{identity}", state=state
            )
            who.track_publications = {}
            self.remote_participants[identity] = who
            self.handlers["participant_connected"](who)

    def goes(self, identity: str) -> None:
        if identity in self.remote_participants:
            self.handlers["participant_disconnected"](self.remote_participants.pop(identity))

    def data(self, packet: bytes, sender: str | None, topic: str) -> None:
        participant = None if sender is None else self.remote_participants.get(sender)
        self.handlers["data_received"](
            SimpleNamespace(data=packet, participant=participant, topic=topic)
        )


async def livekit(seed: int, report: Report, chunk: int) -> None:
    """What LiveKit's adapter takes from a room full of strangers who come and go."""
    dice = random.Random(seed)
    stats = TransportStats()
    inbox = Inbox(stats, max_packets=chunk + 1)
    tracker = ParticipantTracker(SenderFilter(AVATAR, own_room=True), inbox, stats)
    room = _Room()
    tracker.listen(cast("rtc.Room", room))
    room.comes(AVATAR)
    tracker.connected = True
    expected: list[bytes] = []
    try:
        for packet in islice(Packets("v2", dice), chunk):
            what = dice.random()
            stranger = dice.choice(STRANGERS)
            if what < 0.05:
                (room.comes if dice.random() < 0.5 else room.goes)(stranger)
            elif what < 0.6:
                topic = dice.choice(("", "", "", "lk.chat", "\0"))
                room.data(packet, AVATAR, topic)
                expected += [] if topic else [packet]
            else:
                room.comes(stranger)
                room.data(packet, stranger, dice.choice(("", "lk.chat")))
    except Exception as error:  # noqa: BLE001 - any is a violation
        report.violations.append(_violation(f"LiveKit's adapter raised {error!r}", seed))
    finally:
        tracker.stop()
    inbox.finish(DisconnectedError("over", reason="closed"))
    got: list[bytes] = []
    with contextlib.suppress(DisconnectedError):
        while True:
            item = await inbox.get()
            got += [item] if isinstance(item, bytes) else []
    if got != expected:
        text = f"of {len(expected)} packets of the avatar, {len(got)} came, not the same"
        report.violations.append(_violation(text, seed))
    report.counts["LiveKit packets"] += chunk


async def chatroom(seed: int, report: Report, connections: int) -> None:
    """Frames and bytes of any kind over real websockets."""
    dice = random.Random(seed)
    source = iter(Packets("v3", dice))

    async def speak(connection: ServerConnection) -> None:
        for _ in range(FRAMES):
            packet, what = next(source), dice.random()
            if what < 0.6:
                await connection.send(packet.decode("utf-8", "replace"))
            elif what < 0.9:
                await connection.send(packet[:1000])
            else:
                connection.transport.write(dice.randbytes(dice.randrange(1, 40)))

    async with serve(speak, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        credentials = ChatRoomCredentials(
            client_chat_room_url=SecretStr(f"ws://127.0.0.1:{port}/final_1/client.chat"),
            client_id="client",
            server_id="server",
        )
        for number in range(connections):
            transport = ChatRoomTransport(JoinTarget(credentials), {"reconnect_timeout": 0})
            try:
                async with asyncio.timeout(LIMIT):
                    await transport.connect(timeout=LIMIT)
                    while True:
                        await transport.receive()
            except AkoolError:
                report.counts["websockets ended"] += 1
            except Exception as error:  # noqa: BLE001 - any is a violation
                report.violations.append(
                    _violation(f"the chat room raised {error!r}", seed, f"connection {number}")
                )
            finally:
                await transport.close(timeout=1.0)
            report.counts["websocket frames"] += FRAMES
