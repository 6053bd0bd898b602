"""Sessions written down as JSON Lines, and read again for `Simulator.replay`.

The first line is `{"format": "akool-session", "version": 1, "dialect": "v2", "texts": true}`.
Every further line is one packet as the client saw it:

    {"at": 1.25, "direction": "sent" | "received", "packet": {…}}

`at` is in seconds since the capture began. A packet that isn't a JSON object has `"data"`, base64,
in place of `"packet"`. Secrets are replaced by `***`; without texts, so are all letters and digits
of what was said.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from akool_async.errors import InvalidParameterError
from akool_async.simulator.recording import redacted

__all__ = ["Capture", "CapturedPacket", "json_object", "v3_payload", "written_payload"]

_FORMAT: Final = "akool-session"
_VERSION: Final = 1
#: Fields that hold what people or the avatar said.
_TEXTS: Final = ("text", "question", "answer", "content")


@dataclass(frozen=True, slots=True)
class CapturedPacket:
    """One packet. `at`: seconds since the capture began."""

    at: float
    direction: Literal["sent", "received"]
    data: bytes = field(repr=False)


@dataclass(slots=True)
class Capture:
    """The packets of one session, in their order.

    Attributes:
        dialect: "v2", or "v3" for the legacy chat room.
        texts: what was said is in it; otherwise only its length.
    """

    dialect: Literal["v2", "v3"] = "v2"
    texts: bool = True
    packets: list[CapturedPacket] = field(default_factory=list)

    def add(self, at: float, direction: Literal["sent", "received"], data: bytes) -> None:
        """Adds a packet."""
        self.packets.append(CapturedPacket(at, direction, data))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes a file, without secrets."""
        head = {
            "format": _FORMAT,
            "version": _VERSION,
            "dialect": self.dialect,
            "texts": self.texts,
        }
        lines = [head, *(self._line(packet) for packet in self.packets)]
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        Path(path).write_text(text, encoding="ascii")

    def _line(self, packet: CapturedPacket) -> dict[str, Any]:
        line: dict[str, Any] = {"at": round(packet.at, 4), "direction": packet.direction}
        message = json_object(packet.data)
        if message is None:
            return line | {"data": base64.b64encode(packet.data if self.texts else b"").decode()}
        if "payload" in message:  # v3: JSON in a string
            message = message | {"payload": self._payload(message["payload"])}
        return line | {"packet": self._cleaned(message)}

    def _payload(self, raw: object) -> object:
        payload, encoded = v3_payload(raw)
        if payload is None:  # no message: base64 of anything
            return raw if self.texts else ""
        return written_payload(self._cleaned(payload), encoded=encoded)

    def _cleaned(self, message: dict[str, Any]) -> dict[str, Any]:
        clean = redacted(message)
        assert isinstance(clean, dict)
        return clean if self.texts else _without_texts(clean)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Capture:
        """Reads a file.

        Raises:
            InvalidParameterError: it can't be read, or a line isn't of this format.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidParameterError("capture", f"{path} can't be read: {error}") from error
        head = (json_object(lines[0]) if lines else None) or {}
        if head.get("format") != _FORMAT or head.get("version") != _VERSION:
            raise InvalidParameterError("capture", f"{path} isn't a capture of version {_VERSION}")
        capture = cls(
            dialect="v3" if head.get("dialect") == "v3" else "v2",
            texts=head.get("texts") is not False,
        )
        for number, line in enumerate(lines[1:], start=2):
            if line.strip():
                try:
                    capture.packets.append(_packet(json.loads(line)))
                except (ValueError, TypeError, KeyError, RecursionError) as error:
                    raise InvalidParameterError(
                        "capture", f"line {number} of {path} isn't a packet: {error!r}"
                    ) from error
        return capture


def _packet(line: dict[str, Any]) -> CapturedPacket:
    direction = line["direction"]
    if direction not in ("sent", "received"):
        raise ValueError(f"direction {direction!r}")
    if "packet" in line:
        data = json.dumps(line["packet"], separators=(",", ":")).encode()
    else:
        try:
            data = base64.b64decode(line["data"], validate=True)
        except binascii.Error as error:
            raise ValueError("data isn't base64") from error
    return CapturedPacket(float(line["at"]), direction, data)


def v3_payload(raw: object) -> tuple[dict[str, Any] | None, bool]:
    """The object in a version 3 payload, which is JSON in a string, and whether it was base64.

    `None`: there is none in it.
    """
    if not isinstance(raw, str):
        return None, False
    payload = json_object(raw)
    if payload is not None:
        return payload, False
    try:
        return json_object(base64.b64decode(raw, validate=True)), True
    except ValueError:
        return None, False


def written_payload(payload: dict[str, Any], *, encoded: bool) -> str:
    """The opposite of `v3_payload`."""
    text = json.dumps(payload)
    return base64.b64encode(text.encode()).decode() if encoded else text


def json_object(data: bytes | str) -> dict[str, Any] | None:
    """What is in the JSON; `None`: no object is."""
    try:
        found = json.loads(data)
    except (ValueError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _without_texts(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_texts(item, key) for key, item in value.items()}
    if isinstance(value, str) and name in _TEXTS:
        return re.sub(r"\w", "x", value)
    return value
