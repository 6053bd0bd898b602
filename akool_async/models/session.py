"""Sessions, version 4 and the legacy version 3, as the service answers them.

See docs/protocol.md §1.
"""

from __future__ import annotations

import enum
import re
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AliasChoices, Field, PlainValidator, SecretStr, ValidationInfo

from akool_async.models.base import Answer
from akool_async.models.credentials import (
    AgoraCredentials,
    ChatRoomCredentials,
    Credentials,
    read_credentials,
)
from akool_async.validation import choice, is_left_out, text, url

__all__ = [
    "LEGACY_AVATARS",
    "LegacySession",
    "Session",
    "SessionStatus",
    "StreamUrls",
    "legacy_create_body",
]


class SessionStatus(enum.IntEnum):
    """How far a session is; credits run while it is queueing or running."""

    QUEUEING = 1
    RUNNING = 2
    COMPLETED = 3
    FAILED = 4


class _AnySession(Answer):
    guards_unknown: ClassVar[bool] = True

    # The vendor's samples have `session_id`.
    id: str = Field(
        default="", alias="_id", validation_alias=AliasChoices("_id", "session_id", "id")
    )
    uid: int | None = None
    type: int | None = None
    status: int | None = None
    stream_type: str | None = None
    duration: float | None = None
    avatar_id: str | None = None
    create_time: float | None = None

    @property
    def open(self) -> bool:
        """Whether it is queueing or running, and so being paid for."""
        return self.status in (SessionStatus.QUEUEING, SessionStatus.RUNNING)


def _read_credentials(raw: object, info: ValidationInfo) -> Credentials | None:
    return read_credentials(raw, info.data.get("stream_type"))


class Session(_AnySession):
    """A session. Only create's answer holds a token: keep it.

    Attributes:
        id: its `_id`.
        status: `SessionStatus`; `None` where it wasn't answered.
        stream_type: "agora", "livekit" or "trtc".
        duration: seconds, as asked for when it was created.
        credentials: of its room; `None` where the answer held none that could be read.
        avatar_id: its avatar, where the answer holds it.
        create_time: milliseconds since 1970, where the answer holds it.
    """

    credentials: Annotated[Credentials | None, PlainValidator(_read_credentials)] = None


class StreamUrls(Answer):
    """Where a legacy session's media and messages are; those that let one join are secret."""

    guards_unknown: ClassVar[bool] = True

    client_pull_stream_url: str | None = Field(default=None, repr=False)
    client_push_stream_url: SecretStr | None = None
    client_chat_room_url: SecretStr | None = None
    server_chat_room_url: SecretStr | None = None
    agora_app_id: str | None = None
    agora_channel: str | None = None
    agora_token: SecretStr | None = None


class LegacySession(_AnySession):
    """A session of version 3: its messages go through a websocket chat room (docs/protocol.md §3).

    Attributes:
        stream_urls: `client_pull_stream_url` is the FLV video; detail and list may hold it alone.
        task_id, app_name, stream_name: the service's names. The last is a part of the secret URLs.
        pull_url: where the video is watched, FLV over HTTP; `None` where it wasn't answered.
        push_url: where the video is pushed to (WHIP); a secret, so take care where it is shown.
        video_credentials: with stream type agora, what the video's channel is joined with.
    """

    task_id: str | None = None
    app_name: str | None = None
    stream_name: str | None = Field(default=None, repr=False)
    stream_urls: StreamUrls = Field(default_factory=StreamUrls)

    @property
    def pull_url(self) -> str | None:
        """See the class."""
        return self.stream_urls.client_pull_stream_url

    @property
    def push_url(self) -> str | None:
        """See the class."""
        url = self.stream_urls.client_push_stream_url
        return url.get_secret_value() if url is not None else None

    @property
    def video_credentials(self) -> AgoraCredentials | None:
        """See the class."""
        urls = self.stream_urls
        if urls.agora_channel is None or self.uid is None:
            return None
        return AgoraCredentials(
            agora_uid=self.uid,
            agora_channel=urls.agora_channel,
            agora_token=urls.agora_token,
            agora_app_id=urls.agora_app_id,
        )

    @property
    def credentials(self) -> ChatRoomCredentials | None:
        """Of its chat room; `None` where this answer doesn't hold its URL."""
        client = self.stream_urls.client_chat_room_url
        if client is None:
            return None
        server = self.stream_urls.server_chat_room_url
        client_id = _last_segment(client)
        return ChatRoomCredentials(
            client_chat_room_url=client,
            server_chat_room_url=server,
            client_id=client_id,
            # The two names differ in their first part only.
            server_id=_last_segment(server)
            if server is not None
            else client_id.replace("client", "server", 1),
        )


def _last_segment(address: SecretStr) -> str:
    # Not by urlsplit, which raises for some malformed URLs: the transport refuses those by name.
    path = re.split(r"[?#]", address.get_secret_value(), maxsplit=1)[0]
    _, slash, last = path.rstrip("/").rpartition("/")
    # Without a slash it isn't a URL, and may be a secret as a whole.
    return last.removesuffix(".chat") if slash else ""


#: The avatars that version 3 names; one's own uploaded ones work, too.
LEGACY_AVATARS: Final = (
    "Kai_1080P_back",
    "Katha_1080P_back",
    "Olivia_1080P_back",
    "who_1080P_back",
)


def legacy_create_body(
    avatar_id: object,
    *,
    stream_type: Literal["flv", "agora"] | None = None,
    background_url: str | None = None,
) -> dict[str, Any]:
    """The body of v3 session/create; raises `InvalidParameterError`."""
    body: dict[str, Any] = {"avatar_id": text("avatar_id", avatar_id)}
    # As in version 4, "" is the same as leaving an optional field out.
    if not is_left_out(stream_type):
        body["stream_type"] = choice("stream_type", stream_type, ("flv", "agora"))
    if not is_left_out(background_url):
        body["background_url"] = url("background_url", background_url)
    return body
