"""What is needed to enter a room: one model per kind (docs/protocol.md §1 "Credentials").

Tokens and signatures are `SecretStr`: they don't show in a repr, a log line or a traceback.
`to_dict(include_secrets=True)` gives the plain values, to hand a session to another process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError

from akool_async.models.base import Answer

__all__ = [
    "AgoraCredentials",
    "ChatRoomCredentials",
    "Credentials",
    "CredentialsBase",
    "LiveKitCredentials",
    "StreamType",
    "TRTCCredentials",
    "read_credentials",
]


def _no_empty(value: object) -> object:
    return None if value == "" else value


#: A token or signature; an empty one (as in a session's detail) reads as none.
Token = Annotated[SecretStr | None, BeforeValidator(_no_empty)]


class CredentialsBase(Answer):
    """Common to all kinds: unknown fields are kept, both spellings are read."""

    guards_unknown: ClassVar[bool] = True

    kind: ClassVar[str]


class AgoraCredentials(CredentialsBase):
    """Agora: the token is good for five minutes to join with."""

    kind: ClassVar[str] = "agora"

    agora_uid: int
    agora_channel: str
    agora_token: Token = None
    agora_app_id: str | None = None


class LiveKitCredentials(CredentialsBase):
    """LiveKit: `livekit_server_identity` is the avatar, `livekit_client_identity` is you.

    `audio_only_from_data_stream`: the avatar takes speech to lip-sync from data streams only.
    """

    kind: ClassVar[str] = "livekit"

    livekit_url: str
    livekit_token: Token = None
    livekit_room_name: str | None = None
    livekit_server_identity: str | None = None
    livekit_client_identity: str | None = None
    audio_only_from_data_stream: bool | None = None


class TRTCCredentials(CredentialsBase):
    """TRTC: the room id is a string room id; both spellings of each field are read."""

    kind: ClassVar[str] = "trtc"

    trtc_app_id: int = Field(validation_alias=AliasChoices("trtc_app_id", "trtc_sdk_app_id"))
    trtc_room_id: str = Field(validation_alias=AliasChoices("trtc_room_id", "trtc_sdk_room_id"))
    trtc_user_id: str = Field(validation_alias=AliasChoices("trtc_user_id", "trtc_sdk_user_id"))
    trtc_user_sig: Token = Field(
        default=None, validation_alias=AliasChoices("trtc_user_sig", "trtc_sdk_user_sig")
    )


class ChatRoomCredentials(CredentialsBase):
    """The v3 chat room: its URLs carry a secret in their path (docs/protocol.md §3)."""

    kind: ClassVar[str] = "chatroom"

    client_chat_room_url: SecretStr
    server_chat_room_url: SecretStr | None = None
    client_id: str
    server_id: str


Credentials = AgoraCredentials | LiveKitCredentials | TRTCCredentials | ChatRoomCredentials

#: The kinds of room, by the service's `stream_type`; the chat room is the legacy v3 one.
StreamType = Literal["agora", "livekit", "trtc", "chatroom"]

#: Each kind of credentials, and the field (in either spelling) that only this kind has.
_KINDS: Final[dict[str, tuple[type[Credentials], tuple[str, ...]]]] = {
    "agora": (AgoraCredentials, ("agora_channel",)),
    "livekit": (LiveKitCredentials, ("livekit_url",)),
    "trtc": (TRTCCredentials, ("trtc_room_id", "trtc_sdk_room_id")),
    "chatroom": (ChatRoomCredentials, ("client_chat_room_url",)),
}


def read_credentials(raw: object, stream_type: str | None = None) -> Credentials | None:
    """Reads the credentials of an answer, which may hold the fields of several kinds.

    Args:
        raw: the answer's `credentials`. A kind whose fields are filled goes before one whose fields
            are "".
        stream_type: the kind that is preferred among those.

    Returns:
        `None` where they are of no known kind or lack what joining needs: what a session's detail
        and list leave out differs, and neither is a reason to fail.
    """
    if isinstance(raw, CredentialsBase):
        return raw  # type: ignore[return-value]
    if not isinstance(raw, Mapping):
        return None
    filled = {name: value for name, value in raw.items() if value not in (None, "")}
    for given in (filled, raw):
        for name in sorted(_KINDS, key=lambda name: name != stream_type):
            kind, names = _KINDS[name]
            if any(given.get(one) is not None for one in names):
                try:
                    return kind.read(given)
                except ValidationError:
                    continue
    return None
