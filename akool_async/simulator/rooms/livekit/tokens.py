"""LiveKit access tokens: JSON Web Tokens signed with HS256, minted and checked.

By hand, because a data room needs nothing but HMAC and JSON, and the simulator's extra then brings
no JWT library.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["API_KEY", "API_SECRET", "Grants", "TokenRefusedError", "mint", "read"]

#: The key pair of the simulator's own rooms, for programs that mint their own tokens.
API_KEY: Final = "devkey"
API_SECRET: Final = "a-simulator-keeps-no-secrets-0123456789"  # noqa: S105 - public on purpose

#: Clocks of two machines may differ by this much, in seconds.
_LEEWAY: Final = 1.0


class TokenRefusedError(Exception):
    """A token that doesn't open the room; the text is what the client is told."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What a token allows its owner to do."""

    identity: str
    room: str
    can_publish: bool = True
    can_publish_data: bool = True
    can_subscribe: bool = True
    can_update_own_metadata: bool = False
    name: str = ""
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    #: Seconds since the epoch.
    expires: float | None = None


def mint(grants: Grants, *, lifetime: float, key: str = API_KEY, secret: str = API_SECRET) -> str:
    """A token that is good for `lifetime` seconds; 0 or less: one that has expired already."""
    now = time.time()
    claims = {
        "iss": key,
        "sub": grants.identity,
        "name": grants.name,
        "metadata": grants.metadata,
        "attributes": dict(grants.attributes),
        "nbf": int(now) - 5,
        "exp": now + lifetime if lifetime > 0 else int(now) - 60,
        "video": {
            "roomJoin": True,
            "room": grants.room,
            "canPublish": grants.can_publish,
            "canPublishData": grants.can_publish_data,
            "canSubscribe": grants.can_subscribe,
            "canUpdateOwnMetadata": grants.can_update_own_metadata,
        },
    }
    signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
    return f"{signed}.{_base64(_sign(signed, secret))}"


def read(token: str, *, key: str = API_KEY, secret: str = API_SECRET) -> Grants:
    """What a token grants.

    Raises:
        TokenRefusedError: it is malformed, signed by somebody else, expired, or for no room.
    """
    signed, _, signature = token.rpartition(".")
    try:
        head, claims = (_decode(part) for part in signed.split("."))
    except ValueError as error:
        raise TokenRefusedError("invalid token") from error
    if head.get("alg") != "HS256" or claims.get("iss") != key:
        raise TokenRefusedError("invalid API key")
    if not hmac.compare_digest(_base64(_sign(signed, secret)), signature):
        raise TokenRefusedError("invalid token: signature doesn't match")
    now = time.time()
    expires, begins = claims.get("exp"), claims.get("nbf")
    if isinstance(expires, int | float) and now > expires + _LEEWAY:
        raise TokenRefusedError("invalid token: token is expired (exp)")
    if isinstance(begins, int | float) and now < begins - _LEEWAY:
        raise TokenRefusedError("invalid token: token is not valid yet (nbf)")
    video = claims.get("video")
    if not isinstance(video, dict) or not video.get("roomJoin") or not claims.get("sub"):
        raise TokenRefusedError("permissions denied")
    # A grant that is left out is given (this is how LiveKit reads it); data follows publishing.
    can_publish = video.get("canPublish", True) is not False
    attributes = claims.get("attributes")
    return Grants(
        identity=str(claims["sub"]),
        room=str(video.get("room", "")),
        can_publish=can_publish,
        can_publish_data=video.get("canPublishData", can_publish) is not False,
        can_subscribe=video.get("canSubscribe", True) is not False,
        can_update_own_metadata=video.get("canUpdateOwnMetadata") is True,
        name=str(claims.get("name") or ""),
        metadata=str(claims.get("metadata") or ""),
        attributes=attributes if isinstance(attributes, dict) else {},
        expires=float(expires) if isinstance(expires, int | float) else None,
    )


def _sign(text: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encode(part: Mapping[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _decode(part: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError("not a part of a token") from error
    if not isinstance(value, dict):
        raise ValueError("not a part of a token")  # noqa: TRY004 - what a peer sent, not a type
    return value
