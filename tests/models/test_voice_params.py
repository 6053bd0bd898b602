from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from akool_async.errors import InvalidParameterError
from akool_async.models import ElevenLabsSettings, TurnDetection, VoiceParams

KEY = "elevenlabs-key-0123456789"


def test_mappings_become_the_nested_classes() -> None:
    params = VoiceParams.of(
        {
            "speed": 1,
            "turn_detection": {"threshold": 0.5},
            "elevenlabs_settings": {"api_key": KEY, "style": 0},
        }
    )
    assert params.turn_detection == TurnDetection(threshold=0.5)
    assert isinstance(params.elevenlabs_settings, ElevenLabsSettings)
    assert params.to_wire() == {
        "speed": 1.0,
        "turn_detection": {"type": "server_vad", "threshold": 0.5},
        "elevenlabs_settings": {"api_key": KEY, "style": 0.0},
    }


def test_an_instance_is_taken_as_it_is() -> None:
    params = VoiceParams(speed=1.1)
    assert VoiceParams.of(params) is params


def test_empty_strings_count_as_left_out() -> None:
    assert VoiceParams(voice_id="", stt_language="", turn_detection="").to_wire() == {}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"volume": 1}, "voice_params"),
        ({"speed": 0.7}, "voice_params.speed"),
        ({"pron_map": {"a": 1}}, "voice_params.pron_map"),
        ({"stt_type": "whisper"}, "voice_params.stt_type"),
        (
            {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}},
            "voice_params.turn_detection",
        ),
        ({"elevenlabs_settings": {"style": 2}}, "voice_params.elevenlabs_settings.style"),
        (
            {"elevenlabs_settings": {"use_speaker_boost": 1}},
            "voice_params.elevenlabs_settings.use_speaker_boost",
        ),
        ({"elevenlabs_settings": {"api_key": ""}}, "voice_params.elevenlabs_settings.api_key"),
    ],
)
def test_a_wrong_field_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        VoiceParams.of(given)
    assert caught.value.field.startswith(field)


@pytest.mark.parametrize("key", [KEY, SecretStr(KEY)])
def test_the_key_is_sent_and_never_shown(key: str | SecretStr) -> None:
    params = VoiceParams(elevenlabs_settings=ElevenLabsSettings(api_key=key))
    assert params.to_wire()["elevenlabs_settings"]["api_key"] == KEY
    for shown in (repr(params), repr(params.elevenlabs_settings), repr(dataclasses.asdict(params))):
        assert KEY not in shown


def test_a_wrong_key_is_not_quoted() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        ElevenLabsSettings(api_key=["secret-list"])  # type: ignore[arg-type]
    assert "secret-list" not in str(caught.value)


def test_none_can_be_changed_once_it_is_checked() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TurnDetection().threshold = 5  # type: ignore[misc]


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(VoiceParams)])
def test_an_array_is_refused_by_name(name: str) -> None:
    with pytest.raises(InvalidParameterError, match=rf"voice_params\.{name}"):
        VoiceParams(**{name: np.array([1, 2])})
