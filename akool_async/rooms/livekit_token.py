"""What a LiveKit access token says, read without its key: to refuse a wrong one before paying.

A token is a JWT whose payload names the identity (`sub`), the room (`video.room`), what may be done
in it and until when (`exp`, seconds since 1970). The signature can't be checked here.
"""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from akool_async.errors import InvalidParameterError

__all__ = ["LiveKitClaims", "check_livekit_token", "read_livekit_token"]

#: Seconds since 1970 that no clock shows.
_FAR: Final = 10**15


@dataclass(frozen=True, slots=True)
class LiveKitClaims:
    """What a token grants.

    Attributes:
        identity: who joins with it; "" where it holds none.
        room: the only room it opens, `None`: any.
        expires: seconds since 1970, `None`: never.
        not_before: seconds since 1970, `None`: at once.
        can_join: whether it lets anybody join at all.
        can_publish_data: whether packets may be sent with it.
    """

    identity: str
    room: str | None
    expires: float | None
    not_before: float | None
    can_join: bool
    can_publish_data: bool


def read_livekit_token(field: str, token: str) -> LiveKitClaims:
    """Reads a token's payload.

    Raises:
        InvalidParameterError: it isn't a LiveKit access token. The token itself isn't quoted.
    """
    pieces = token.split(".")
    if len(pieces) != 3:
        raise InvalidParameterError(field, "isn't a LiveKit access token (a JWT of three parts)")
    try:
        padded = pieces[1] + "=" * (-len(pieces[1]) % 4)
        payload = msgspec.json.decode(base64.urlsafe_b64decode(padded))
    except (binascii.Error, ValueError, RecursionError):
        # From None: the cause's text may quote the token.
        raise InvalidParameterError(
            field, "isn't a LiveKit access token: its payload can't be read"
        ) from None
    if not isinstance(payload, dict):
        raise InvalidParameterError(field, "isn't a LiveKit access token: no object in it")
    video = payload.get("video")
    grants: dict[str, Any] = video if isinstance(video, dict) else {}
    publish = grants.get("canPublish", True) is not False
    return LiveKitClaims(
        identity=str(payload.get("sub") or ""),
        room=str(grants["room"]) if grants.get("room") else None,
        expires=_seconds(payload.get("exp")),
        not_before=_seconds(payload.get("nbf")),
        can_join=grants.get("roomJoin") is True,
        can_publish_data=grants.get("canPublishData", publish) is not False,
    )


def check_livekit_token(
    field: str,
    token: str,
    *,
    room: str | None = None,
    identity: str | None = None,
    now: float | None = None,
    needs_until: float | None = None,
) -> LiveKitClaims:
    """Refuses a token that can't let `identity` into `room` now.

    Args:
        field: the parameter's name, for the error.
        token: the JWT.
        room: the room's name, `None`: not known.
        identity: who is to join with it, `None`: not known.
        now: seconds since 1970; the clock's by default.
        needs_until: seconds since 1970 when it must still be valid, `None`: now is enough.

    Raises:
        InvalidParameterError: expired, for another room or identity, without the grant to join.
    """
    claims = read_livekit_token(field, token)
    now = time.time() if now is None else now
    if claims.expires is not None and claims.expires <= now:
        raise InvalidParameterError(
            field, f"expired {now - claims.expires:.0f} s ago, make a new one"
        )
    if needs_until is not None and claims.expires is not None and claims.expires < needs_until:
        raise InvalidParameterError(
            field,
            f"is valid for {claims.expires - now:.0f} s more, {needs_until - now:.0f} s are needed",
        )
    if not claims.can_join:
        raise InvalidParameterError(field, "doesn't grant joining a room (roomJoin)")
    if room is not None and claims.room is not None and claims.room != room:
        raise InvalidParameterError(
            field, f"is for the room {claims.room!r}, the session is for {room!r}"
        )
    if not claims.identity:
        raise InvalidParameterError(field, "holds no identity")
    if identity is not None and claims.identity != identity:
        raise InvalidParameterError(
            field, f"is for the identity {claims.identity!r}, not for {identity!r}"
        )
    return claims


def _seconds(value: object) -> float | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    # A moment of so many digits is beyond any clock, and beyond what a float holds.
    return float(max(-_FAR, min(value, _FAR)))
