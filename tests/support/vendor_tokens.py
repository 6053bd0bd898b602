"""Tokens as the vendors' own builders write them (Agora AccessToken2, TRTC TLSSigAPIv2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import time
import zlib

__all__ = ["agora_token", "user_sig"]


def _text(value: bytes) -> bytes:
    return struct.pack("<H", len(value)) + value


def agora_token(
    *,
    channel: str = "c",
    uid: int | str = 7,
    app_id: str = "a" * 32,
    life: int = 3 * 3600,
    issued: float | None = None,
) -> str:
    moment = int(time.time() if issued is None else issued)
    head = _text(app_id.encode()) + struct.pack("<III", moment, life, 99)
    privileges = {1: life, 2: life}
    service = struct.pack("<H", 1) + struct.pack("<H", len(privileges))
    for key, value in privileges.items():
        service += struct.pack("<HI", key, value)
    service += _text(channel.encode()) + _text(str(uid or "").encode())
    signing = head + struct.pack("<H", 1) + service
    signature = hmac.new(b"certificate", signing, hashlib.sha256).digest()
    return "007" + base64.b64encode(zlib.compress(_text(signature) + signing)).decode()


def user_sig(
    *, user_id: str = "u", app_id: int = 1400000000, life: int = 3 * 3600, made: float | None = None
) -> str:
    claims = {
        "TLS.ver": "2.0",
        "TLS.identifier": user_id,
        "TLS.sdkappid": app_id,
        "TLS.expire": life,
        "TLS.time": int(time.time() if made is None else made),
        "TLS.sig": base64.b64encode(b"s" * 32).decode(),
    }
    packed = base64.b64encode(zlib.compress(json.dumps(claims).encode())).decode()
    return packed.translate(str.maketrans("+/=", "*-_"))
