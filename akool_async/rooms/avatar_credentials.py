"""Credentials with which the avatar joins the caller's own room (docs/protocol.md §1, "you send").

What is sent differs from what is received: TRTC's fields are spelled `trtc_sdk_…`, and the token is
the avatar's, not the caller's. Checked here, because a session that can't join is paid for all the
same: fields of another kind of room, a token that has expired or is for another room, a URL that
isn't ws or wss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import SecretStr

from akool_async.errors import InvalidParameterError
from akool_async.models.credentials import CredentialsBase, TRTCCredentials
from akool_async.rooms.agora_token import check_agora_token
from akool_async.rooms.livekit_token import check_livekit_token
from akool_async.rooms.trtc_user_sig import check_user_sig
from akool_async.validation import flag, is_left_out, quoted, text, url, whole

__all__ = ["own_credentials_body"]

_AT: Final = "credentials"
_Check = Callable[[str, object], object]


def _uid(field: str, value: object) -> int:
    return whole(field, value, 0, 2**32 - 1)


def _app_id(field: str, value: object) -> int:
    return whole(field, value, 1)


def _secret(field: str, value: object) -> str:
    return text(field, value, secret=True)


def _websocket(field: str, value: object) -> str:
    return url(field, value, ("wss", "ws"))


#: kind -> field -> (required, check).
_FIELDS: Final[dict[str, dict[str, tuple[bool, _Check]]]] = {
    "agora": {
        "agora_uid": (True, _uid),
        "agora_channel": (True, text),
        "agora_token": (True, _secret),
        "agora_app_id": (False, text),
    },
    "livekit": {
        "livekit_url": (True, _websocket),
        "livekit_token": (True, _secret),
        "livekit_room_name": (False, text),
        "livekit_server_identity": (False, text),
        "livekit_client_identity": (False, text),
        "audio_only_from_data_stream": (False, flag),
    },
    "trtc": {
        "trtc_sdk_app_id": (True, _app_id),
        "trtc_sdk_room_id": (True, text),
        "trtc_sdk_user_id": (True, text),
        "trtc_sdk_user_sig": (True, _secret),
    },
}


def own_credentials_body(stream_type: str, credentials: object) -> dict[str, Any]:
    """The `credentials` of session/create for a room of the caller's own.

    Args:
        stream_type: which kind of room the session is for.
        credentials: one of the credentials models, or a mapping of the service's fields.

    Raises:
        InvalidParameterError: a field is missing, wrong, or of another kind of room; the token has
            expired, or is for another room or identity.
    """
    given = _as_mapping(credentials)
    known = _FIELDS[stream_type]
    for name in given:
        if name not in known:
            other = next((kind for kind, names in _FIELDS.items() if name in names), None)
            raise InvalidParameterError(
                f"{_AT}.{name if name.isidentifier() else quoted(name)}",
                f'belongs to stream_type="{other}", the session has "{stream_type}"'
                if other
                else f"isn't a documented field, known: {', '.join(known)}",
            )
    body: dict[str, Any] = {}
    for name, (required, check) in known.items():
        value = given.get(name)
        if value is None or (not required and is_left_out(value)):
            if required:
                raise InvalidParameterError(
                    f"{_AT}.{name}", f'is missing, stream_type="{stream_type}" needs it'
                )
            continue
        body[name] = check(f"{_AT}.{name}", value)
    if stream_type == "agora":
        check_agora_token(
            f"{_AT}.agora_token",
            body["agora_token"],
            channel=body["agora_channel"],
            uid=body["agora_uid"],
            app_id=body.get("agora_app_id"),
        )
    elif stream_type == "trtc":
        check_user_sig(
            f"{_AT}.trtc_sdk_user_sig",
            body["trtc_sdk_user_sig"],
            user_id=body["trtc_sdk_user_id"],
            app_id=body["trtc_sdk_app_id"],
        )
    else:
        check_livekit_token(
            f"{_AT}.livekit_token",
            body["livekit_token"],
            room=body.get("livekit_room_name"),
            identity=body.get("livekit_server_identity"),
        )
    return body


def _as_mapping(credentials: object) -> dict[str, Any]:
    if isinstance(credentials, CredentialsBase):
        given = credentials.to_dict(include_secrets=True)
        if isinstance(credentials, TRTCCredentials):
            given = {name.replace("trtc_", "trtc_sdk_", 1): one for name, one in given.items()}
        return given
    if isinstance(credentials, Mapping):
        return {
            str(name): value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in credentials.items()
            if value is not None
        }
    raise InvalidParameterError(
        _AT, f"{type(credentials).__name__} isn't a mapping or one of the credentials models"
    )
