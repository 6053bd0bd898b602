"""`set_params` and `ask` options: checked by name before anything is sent.

See docs/protocol.md §2, §3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypedDict
from urllib.parse import urlsplit

from akool_async.conversation.options import Mode, SessionInfo
from akool_async.errors import InvalidParameterError, NotSupportedError
from akool_async.stream.messages import (
    ACTIONS,
    EXPRESSIONS,
    Prompt,
    QuestionOptions,
    SetParams,
    VoiceParams,
)

__all__ = ["Params", "QuestionFields", "check_action", "check_text", "question_options"]

_SPEED: Final = (0.8, 1.2)
_VAD_ONLY: Final = ("threshold", "prefix_padding_ms", "silence_duration_ms")


@dataclass(frozen=True, slots=True)
class Params:
    """What `set_params` takes; `None` leaves a setting as it is.

    Attributes:
        mode: 1 retelling, 2 dialogue.
        lang: language code, for example "en".
        voice_id: a voice.
        voice_url: a voice of one's own.
        background_url: image or video behind the avatar.
        speed: of speech, 0.8 to 1.2.
        pron_map: word -> how it sounds.
        stt_language: what speech recognition listens for.
        stt_type: "openai_realtime".
        turn_detection: `type` server_vad | semantic_vad; the rest for server_vad only.
    """

    mode: Mode | None = None
    lang: str | None = None
    voice_id: str | None = None
    voice_url: str | None = None
    background_url: str | None = None
    speed: float | None = None
    pron_map: Mapping[str, str] | None = None
    stt_language: str | None = None
    stt_type: str | None = None
    turn_detection: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        _check_mode("mode", self.mode)
        for name in ("lang", "voice_id", "stt_language"):
            _check_word(name, getattr(self, name))
        for name in ("voice_url", "background_url"):
            _check_link(name, getattr(self, name), ("https", "http"))
        if self.speed is not None:
            _check_number("speed", self.speed, *_SPEED)
        if self.stt_type not in (None, "openai_realtime"):
            raise InvalidParameterError("stt_type", f"{self.stt_type!r} isn't 'openai_realtime'")
        if self.pron_map is not None:
            _check_pronunciation(self.pron_map)
        if self.turn_detection is not None:
            _check_turn_detection(self.turn_detection)

    @classmethod
    def from_info(cls, info: SessionInfo) -> Params:
        """What create was told. Nothing at all would be an empty command, so the mode is always
        there; dialogue, unless told otherwise.
        """
        return cls(
            mode=info.mode or 2,
            lang=info.language,
            voice_id=info.voice_id,
            voice_url=info.voice_url,
            background_url=info.background_url,
        )

    def updated(self, newer: Params) -> Params:
        """These settings with newer ones on top."""
        changes = {name: getattr(newer, name) for name in self.__dataclass_fields__}
        return replace(self, **{name: v for name, v in changes.items() if v is not None})

    @property
    def empty(self) -> bool:
        """Whether nothing is set."""
        return self == Params()

    def message(self, mid: str) -> SetParams:
        """The version 2 command."""
        voice = VoiceParams(
            vid=self.voice_id,
            vurl=self.voice_url,
            speed=self.speed,
            stt_language=self.stt_language,
            stt_type=self.stt_type,
            pron_map=self.pron_map,
            turn_detection=self.turn_detection,
        )
        return SetParams(
            mid,
            lang=self.lang,
            mode=self.mode,
            bgurl=self.background_url,
            vparams=None if voice == VoiceParams() else voice,
        )

    def check_v3(self) -> None:
        """Refuses what no question of version 3 can carry."""
        for name in (
            "background_url",
            "speed",
            "pron_map",
            "stt_language",
            "stt_type",
            "turn_detection",
        ):
            if getattr(self, name) is not None:
                raise NotSupportedError(f"the v3 chat room has no parameter {name!r}")

    def question(self) -> QuestionOptions:
        """What a version 3 question carries; dialogue, unless told otherwise."""
        return QuestionOptions(
            voice_id=self.voice_id,
            voice_url=self.voice_url,
            language=self.lang,
            mode_type=self.mode or 2,
        )


class QuestionFields(TypedDict, total=False):
    """(v3) What one question may carry; it counts before what `set_params` set.

    voice_id, voice_url: another voice.
    language: a code, "en".
    mode: 1 retelling, 2 dialogue.
    prompt: the role's text, or `Prompt("url", link)`.
    """

    voice_id: str | None
    voice_url: str | None
    language: str | None
    mode: Mode | None
    prompt: Prompt | str | None


def question_options(
    base: QuestionOptions,
    *,
    voice_id: str | None = None,
    voice_url: str | None = None,
    language: str | None = None,
    mode: Mode | None = None,
    prompt: Prompt | str | None = None,
) -> QuestionOptions:
    """(v3) `base` with what one question asks for on top.

    A prompt is the role's text, or `Prompt("url", link)` with the https link of a PDF of at most
    50 MB. The size isn't known here; the service refuses a larger one.
    """
    _check_word("voice_id", voice_id)
    _check_link("voice_url", voice_url, ("https", "http"))
    _check_word("language", language)
    _check_mode("mode", mode)
    if isinstance(prompt, str):
        prompt = Prompt("text", prompt)
    if prompt is not None:
        if prompt.source not in ("text", "url"):
            raise InvalidParameterError("prompt.from", f"{prompt.source!r} isn't 'text' or 'url'")
        if prompt.source == "url" and prompt.content:
            _check_link("prompt.content", prompt.content, ("https",))
    return QuestionOptions(
        voice_id=voice_id or base.voice_id,
        voice_url=voice_url or base.voice_url,
        language=language or base.language,
        mode_type=mode or base.mode_type,
        prompt=prompt or base.prompt,
    )


def check_text(text: object) -> str:
    """A text to send: not empty, and encodable."""
    if not isinstance(text, str):
        raise InvalidParameterError("text", f"{type(text).__name__} isn't a str")
    if not text.strip():
        raise InvalidParameterError("text", "is empty")
    return text


def check_timeout(timeout: float | None, default: float) -> float:
    """A limit in seconds, above 0."""
    if timeout is None:
        return default
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise InvalidParameterError("timeout", f"{timeout!r} isn't a number of seconds above 0")
    return timeout


def check_action(action: str | None, expression: str | None) -> None:
    """A gesture and/or an expression that the avatar knows."""
    if action is None and expression is None:
        raise InvalidParameterError("action", "give an action, an expression or both")
    if action is not None and action not in ACTIONS:
        raise InvalidParameterError("action", f"{action!r} isn't one of {', '.join(ACTIONS)}")
    if expression is not None and expression not in EXPRESSIONS:
        known = ", ".join(EXPRESSIONS)
        raise InvalidParameterError("expression", f"{expression!r} isn't one of {known}")


def _check_mode(name: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or value not in (1, 2)):
        raise InvalidParameterError(name, f"{value!r} isn't 1 (retelling) or 2 (dialogue)")


def _check_word(name: str, value: object) -> None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise InvalidParameterError(name, f"{value!r} isn't a non-empty str")


def _check_link(name: str, value: object, schemes: tuple[str, ...]) -> None:
    if value is None:
        return
    problem = f"isn't an {' or '.join(schemes)} link"
    if not isinstance(value, str):
        raise InvalidParameterError(name, problem)
    try:
        parts = urlsplit(value)
    except ValueError as error:
        raise InvalidParameterError(name, problem) from error
    if parts.scheme not in schemes or not parts.hostname:
        raise InvalidParameterError(name, problem)


def _check_number(name: str, value: object, low: float, high: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or math.isnan(value) or not low <= value <= high:  # type: ignore[arg-type, operator]
        raise InvalidParameterError(name, f"{value!r} isn't a number from {low:g} to {high:g}")


def _check_pronunciation(value: Mapping[str, str]) -> None:
    if not isinstance(value, Mapping):
        raise InvalidParameterError("pron_map", "isn't a mapping of words to how they sound")
    for word, sound in value.items():
        if not (isinstance(word, str) and word and isinstance(sound, str) and sound):
            raise InvalidParameterError("pron_map", f"{word!r}: {sound!r} aren't two words")


def _check_turn_detection(value: Mapping[str, Any]) -> None:
    if not isinstance(value, Mapping):
        raise InvalidParameterError("turn_detection", "isn't a mapping")
    kind = value.get("type", "server_vad")
    if kind not in ("server_vad", "semantic_vad"):
        raise InvalidParameterError(
            "turn_detection.type", f"{kind!r} isn't 'server_vad' or 'semantic_vad'"
        )
    for name, given in value.items():
        field = f"turn_detection.{name}"
        if name == "type":
            continue
        if name not in _VAD_ONLY:
            raise InvalidParameterError(field, "isn't a field of turn_detection")
        if kind == "semantic_vad":
            raise InvalidParameterError(field, "is for server_vad only")
        if name == "threshold":
            _check_number(field, given, 0, 1)
        elif isinstance(given, bool) or not isinstance(given, int) or given < 0:
            raise InvalidParameterError(field, f"{given!r} isn't a whole number of milliseconds")
