from __future__ import annotations

from typing import Any

import pytest

from akool_async.simulator.checks import Refusal
from akool_async.simulator.voice_checks import check_voice_params, check_vparams

SPEECH: dict[str, Any] = {
    "speed": 0.8,
    "stt_language": "en",
    "stt_type": "openai_realtime",
    "pron_map": {"akool": "ai ku er"},
    "turn_detection": {"threshold": 1, "prefix_padding_ms": 0, "silence_duration_ms": 500},
}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"speed": 0.7}, "speed"),
    ({"speed": 1.3}, "speed"),
    ({"stt_language": "english"}, "stt_language"),
    ({"stt_type": "whisper"}, "stt_type"),
    ({"pron_map": {"akool": 5}}, "akool"),
    ({"pron_map": "akool"}, "pron_map"),
    ({"turn_detection": {"type": "push_to_talk"}}, "type"),
    ({"turn_detection": {"threshold": 1.1}}, "threshold"),
    ({"turn_detection": {"silence_duration_ms": -1}}, "silence_duration_ms"),
    (
        {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}},
        "turn_detection.threshold is for server_vad only",
    ),
]


@pytest.mark.parametrize(("params", "named"), WRONG)
def test_both_places_refuse_the_same(params: dict[str, Any], named: str) -> None:
    for check in (check_vparams, lambda given: check_voice_params(given, fast_dialogue=False)):
        with pytest.raises(Refusal) as caught:
            check(params)
        assert caught.value.code == 1003
        assert named in caught.value.message


@pytest.mark.parametrize(
    ("params", "named"), [({"vid": 5}, "vid"), ({"vid": ""}, "vid"), ({"vurl": "x"}, "vurl")]
)
def test_a_commands_voice(params: dict[str, Any], named: str) -> None:
    with pytest.raises(Refusal, match=f"1003: {named}"):
        check_vparams(params)


def test_everything_documented_is_taken() -> None:
    check_vparams({"vid": "v", "vurl": "https://host/v", **SPEECH})
    eleven = {"api_key": "k", "stability": 0, "style": 1, "use_speaker_boost": False}
    check_voice_params({**SPEECH, "elevenlabs_settings": eleven}, fast_dialogue=False)
    check_voice_params({"voice_id": "alloy", "elevenlabs_settings": eleven}, fast_dialogue=True)


@pytest.mark.parametrize(
    ("eleven", "named"),
    [
        ({"api_key": 5}, "api_key"),
        ({"stability": 1.5}, "stability"),
        ({"use_speaker_boost": 1}, "use_speaker_boost"),
    ],
)
def test_a_voice_of_elevenlabs(eleven: dict[str, Any], named: str) -> None:
    with pytest.raises(Refusal, match=f"1003: {named}"):
        check_voice_params({"elevenlabs_settings": eleven}, fast_dialogue=False)


def test_fast_dialogue_takes_less() -> None:
    with pytest.raises(Refusal, match=r"voice_params\.speed is not for fast_dialogue"):
        check_voice_params({"speed": 1.0, "voice_id": "alloy"}, fast_dialogue=True)
    with pytest.raises(Refusal, match="voice_id must be one of alloy"):
        check_voice_params({"voice_id": "iP95p4xoKVk53GoZ742B"}, fast_dialogue=True)
