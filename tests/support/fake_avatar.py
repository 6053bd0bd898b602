"""An avatar at its end of an in-memory room. It writes and reads plain JSON, not with the codec."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.testing.waiting import until

__all__ = ["FakeAvatar"]


class FakeAvatar:
    """Answers commands, and leaves chat messages to `on_chat(mid, text)`.

    Attributes:
        commands: every command that arrived, whole.
        chats: mid and text of every chat message that arrived completely.
        answers_commands: whether commands get an answer of code 1000.
        on_chat: called with each complete chat message.
        on_command: called with each command before it is answered.
    """

    def __init__(self, pair: InMemoryRoom) -> None:
        self.pair = pair
        self.answers_commands = True
        self.commands: list[dict[str, Any]] = []
        self.chats: list[tuple[str, str]] = []
        self.on_chat: Callable[[str, str], None] | None = None
        self.on_command: Callable[[str], None] | None = None
        self._parts: dict[str, list[str]] = {}
        pair.on_packet = self._packet

    def _packet(self, packet: bytes) -> None:
        message = json.loads(packet)
        mid, pld = message["mid"], message["pld"]
        if message["type"] == "command":
            self.commands.append(message)
            if self.on_command is not None:
                self.on_command(pld["cmd"])
            if self.answers_commands:
                self.answer(mid, pld["cmd"])
            return
        parts = self._parts.setdefault(mid, [])
        parts.append(pld["text"])
        if message["fin"]:
            text = "".join(self._parts.pop(mid))
            self.chats.append((mid, text))
            if self.on_chat is not None:
                self.on_chat(mid, text)

    def send(self, **message: Any) -> None:
        """Sends a message of version 2."""
        self.pair.send(json.dumps({"v": 2, **message}).encode())

    def answer(self, mid: str, cmd: str, code: int = 1000, msg: str = "OK") -> None:
        """Answers a command."""
        self.send(type="command", mid=mid, pld={"cmd": cmd, "code": code, "msg": msg})

    def part(
        self, mid: str, idx: int, text: str, fin: bool | None = False, sender: str = "bot"
    ) -> None:
        """Sends one part of a chat message; `fin=None`: without that field."""
        marks = {} if fin is None else {"fin": fin}
        self.send(type="chat", mid=mid, idx=idx, **marks, pld={"from": sender, "text": text})

    def reply(self, mid: str, *pieces: str, sender: str = "bot") -> None:
        """Sends a whole chat message."""
        for idx, piece in enumerate(pieces):
            self.part(mid, idx, piece, idx == len(pieces) - 1, sender)

    def event(self, name: str, mid: str = "") -> None:
        """Sends an event, for example `audio_end`."""
        self.send(type="event", mid=mid, pld={"event": name})

    def speaks_chats(self) -> None:
        """Makes it say every chat message as it is, as an avatar in retelling mode does."""

        def on_chat(mid: str, text: str) -> None:
            self.event("audio_start", mid)
            self.reply(mid, text)
            self.event("audio_end", mid)

        self.on_chat = on_chat

    def chat_modes(self) -> list[int]:
        """The mode in which each packet of chat was heard, in their order; 0: not known."""
        mode, found = 0, []
        for packet in self.pair.packets:
            message = json.loads(packet)
            if message["type"] == "chat":
                found.append(mode)
            elif message["pld"]["cmd"] == "set-params":
                mode = message["pld"]["data"].get("mode", mode)
        return found

    def named(self, cmd: str) -> list[dict[str, Any]]:
        """The commands of that name."""
        return [c for c in self.commands if c["pld"]["cmd"] == cmd]

    def forget_parts(self) -> None:
        """Forgets what arrived of messages that aren't complete."""
        self._parts.clear()

    until = staticmethod(until)
