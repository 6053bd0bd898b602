"""Version 2 of the stream messages, as the avatar's side has it (docs/protocol.md §2)."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any, Final

from akool_async.simulator import checks
from akool_async.simulator.avatar.dialect import (
    Command,
    Dialect,
    Heard,
    Ignored,
    PartOfQuestion,
    Question,
)
from akool_async.simulator.behavior import ServiceBehavior
from akool_async.simulator.voice_checks import check_vparams

__all__ = ["DialectV2"]

#: Chat messages being joined at once; a further one pushes out the oldest.
_MOST_OPEN: Final = 64
#: A packet that comes again within this time was doubled on its way; later it was sent again,
#: and the avatar says it again.
_DOUBLED_WITHIN: Final = 1.0

_ACTIONS: Final = (
    "hand_wave",
    "cheer",
    "thumbs_up",
    "pump_fists",
    "nod",
    "shake",
    "waft_left",
    "waft_right",
)
_EXPRESSIONS: Final = (
    "angry",
    "disgust",
    "fear",
    "happiness",
    "sadness",
    "surprise",
    "contempt",
)


class _Parts:
    """The parts of one chat message so far."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self.last: int | None = None
        self.handed_on = 0

    def take_ready(self) -> str:
        """The text that is next in order and wasn't taken before."""
        ready = []
        while self.handed_on in self.texts and not self.whole:
            ready.append(self.texts[self.handed_on])
            self.handed_on += 1
        return "".join(ready)

    @property
    def whole(self) -> bool:
        return self.last is not None and self.handed_on > self.last

    def text(self) -> str:
        assert self.last is not None
        return "".join(self.texts[idx] for idx in range(self.last + 1))


class DialectV2(Dialect):
    """Joins parts by `mid`, checks commands, writes chats, events and answers."""

    def __init__(self, behavior: ServiceBehavior) -> None:
        super().__init__(behavior)
        self._open: OrderedDict[str, _Parts] = OrderedDict()
        self._recent: OrderedDict[bytes, float] = OrderedDict()

    def read(self, packet: bytes, now: float) -> list[Heard]:
        """See `Dialect.read`."""
        try:
            message = json.loads(packet.decode())
        except (ValueError, RecursionError):
            return [Ignored("not JSON")]
        if not isinstance(message, dict) or message.get("v") != 2 or message["v"] is True:
            return [Ignored("not version 2")]
        payload = message.get("pld")
        if not isinstance(payload, dict):
            return [Ignored("pld is not an object")]
        kind = message.get("type")
        if kind == "command":
            return [self._command(message.get("mid"), payload)]
        if kind == "chat":
            return self._chat(packet, message, payload, now)
        return [Ignored("unknown type")]

    # -- chat

    def _chat(
        self, packet: bytes, message: dict[str, Any], payload: dict[str, Any], now: float
    ) -> list[Heard]:
        mid, idx = message.get("mid"), message.get("idx")
        # Some vendors' code has it inside `pld` (docs/protocol.md §2).
        fin = message.get("fin", payload.get("fin"))
        words = payload.get("text")
        if not isinstance(mid, str) or not mid:
            return [Ignored("a chat without mid")]
        if not isinstance(idx, int) or isinstance(idx, bool) or idx < 0:
            return [Ignored("a chat without idx")]
        if not isinstance(fin, bool):
            return [Ignored("a chat without fin")]
        if not isinstance(words, str):
            return [Ignored("a chat without text")]
        if self._doubled(packet, now):
            return [Ignored("doubled")]
        parts = self._open.get(mid)
        if parts is None:
            parts = self._open[mid] = _Parts()
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        parts.texts.setdefault(idx, words)
        if fin:
            parts.last = idx
        heard: list[Heard] = []
        ready = parts.take_ready()
        if ready or parts.whole:
            heard.append(PartOfQuestion(mid, ready, last=parts.whole))
        if parts.whole:
            del self._open[mid]
            heard.append(Question(mid, parts.text()))
        return heard

    def _doubled(self, packet: bytes, now: float) -> bool:
        recent = self._recent
        while recent and now - next(iter(recent.values())) > _DOUBLED_WITHIN:
            recent.popitem(last=False)
        if packet in recent:
            return True
        recent[packet] = now
        return False

    def chat(self, mid: str, idx: int, text: str, *, last: bool, question: Question) -> bytes:
        """See `Dialect.chat`."""
        del question
        return self._chat_part(mid, idx, "bot", text, last=last)

    def heard_user(self, mid: str, text: str) -> bytes:
        """See `Dialect.heard_user`."""
        return self._chat_part(mid, 0, "user", text, last=True)

    def needs_closing_part(self) -> bool:
        """See `Dialect.needs_closing_part`."""
        return self.behavior.fin != "missing"

    def _chat_part(self, mid: str, idx: int, sender: str, text: str, *, last: bool) -> bytes:
        payload: dict[str, Any] = {"from": sender, "text": text}
        message: dict[str, Any] = {"v": 2, "type": "chat", "mid": mid, "idx": idx}
        style = self.behavior.fin
        if style == "every" or (style == "only_last" and last):
            (payload if self.behavior.fin_place == "pld" else message)["fin"] = last
        return _dump(message | {"pld": payload})

    # -- events and commands

    def audio(self, event: str, mid: str) -> bytes | None:
        """See `Dialect.audio`."""
        if not self.behavior.audio_events:
            return None
        return _dump({"v": 2, "type": "event", "mid": mid, "pld": {"event": event}})

    def answer(self, command: Command) -> bytes:
        """See `Dialect.answer`."""
        message: dict[str, Any] = {"v": 2, "type": self.behavior.command_type}
        if command.mid is not None and self.behavior.answer_mid:
            message["mid"] = command.mid
        payload = {"cmd": command.cmd, "code": command.code, "msg": command.message}
        return _dump(message | {"pld": payload})

    def _command(self, mid: Any, payload: dict[str, Any]) -> Heard:
        """The vendor's own snippets leave `mid` out: then the answer has none either."""
        cmd = payload.get("cmd")
        if not isinstance(cmd, str) or (mid is not None and not (isinstance(mid, str) and mid)):
            return Ignored("a command without cmd, or with a wrong mid")
        try:
            if cmd == "set-params":
                data = _data(payload)
                _check_params(data)
            elif cmd == "set-action":
                data = _data(payload)
                _check_action(data)
            elif cmd == "interrupt":
                data = {}
            else:
                raise checks.Refusal(1003, f"unknown command {cmd[:40]}")
        except checks.Refusal as refusal:
            return Command(cmd, mid, {}, refusal.code, refusal.message)
        return Command(cmd, mid, data)


def _data(payload: dict[str, Any]) -> dict[str, Any]:
    data = payload.get("data")
    if not isinstance(data, dict):
        raise checks.Refusal(1003, "data must be an object")
    return checks.without_empty(data)


def _check_params(data: dict[str, Any]) -> None:
    checks.text(data, "vid")
    checks.link(data, "vurl")
    checks.language(data, "lang")
    checks.choice(data, "mode", (1, 2))
    checks.link(data, "bgurl")
    vparams = checks.section(data, "vparams")
    if vparams is not None:
        check_vparams(vparams)


def _check_action(data: dict[str, Any]) -> None:
    checks.choice(data, "action", _ACTIONS)
    checks.choice(data, "expression", _EXPRESSIONS)
    if "action" not in data and "expression" not in data:
        raise checks.Refusal(1003, "action and expression can not both be empty")


def _dump(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
