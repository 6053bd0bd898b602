"""What a packet of the avatar says, and in which form: also what the codec rightly hides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from akool_async.simulator.capture import json_object, v3_payload

__all__ = ["Kind", "Seen", "halved", "read_packet"]

Kind = Literal["bot", "user", "answer", "audio_start", "audio_end", "change", "other"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One packet, or one change of the connection.

    Attributes:
        at: when, in seconds of the event loop's clock.
        kind: "bot" and "user": a part of a text; "answer": of a command; "audio_start" and
            "audio_end"; "change": of the connection; "other": not understood.
        mid: as it was sent; "" where there was none.
        text: of a part; of an answer, the command; of a change, its state.
        fin: as it was sent, "" where there was none.
        fin_place: where `fin` was: "top" or "pld".
        form: the `type` of a command's answer.
        code: of a command's answer.
        anonymous: a text without `from`.
        encoded: (v3) the payload was base64.
    """

    at: float
    kind: Kind
    mid: str = ""
    text: str = field(default="", repr=False)
    fin: bool | None = None
    fin_place: Literal["top", "pld"] | None = None
    form: str = ""
    code: int | None = None
    anonymous: bool = False
    encoded: bool = False


def halved(text: str) -> bool:
    """Whether a surrogate pair was cut in two."""
    return any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def read_packet(data: bytes, at: float, dialect: Literal["v2", "v3"]) -> Seen:
    """Reads a packet; what isn't understood is of the kind "other"."""
    message = json_object(data)
    if message is None:
        return Seen(at, "other")
    return _read_v3(message, at) if dialect == "v3" else _read_v2(message, at)


def _read_v2(message: dict[str, Any], at: float) -> Seen:
    payload = message.get("pld")
    mid = message.get("mid")
    mid = mid if isinstance(mid, str) else ""
    if message.get("v") != 2 or not isinstance(payload, dict):
        return Seen(at, "other")
    kind = message.get("type")
    if kind == "chat" and isinstance(payload.get("text"), str):
        top = isinstance(message.get("fin"), bool)
        inside = isinstance(payload.get("fin"), bool)
        sender = payload.get("from")
        return Seen(
            at,
            "user" if sender == "user" else "bot",
            mid,
            payload["text"],
            fin=message["fin"] if top else payload["fin"] if inside else None,
            fin_place="top" if top else "pld" if inside else None,
            anonymous=sender not in ("user", "bot"),
        )
    event = payload.get("event")
    if kind == "event" and event in ("audio_start", "audio_end"):
        return Seen(at, event, mid)
    if kind in ("command", "cmd") and "code" in payload:
        code = payload["code"]
        return Seen(
            at,
            "answer",
            mid,
            str(payload.get("cmd", "")),
            form=kind,
            code=code if isinstance(code, int) else None,
        )
    return Seen(at, "other")


def _read_v3(message: dict[str, Any], at: float) -> Seen:
    payload, encoded = v3_payload(message.get("payload"))
    if payload is None or not isinstance(payload.get("answer"), str):
        return Seen(at, "other")
    mid = payload.get("message_id")
    return Seen(at, "bot", mid if isinstance(mid, str) else "", payload["answer"], encoded=encoded)
