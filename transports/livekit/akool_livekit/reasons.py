"""LiveKit's words for refusals and disconnections, in ours."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Final

__all__ = ["ended_text", "expiry", "is_refusal", "reason_name"]

#: `livekit.rtc.DisconnectReason` by name -> `DisconnectedError.reason`.
_REASONS: Final = {
    "CLIENT_INITIATED": "closed",
    "DUPLICATE_IDENTITY": "same_identity",
    "PARTICIPANT_REMOVED": "removed",
    "ROOM_DELETED": "room_closed",
    "ROOM_CLOSED": "room_closed",
    "UNKNOWN_REASON": "connection_lost",
    "SIGNAL_CLOSE": "connection_lost",
    "CONNECTION_TIMEOUT": "connection_lost",
    "STATE_MISMATCH": "connection_lost",
    "MEDIA_FAILURE": "connection_lost",
}

_TEXTS: Final = {
    "closed": "the LiveKit room was left",
    "same_identity": "another participant joined the LiveKit room with our identity",
    "removed": "we were removed from the LiveKit room",
    "room_closed": "the LiveKit room was closed",
    "connection_lost": "the connection to the LiveKit room was lost",
    "token_expired": "the LiveKit token has expired and there is no new one",
}

#: The HTTP status of a refused join is in the text of the client's error only.
_REFUSED: Final = re.compile(r"\b(?:401|403)\b|[Uu]nauthorized|[Ff]orbidden")


def is_refusal(message: str) -> bool:
    """Whether the text of a `ConnectError` says that the token was refused."""
    return _REFUSED.search(message) is not None


def reason_name(vendor: str, token: str) -> str:
    """Our name for a vendor's reason; `token` is the one that was last joined with."""
    if vendor == "JOIN_FAILURE":
        expires = expiry(token)
        return "token_expired" if expires is not None and expires <= time.time() else "join_failure"
    return _REASONS.get(vendor, vendor.lower())


def ended_text(reason: str) -> str:
    """A sentence for a person."""
    return _TEXTS.get(reason, f"the LiveKit room ended: {reason.replace('_', ' ')}")


def expiry(token: str) -> float | None:
    """When a token expires, in seconds since the epoch; `None` where it doesn't say."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None
