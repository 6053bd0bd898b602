"""Voice parameters: the same objects in session/create and in the command `set-params`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from akool_async.simulator import checks

__all__ = ["check_voice_params", "check_vparams"]

_PRESETS: Final = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)
_FAST_DIALOGUE: Final = ("voice_id", "stt_language", "turn_detection", "elevenlabs_settings")


def check_vparams(params: Mapping[str, Any]) -> None:
    """`vparams` of set-params (docs/protocol.md §2).

    Raises:
        Refusal: 1003.
    """
    checks.text(params, "vid")
    checks.link(params, "vurl")
    _check_speech(params)


def check_voice_params(params: Mapping[str, Any], *, fast_dialogue: bool) -> None:
    """`voice_params` of session/create (docs/protocol.md §1).

    Raises:
        Refusal: 1003.
    """
    if fast_dialogue:
        wrong = sorted(set(params) - set(_FAST_DIALOGUE))
        if wrong:
            raise checks.Refusal(1003, f"voice_params.{wrong[0]} is not for fast_dialogue")
        checks.choice(params, "voice_id", _PRESETS)
    _check_speech(params)
    eleven = checks.section(params, "elevenlabs_settings")
    if eleven is not None:
        checks.text(eleven, "api_key")
        checks.text(eleven, "model_id")
        for name in ("stability", "similarity_boost", "style"):
            checks.number(eleven, name, 0, 1)
        checks.boolean(eleven, "use_speaker_boost")


def _check_speech(params: Mapping[str, Any]) -> None:
    checks.number(params, "speed", 0.8, 1.2)
    checks.language(params, "stt_language")
    checks.choice(params, "stt_type", ("openai_realtime",))
    sounds = checks.section(params, "pron_map")
    if sounds is not None:
        for word in sounds:
            checks.text(sounds, word)
    turns = checks.section(params, "turn_detection")
    if turns is None:
        return
    kind = checks.choice(turns, "type", ("server_vad", "semantic_vad")) or "server_vad"
    for name in ("threshold", "prefix_padding_ms", "silence_duration_ms"):
        if name in turns and kind == "semantic_vad":
            raise checks.Refusal(1003, f"turn_detection.{name} is for server_vad only")
    checks.number(turns, "threshold", 0, 1)
    checks.integer(turns, "prefix_padding_ms", 0)
    checks.integer(turns, "silence_duration_ms", 0)
