"""The optional fields of v4 session/create (docs/protocol.md §1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypedDict

from akool_async.models.credentials import Credentials
from akool_async.models.voice_params import VoiceParams

__all__ = ["MAX_DURATION", "SessionFields"]

#: Seconds; also what is taken from the account at once where `duration` says so.
MAX_DURATION: Final = 3600


class SessionFields(TypedDict, total=False):
    """The optional fields of session/create; `None` is the same as leaving a field out.

    duration: whole seconds, 1..3600. Credits for all of it are taken at once; the rest comes back
        when the session ends.
    knowledge_id: a knowledge base's id.
    voice_id, voice_url: another voice than the avatar's own.
    language: a code, "en".
    mode: 1 retelling (says your text), 2 dialogue (answers it).
    background_url: an image or a video.
    scene_mode: "fast_dialogue" (for spoken input) or "meeting" (lip-syncs audio that you stream
        into the room).
    e2e_type: "openai", with fast_dialogue.
    voice_params: `VoiceParams` or a mapping of its fields.
    stream_type: "agora" (the service's default), "livekit" or "trtc".
    credentials: of a room of your own, for the avatar to join.
    extra: fields that no document names, sent as they are: they can't be checked.
    """

    duration: int | None
    knowledge_id: str | None
    voice_id: str | None
    voice_url: str | None
    language: str | None
    mode: Literal[1, 2] | None
    background_url: str | None
    scene_mode: Literal["fast_dialogue", "meeting"] | None
    e2e_type: Literal["openai"] | None
    voice_params: VoiceParams | Mapping[str, Any] | None
    stream_type: Literal["agora", "livekit", "trtc"] | None
    credentials: Credentials | Mapping[str, Any] | None
    extra: Mapping[str, Any] | None
