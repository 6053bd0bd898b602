"""`voice_params` of session/create, each value checked as it is made (docs/protocol.md §1).

The service's own schema lets wrong combinations through; here they are refused before the session
is paid for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, Literal, TypeVar

from pydantic import SecretStr

from akool_async.validation import (
    flag,
    is_left_out,
    known_keys,
    number,
    pronunciations,
    speed,
    stt_type,
    text,
    turn_detection,
)

__all__ = ["ElevenLabsSettings", "TurnDetection", "VoiceParams"]

T = TypeVar("T")


def _coerce(kind: type[T], name: str, value: object) -> T:
    """An instance, or a mapping with documented keys, as an instance."""
    if isinstance(value, kind):
        return value
    names = [one.name for one in fields(kind)]  # type: ignore[arg-type]
    return kind(**known_keys(name, value, names))


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDetection:
    """How the service decides that a person has finished speaking.

    Attributes:
        type: `server_vad` (by silence) or `semantic_vad` (by what is said).
        threshold: 0..1, the service's default is 0.5; `server_vad` only, like the next two.
        prefix_padding_ms: milliseconds kept from before speech began, default 300.
        silence_duration_ms: milliseconds of silence that end a turn, default 500.
    """

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: float | None = None
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None

    def __post_init__(self) -> None:
        for name, value in turn_detection("voice_params.turn_detection", _given(self)).items():
            _set(self, name, value)

    def to_wire(self) -> dict[str, Any]:
        """As it is sent; what isn't set is left out."""
        return _given(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElevenLabsSettings:
    """A voice of ElevenLabs, with an own key; its id goes into `voice_id` of the session.

    Attributes:
        api_key: kept as a `SecretStr`.
        stability, similarity_boost, style: each 0..1.
    """

    api_key: str | SecretStr | None = field(default=None, repr=False)
    model_id: str | None = None
    stability: float | None = None
    similarity_boost: float | None = None
    style: float | None = None
    use_speaker_boost: bool | None = None

    def __post_init__(self) -> None:
        at = "voice_params.elevenlabs_settings"
        if self.api_key is not None:
            key = self.api_key
            plain_key = key.get_secret_value() if isinstance(key, SecretStr) else key
            # Kept as a SecretStr: so `dataclasses.asdict` doesn't show it either.
            _set(self, "api_key", SecretStr(text(f"{at}.api_key", plain_key, secret=True)))
        if self.model_id is not None:
            _set(self, "model_id", text(f"{at}.model_id", self.model_id))
        for name in ("stability", "similarity_boost", "style"):
            value = getattr(self, name)
            if value is not None:
                _set(self, name, number(f"{at}.{name}", value, 0.0, 1.0))
        if self.use_speaker_boost is not None:
            flag(f"{at}.use_speaker_boost", self.use_speaker_boost)

    def to_wire(self) -> dict[str, Any]:
        """As it is sent, the key in clear; what isn't set is left out."""
        out = _given(self)
        if isinstance(self.api_key, SecretStr):
            out["api_key"] = self.api_key.get_secret_value()
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceParams:
    """How the avatar speaks and listens. Nested ones may be given as mappings.

    Attributes:
        voice_id: with `scene_mode="fast_dialogue"` only: one of its preset voices.
        speed: 0.8..1.2.
        pron_map: a word -> how it sounds.
        stt_language: the language that speech recognition expects.
        stt_type: `openai_realtime`.
        turn_detection: when a person's turn is over.
        elevenlabs_settings: for a voice of ElevenLabs.
    """

    voice_id: str | None = None
    speed: float | None = None
    pron_map: Mapping[str, str] | None = None
    stt_language: str | None = None
    stt_type: Literal["openai_realtime"] | None = None
    turn_detection: TurnDetection | Mapping[str, Any] | None = None
    elevenlabs_settings: ElevenLabsSettings | Mapping[str, Any] | None = field(
        default=None, repr=False
    )

    def __post_init__(self) -> None:
        at = "voice_params"
        checks: tuple[tuple[str, Callable[[str, Any], object]], ...] = (
            ("voice_id", text),
            ("speed", speed),
            ("pron_map", pronunciations),
            ("stt_language", text),
            ("stt_type", stt_type),
            ("turn_detection", partial(_coerce, TurnDetection)),
            ("elevenlabs_settings", partial(_coerce, ElevenLabsSettings)),
        )
        for name, check in checks:
            value = getattr(self, name)
            # As in session/create, "" is the same as leaving a field out.
            _set(self, name, None if is_left_out(value) else check(f"{at}.{name}", value))

    @classmethod
    def of(cls, value: object) -> VoiceParams:
        """An instance as it is, a mapping read strictly."""
        return _coerce(cls, "voice_params", value)

    def to_wire(self) -> dict[str, Any]:
        """As it is sent, secrets in clear; what isn't set is left out."""
        out = _given(self)
        if self.pron_map is not None:
            out["pron_map"] = dict(self.pron_map)
        for name in ("turn_detection", "elevenlabs_settings"):
            if name in out:
                out[name] = out[name].to_wire()
        return out


def _given(instance: Any) -> dict[str, Any]:
    values = ((one.name, getattr(instance, one.name)) for one in fields(instance))
    return {name: value for name, value in values if value is not None}


def _set(instance: object, name: str, value: object) -> None:
    # The classes are frozen: this is how a dataclass stores what it made of a value it was given.
    object.__setattr__(instance, name, value)
