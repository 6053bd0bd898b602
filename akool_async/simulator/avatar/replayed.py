"""An avatar that plays its side of a captured session again."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from akool_async.simulator.avatar.avatar import SimulatedAvatar
from akool_async.simulator.avatar.dialect import Command, Dialect, Heard, Question
from akool_async.simulator.avatar.dialect_v2 import DialectV2
from akool_async.simulator.avatar.dialect_v3 import DialectV3
from akool_async.simulator.avatar.settings import AvatarSettings
from akool_async.simulator.behavior import ServiceBehavior
from akool_async.simulator.capture import (
    Capture,
    CapturedPacket,
    json_object,
    v3_payload,
    written_payload,
)
from akool_async.simulator.rooms.room import SimRoom

__all__ = ["ReplayedAvatar", "new_avatar"]


@dataclass(slots=True)
class _Step:
    """One thing that the client sent, and what it then received. The first step has none."""

    sent: Question | Command | None
    at: float
    received: list[CapturedPacket] = field(default_factory=list)


class ReplayedAvatar(SimulatedAvatar):
    """Sends what the captured avatar sent once the client has sent what it then had sent.

    Compared are questions, `interrupt` and `set-action`, in their order: of a question its text,
    where the capture has texts, and in the chat room its mode. What differs is noted in
    `differences`, and the capture goes on. `set-params` is answered and not compared: the client
    sends it by itself, too. Where the capture has the client's `mid`, the packet gets the new one.

    Attributes:
        differences: what the client sent otherwise, as text.
    """

    def __init__(self, *args: Any, capture: Capture, speed: float | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.differences: list[str] = []
        self._capture = capture
        self._speed = speed
        self._steps = [_Step(None, 0.0)]
        self._place = 1
        self._mids: dict[str, str] = {}
        self._to_play: asyncio.Queue[_Step] = asyncio.Queue()
        self._read_capture()

    def start(self, room: SimRoom, dialect: Dialect) -> None:
        """As `SimulatedAvatar.start`."""
        super().start(room, dialect)
        self._spawn(self._replay(), "replays")

    @property
    def remaining(self) -> list[str]:
        """What the client hasn't sent yet, as text."""
        return [self._described(step.sent) for step in self._steps[self._place :] if step.sent]

    def _described(self, sent: Question | Command) -> str:
        """For comparison, and for a person; where the capture has no texts, without them."""
        if isinstance(sent, Command):
            return f"command {sent.cmd} {json.dumps(sent.data, sort_keys=True)}"
        mode = sent.fields.get("mode_type", 1) if sent.fields else None
        said = repr(sent.text) if self._capture.texts else "(its text wasn't captured)"
        return f"chat {said}" if mode is None else f"chat in mode {mode} {said}"

    def _read_capture(self) -> None:
        reader = _reader(self._capture, self._behavior)
        for packet in self._capture.packets:
            if packet.direction == "received":
                if not _answers_params(packet.data):
                    self._steps[-1].received.append(packet)
                continue
            for heard in reader.read(packet.data, packet.at):
                if _is_compared(heard):
                    assert isinstance(heard, (Question, Command))
                    self._steps.append(_Step(heard, packet.at))

    async def _welcome(self) -> None:
        if not self._video.is_set():
            self._publish()
        self._to_play.put_nowait(self._steps[0])

    async def _understand(self, heard: Heard) -> None:
        if not _is_compared(heard):
            if isinstance(heard, Command):
                await super()._understand(heard)
            return
        assert isinstance(heard, (Question, Command))
        if self._place >= len(self._steps):
            self.differences.append(f"sent beyond the capture: {self._described(heard)}")
            return
        step = self._steps[self._place]
        self._place += 1
        assert step.sent is not None
        if self._described(step.sent) != self._described(heard):
            self.differences.append(
                f"step {self._place - 1}\n  captured: {self._described(step.sent)}\n"
                f"  sent:     {self._described(heard)}"
            )
        if step.sent.mid is not None and heard.mid is not None:
            self._mids[step.sent.mid] = heard.mid
        self._to_play.put_nowait(step)

    async def _replay(self) -> None:
        """Plays one step after another; what the client sends is read meanwhile."""
        while True:
            step = await self._to_play.get()
            before = step.at
            for packet in step.received:
                if self._speed is not None:
                    await self._settings.clock.sleep((packet.at - before) / self._speed)
                before = packet.at
                await self._send(self._renamed(packet.data))

    def _renamed(self, data: bytes) -> bytes:
        """The packet with this session's ids for the captured ones."""
        try:
            message = json.loads(data)
            if isinstance(self._dialect, DialectV3):
                payload, encoded = v3_payload(message["payload"])
                if payload is not None:
                    mid = payload["message_id"]
                    payload["message_id"] = self._mids.get(mid, mid)
                    message["payload"] = written_payload(payload, encoded=encoded)
                message |= {"from": self._dialect.own_id, "to": self._dialect.peer_id}
            else:
                message["mid"] = self._mids.get(message["mid"], message["mid"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return data  # no message: sent as it is
        return json.dumps(message, separators=(",", ":")).encode()


def new_avatar(session_id: str, settings: AvatarSettings, **options: Any) -> SimulatedAvatar:
    """A session's avatar: one that answers, or one that plays `settings.capture` again."""
    if settings.capture is None:
        return SimulatedAvatar(session_id, settings, **options)
    return ReplayedAvatar(
        session_id, settings, capture=settings.capture, speed=settings.speed, **options
    )


def _reader(capture: Capture, behavior: ServiceBehavior) -> Dialect:
    if capture.dialect == "v2":
        return DialectV2(behavior)
    sent = [json_object(packet.data) for packet in capture.packets if packet.direction == "sent"]
    first: dict[str, Any] = next(filter(None, sent), {})
    return DialectV3(behavior, own_id=str(first.get("to", "")), peer_id="")


def _is_compared(heard: Heard) -> bool:
    return isinstance(heard, Question) or (isinstance(heard, Command) and heard.cmd != "set-params")


def _answers_params(data: bytes) -> bool:
    payload = (json_object(data) or {}).get("pld")
    return isinstance(payload, dict) and payload.get("cmd") == "set-params"
