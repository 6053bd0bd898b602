"""What may be sent in a command: checked by name before anything is sent.

See docs/protocol.md §1, §2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from akool_async.errors import InvalidParameterError
from akool_async.stream.lenient import MAX_MID
from akool_async.stream.messages import ACTIONS, EXPRESSIONS, SetAction, SetParams, VoiceParams

__all__ = ["action_data", "check_mid", "params_data"]

_TURN_DETECTION = ("server_vad", "semantic_vad")
_SERVER_VAD_ONLY = ("threshold", "prefix_padding_ms", "silence_duration_ms")


def check_mid(mid: object) -> None:
    """Refuses what can't name a message."""
    if not isinstance(mid, str):
        raise InvalidParameterError("mid", f"is of type {type(mid).__name__}, give a str")
    if not mid:
        raise InvalidParameterError("mid", "is empty, give each message a mid of its own")
    if len(mid) > MAX_MID:
        raise InvalidParameterError("mid", f"has {len(mid)} characters, use {MAX_MID} or fewer")


def params_data(message: SetParams) -> dict[str, Any]:
    """`pld.data` of set-params, without its empty fields."""
    data: dict[str, Any] = {}
    if message.lang:
        data["lang"] = _text("lang", message.lang)
    if message.mode is not None:
        if message.mode not in (1, 2):
            raise InvalidParameterError(
                "mode", f"{message.mode!r} is neither 1 (retelling) nor 2 (dialogue)"
            )
        data["mode"] = int(message.mode)
    if message.bgurl:
        data["bgurl"] = _text("bgurl", message.bgurl)
    if message.vparams is not None:
        voice = _voice(message.vparams)
        if voice:
            data["vparams"] = voice
    return data


def action_data(message: SetAction) -> dict[str, Any]:
    """`pld.data` of set-action."""
    data: dict[str, Any] = {}
    for name, value, known in (
        ("action", message.action, ACTIONS),
        ("expression", message.expression, EXPRESSIONS),
    ):
        if value:
            if value not in known:
                raise InvalidParameterError(name, f"{value!r} is none of {', '.join(known)}")
            data[name] = value
    if not data:
        raise InvalidParameterError("action", "is missing: give an action, an expression or both")
    return data


def _voice(voice: VoiceParams) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name in ("vid", "vurl", "stt_language", "stt_type"):
        value = getattr(voice, name)
        if value:
            data[name] = _text(f"vparams.{name}", value)
    if voice.speed is not None:
        _range("vparams.speed", voice.speed, 0.8, 1.2)
        data["speed"] = voice.speed
    if voice.pron_map:
        for word, sound in _mapping("vparams.pron_map", voice.pron_map).items():
            if not isinstance(word, str) or not isinstance(sound, str):
                raise InvalidParameterError("vparams.pron_map", "maps a str to a str each")
        data["pron_map"] = dict(voice.pron_map)
    if voice.turn_detection:
        data["turn_detection"] = _turn_detection(voice.turn_detection)
    return data


def _turn_detection(given: Mapping[str, Any]) -> dict[str, Any]:
    field = "vparams.turn_detection"
    data = dict(_mapping(field, given))
    kind = data.get("type", "server_vad")
    if kind not in _TURN_DETECTION:
        raise InvalidParameterError(
            f"{field}.type", f"{kind!r} is none of server_vad, semantic_vad"
        )
    for name, value in data.items():
        if name == "type":
            continue
        if name not in _SERVER_VAD_ONLY:
            raise InvalidParameterError(
                f"{field}.{name}", f"isn't known, use type, {', '.join(_SERVER_VAD_ONLY)}"
            )
        if kind != "server_vad":
            raise InvalidParameterError(f"{field}.{name}", "goes with the type server_vad only")
        _range(f"{field}.{name}", value, 0, 1 if name == "threshold" else math.inf)
    return data


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidParameterError(field, f"is of type {type(value).__name__}, give a str")
    return value


def _mapping(field: str, value: object) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise InvalidParameterError(field, f"is of type {type(value).__name__}, give a mapping")
    return value


def _range(field: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidParameterError(field, f"is of type {type(value).__name__}, give a number")
    if not low <= value <= high or not math.isfinite(value):
        limits = f"from {low} to {high}" if math.isfinite(high) else f"{low} or more"
        raise InvalidParameterError(field, f"{value} is out of range, use {limits}")
