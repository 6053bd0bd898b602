"""Every documented field of v4 session/create, checked together (docs/protocol.md §1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from akool_async.errors import InvalidParameterError
from akool_async.models.session_fields import MAX_DURATION, SessionFields
from akool_async.models.voice_params import VoiceParams
from akool_async.rooms.avatar_credentials import own_credentials_body
from akool_async.validation import choice, text, url, whole

__all__ = ["FAST_DIALOGUE_VOICES", "session_create_body"]

#: The voices that `scene_mode="fast_dialogue"` knows.
FAST_DIALOGUE_VOICES: Final = (
    "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar",
)  # fmt: skip

#: What voice_params may hold with fast_dialogue.
_FAST_DIALOGUE_PARAMS: Final = (
    *("voice_id", "stt_language", "turn_detection", "elevenlabs_settings"),
)


def session_create_body(avatar_id: object, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body of session/create. An optional field that is `None` or "" is left out.

    Raises:
        InvalidParameterError: an unknown field, a wrong value, or values that don't go together.
    """
    for name in fields:
        if name not in SessionFields.__annotations__:
            raise InvalidParameterError(
                name,
                "isn't a field of session/create, known: "
                + ", ".join(SessionFields.__annotations__),
            )
    given = {
        name: value
        for name, value in fields.items()
        # Forms and the vendor's own web demo send "" for what isn't chosen.
        if value is not None and not (isinstance(value, str) and value == "")
    }
    body: dict[str, Any] = {"avatar_id": text("avatar_id", avatar_id)}
    if "duration" in given:
        body["duration"] = whole("duration", given["duration"], 1, MAX_DURATION, unit="seconds")
    for name in ("knowledge_id", "voice_id", "language"):
        if name in given:
            body[name] = text(name, given[name])
    for name in ("voice_url", "background_url"):
        if name in given:
            body[name] = url(name, given[name])
    if "mode" in given:
        body["mode_type"] = choice("mode", given["mode"], (1, 2))
    if "scene_mode" in given:
        body["scene_mode"] = choice("scene_mode", given["scene_mode"], ("fast_dialogue", "meeting"))
    if "e2e_type" in given:
        body["e2e_type"] = choice("e2e_type", given["e2e_type"], ("openai",))
    if "stream_type" in given:
        body["stream_type"] = choice(
            "stream_type", given["stream_type"], ("agora", "livekit", "trtc")
        )
    if "voice_params" in given:
        body["voice_params"] = VoiceParams.of(given["voice_params"]).to_wire()
    if "credentials" in given:
        # Without a stream_type the service takes agora.
        body["credentials"] = own_credentials_body(
            body.get("stream_type", "agora"), given["credentials"]
        )
    _together(body)
    if "extra" in given:
        body.update(_extra(given["extra"]))
    return body


def _extra(extra: object) -> dict[str, Any]:
    if not isinstance(extra, Mapping):
        raise InvalidParameterError("extra", f"{type(extra).__name__} isn't a mapping")
    for name in extra:
        field = f"extra.{name}"
        if not isinstance(name, str) or not name:
            raise InvalidParameterError(field, "isn't the name of a field")
        known = "mode" if name == "mode_type" else name
        if known in SessionFields.__annotations__ or known == "avatar_id":
            raise InvalidParameterError(field, f"has a parameter of its own: give {known}=")
    try:
        msgspec.json.encode(dict(extra))
    except (TypeError, ValueError) as error:
        raise InvalidParameterError("extra", f"can't be written as JSON: {error}") from error
    return dict(extra)


def _together(body: dict[str, Any]) -> None:
    """What each field allows by itself, and the service wouldn't do together."""
    params: dict[str, Any] = body.get("voice_params", {})
    if body.get("scene_mode") == "fast_dialogue":
        _fast_dialogue(body, params)
        return
    if "e2e_type" in body:
        raise InvalidParameterError("e2e_type", 'needs scene_mode="fast_dialogue"')
    if "voice_id" in params:
        raise InvalidParameterError(
            "voice_params.voice_id",
            'is for scene_mode="fast_dialogue" only, give voice_id beside voice_params',
        )


def _fast_dialogue(body: dict[str, Any], params: dict[str, Any]) -> None:
    if "voice_url" in body:
        raise InvalidParameterError(
            "voice_url", "can't be used with fast_dialogue, which takes a preset voice_id"
        )
    for name in params:
        if name not in _FAST_DIALOGUE_PARAMS:
            raise InvalidParameterError(
                f"voice_params.{name}",
                f"can't be used with fast_dialogue, which takes {', '.join(_FAST_DIALOGUE_PARAMS)}",
            )
    if "voice_id" in params:
        choice("voice_params.voice_id", params["voice_id"], FAST_DIALOGUE_VOICES)
    if "voice_id" not in body or "elevenlabs_settings" in params:
        # With ElevenLabs, voice_id names one of their voices.
        return
    preset = choice("voice_id", body["voice_id"], FAST_DIALOGUE_VOICES)
    if params.get("voice_id", preset) != preset:
        raise InvalidParameterError(
            "voice_id", f"{preset!r} differs from voice_params.voice_id, give one of them"
        )
    # The service reads a preset there only (docs/protocol.md §1).
    del body["voice_id"]
    body["voice_params"] = {**params, "voice_id": preset}
