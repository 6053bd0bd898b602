"""What an Agora token says, read without its certificate: to refuse a wrong one before paying.

A token of Agora's current form ("007") is deflated binary: a signature, the app id, when it was
issued and for how many seconds, and per service what it is good for; for RTC that is a channel and
a uid. Older forms aren't read, so nothing is said about them.
"""

from __future__ import annotations

import base64
import binascii
import struct
import time
import zlib
from dataclasses import dataclass
from typing import Final

from akool_async.errors import InvalidParameterError

__all__ = ["AgoraClaims", "check_agora_token", "read_agora_token"]

_VERSION: Final = "007"
_RTC: Final = 1
_LARGEST: Final = 16_384


@dataclass(frozen=True, slots=True)
class AgoraClaims:
    """What a token is good for.

    Attributes:
        app_id: the project.
        expires: seconds since 1970.
        channel: `None`: it holds no RTC service.
        uid: as text; "" for any.
    """

    app_id: str
    expires: float
    channel: str | None
    uid: str


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def text(self) -> str:
        length = self.number("H")
        piece = self._data[self._at : self._at + length]
        if len(piece) < length:
            raise ValueError("cut short")
        self._at += length
        # The signature is binary; nothing else is.
        return piece.decode("latin-1")


def read_agora_token(token: str) -> AgoraClaims | None:
    """Reads a token; `None` for what isn't of the current form."""
    if not token.startswith(_VERSION):
        return None
    try:
        packed = base64.b64decode(token[len(_VERSION) :], validate=True)
        reader = _Reader(zlib.decompressobj().decompress(packed, _LARGEST))
        reader.text()
        app_id = reader.text()
        issued, life, _salt = (reader.number("I") for _ in range(3))
        channel, uid = None, ""
        for _ in range(reader.number("H")):
            kind = reader.number("H")
            for _ in range(reader.number("H")):
                reader.number("H")
                reader.number("I")
            if kind != _RTC:
                break  # what follows in it differs, and RTC comes first
            channel, uid = reader.text(), reader.text()
    except (binascii.Error, zlib.error, struct.error, ValueError):
        return None
    return AgoraClaims(app_id, float(issued + life), channel, uid)


def check_agora_token(
    field: str,
    token: str,
    *,
    channel: str,
    uid: int,
    app_id: str | None = None,
    now: float | None = None,
) -> None:
    """Refuses a token that can't let `uid` into `channel` now.

    Raises:
        InvalidParameterError: expired, or for another channel, uid or project.
    """
    claims = read_agora_token(token)
    if claims is None:
        return
    now = time.time() if now is None else now
    if claims.expires <= now:
        raise InvalidParameterError(
            field, f"expired {now - claims.expires:.0f} s ago, make a new one"
        )
    if claims.channel is not None and claims.channel != channel:
        raise InvalidParameterError(
            field, f"is for the channel {claims.channel!r}, the session is for {channel!r}"
        )
    if claims.uid not in ("", "0", str(uid)):
        raise InvalidParameterError(field, f"is for the uid {claims.uid}, not for {uid}")
    if app_id is not None and claims.app_id != app_id:
        raise InvalidParameterError(field, "is of another project than agora_app_id says")
