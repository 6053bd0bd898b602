"""What a TRTC user signature says, read without its key: to refuse a wrong one before paying.

A UserSig is deflated JSON in a base64 of its own alphabet: whose it is, of which application, when
it was made and for how many seconds. It names no room.
"""

from __future__ import annotations

import base64
import binascii
import time
import zlib
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from akool_async.errors import InvalidParameterError

__all__ = ["UserSigClaims", "check_user_sig", "read_user_sig"]

_ALPHABET: Final = str.maketrans("*-_", "+/=")
_LARGEST: Final = 16_384


@dataclass(frozen=True, slots=True)
class UserSigClaims:
    """Whose a signature is, and until when (seconds since 1970)."""

    user_id: str
    app_id: int
    expires: float


def read_user_sig(signature: str) -> UserSigClaims | None:
    """Reads a signature; `None` for what isn't of TRTC's form."""
    try:
        packed = base64.b64decode(signature.translate(_ALPHABET), validate=True)
        claims: Any = msgspec.json.decode(zlib.decompressobj().decompress(packed, _LARGEST))
        return UserSigClaims(
            user_id=str(claims["TLS.identifier"]),
            app_id=int(claims["TLS.sdkappid"]),
            expires=float(claims["TLS.time"]) + float(claims["TLS.expire"]),
        )
    except (binascii.Error, zlib.error, ValueError, KeyError, TypeError):
        return None
    except (OverflowError, RecursionError):  # numbers of hundreds of digits; nested too deeply
        return None


def check_user_sig(
    field: str, signature: str, *, user_id: str, app_id: int, now: float | None = None
) -> None:
    """Refuses a signature that can't let `user_id` in now.

    Raises:
        InvalidParameterError: expired, or of another user or application.
    """
    claims = read_user_sig(signature)
    if claims is None:
        return
    now = time.time() if now is None else now
    if claims.expires <= now:
        raise InvalidParameterError(
            field, f"expired {now - claims.expires:.0f} s ago, make a new one"
        )
    if claims.user_id != user_id:
        raise InvalidParameterError(field, f"is for the user {claims.user_id!r}, not {user_id!r}")
    if claims.app_id != app_id:
        raise InvalidParameterError(
            field, f"is of the application {claims.app_id}, not of {app_id}"
        )
