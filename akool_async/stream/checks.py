"""What a message may hold: checked by name before anything is sent (docs/protocol.md §2, §3).

The checks of the values are those of `akool_async.validation`; the names are the wire's. As on the
wire, an empty string or mapping is the same as a field left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from akool_async import validation
from akool_async.errors import InvalidParameterError
from akool_async.stream.languages import name_of_language
from akool_async.stream.messages import (
    ACTIONS,
    EXPRESSIONS,
    Prompt,
    QuestionOptions,
    SetAction,
    SetParams,
    VoiceParams,
)
from akool_async.stream.tolerant_json import MAX_MID

__all__ = ["action_data", "check_mid", "options_data", "params_data", "prompt_data"]

_Checks = Mapping[str, Callable[[str, object], object]]
_PARAMS: Final[_Checks] = {
    "lang": validation.text,
    "mode": validation.mode,
    "bgurl": validation.url,
}
_VOICE: Final[_Checks] = {
    "vid": validation.text,
    "vurl": validation.url,
    "speed": validation.speed,
    "stt_language": validation.text,
    "stt_type": validation.stt_type,
    "pron_map": validation.pronunciations,
    "turn_detection": validation.turn_detection,
}
_OPTIONS: Final[_Checks] = {
    "voice_id": validation.text,
    "voice_url": validation.url,
    "language": validation.text,
    "mode_type": validation.mode,
}


def _checked(message: object, checks: _Checks, prefix: str = "") -> dict[str, Any]:
    """The fields that are given, checked; the empty ones are left out."""
    data: dict[str, Any] = {}
    for name, check in checks.items():
        value = getattr(message, name)
        if value is None or (isinstance(value, str | Mapping) and not value):
            continue
        data[name] = check(prefix + name, value)
    return data


def check_mid(mid: object) -> str:
    """Refuses what can't name a message."""
    name = validation.text("mid", mid, secret=True)
    if len(name) > MAX_MID:
        raise InvalidParameterError("mid", f"has {len(name)} characters, use {MAX_MID} or fewer")
    return name


def params_data(message: SetParams) -> dict[str, Any]:
    """`pld.data` of set-params, without its empty fields."""
    data = _checked(message, _PARAMS)
    if message.vparams is not None:
        if not isinstance(message.vparams, VoiceParams):
            raise InvalidParameterError(
                "vparams", f"is of type {type(message.vparams).__name__}, give VoiceParams"
            )
        voice = _checked(message.vparams, _VOICE, "vparams.")
        if voice:
            data["vparams"] = voice
    return data


def action_data(message: SetAction) -> dict[str, Any]:
    """`pld.data` of set-action."""
    data: dict[str, Any] = {}
    if message.action:
        data["action"] = validation.choice("action", message.action, ACTIONS)
    if message.expression:
        data["expression"] = validation.choice("expression", message.expression, EXPRESSIONS)
    if not data:
        raise InvalidParameterError("action", "is missing: give an action, an expression or both")
    return data


def options_data(options: QuestionOptions | None, *, named: bool) -> dict[str, Any]:
    """(v3) The fields of a question, without the empty ones; `named`: the language by its name."""
    if options is None:
        return {}
    data = _checked(options, _OPTIONS)
    if named and "language" in data:
        data["language"] = name_of_language(data["language"])
    if options.prompt is not None:
        data["prompt"] = prompt_data(options.prompt)
    return data


def prompt_data(prompt: Prompt) -> dict[str, Any]:
    """(v3) The avatar's role: a text, which may be empty, or the https link of a PDF."""
    if not isinstance(prompt, Prompt):
        raise InvalidParameterError(
            "prompt", f"is of type {type(prompt).__name__}, give a str or Prompt"
        )
    source = validation.choice("prompt.source", prompt.source, ("text", "url"))
    content = validation.text("prompt.content", prompt.content, empty=True, secret=True)
    if source == "url" and content:
        content = validation.url("prompt.content", content, ("https",))
    return {"from": source, "content": content}
