"""What is needed to enter a room: one model per kind (PROTOCOL.md §1 "Credentials").

Tokens and signatures are `SecretStr`: they don't show in a repr, a log line or a traceback.
`to_dict(include_secrets=True)` gives the plain values, to hand a session to another process.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

__all__ = [
    "AgoraCredentials",
    "ChatRoomCredentials",
    "Credentials",
    "CredentialsBase",
    "LiveKitCredentials",
    "TRTCCredentials",
]


def _text(value: object) -> object:
    """Ids arrive as numbers, too."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_text)]


class CredentialsBase(BaseModel):
    """Common to all kinds: unknown fields are kept, both spellings are read."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, frozen=True)

    kind: ClassVar[str]

    def to_dict(self, *, include_secrets: bool = False) -> dict[str, Any]:
        """As the service writes them; secrets are left out unless asked for."""
        out: dict[str, Any] = {}
        for name, value in self.model_dump(exclude_none=True).items():
            if isinstance(value, SecretStr):
                if include_secrets:
                    out[name] = value.get_secret_value()
            else:
                out[name] = value
        return out


class AgoraCredentials(CredentialsBase):
    """Agora: the token is good for five minutes to join with."""

    kind: ClassVar[str] = "agora"

    agora_uid: int
    agora_channel: Text
    agora_token: SecretStr | None = None
    agora_app_id: Text | None = None


class LiveKitCredentials(CredentialsBase):
    """LiveKit: `livekit_server_identity` is the avatar, `livekit_client_identity` is you."""

    kind: ClassVar[str] = "livekit"

    livekit_url: str
    livekit_token: SecretStr | None = None
    livekit_room_name: Text | None = None
    livekit_server_identity: Text | None = None
    livekit_client_identity: Text | None = None


class TRTCCredentials(CredentialsBase):
    """TRTC: the room id is a string room id; both spellings of each field are read."""

    kind: ClassVar[str] = "trtc"

    trtc_app_id: int = Field(validation_alias=AliasChoices("trtc_app_id", "trtc_sdk_app_id"))
    trtc_room_id: Text = Field(validation_alias=AliasChoices("trtc_room_id", "trtc_sdk_room_id"))
    trtc_user_id: Text = Field(validation_alias=AliasChoices("trtc_user_id", "trtc_sdk_user_id"))
    trtc_user_sig: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("trtc_user_sig", "trtc_sdk_user_sig")
    )


class ChatRoomCredentials(CredentialsBase):
    """The v3 chat room: its URLs carry a secret in their path (PROTOCOL.md §3)."""

    kind: ClassVar[str] = "chatroom"

    client_chat_room_url: SecretStr
    server_chat_room_url: SecretStr | None = None
    client_id: str
    server_id: str


Credentials = AgoraCredentials | LiveKitCredentials | TRTCCredentials | ChatRoomCredentials

#: The kinds of room, by the service's `stream_type`; the chat room is the legacy v3 one.
StreamType = Literal["agora", "livekit", "trtc", "chatroom"]
