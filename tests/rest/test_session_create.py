from __future__ import annotations

import dataclasses
import enum
from fractions import Fraction
from typing import Any

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.models import (
    AgoraCredentials,
    ElevenLabsSettings,
    TRTCCredentials,
    TurnDetection,
    VoiceParams,
)
from akool_async.models.session_fields import SessionFields
from akool_async.rest.session_create import session_create_body

AVATAR = "dvp_Tristan_cloth2_1080P"

EVERYTHING: dict[str, Any] = {
    "duration": 600,
    "knowledge_id": "66a",
    "voice_id": "iP95p4xoKVk53GoZ742B",
    "voice_url": "https://host/voice",
    "language": "en",
    "mode": 2,
    "background_url": "https://host/b.mp4",
    "scene_mode": "meeting",
    "voice_params": {
        "speed": 1.1,
        "pron_map": {"akool": "ai ku er"},
        "stt_language": "en",
        "stt_type": "openai_realtime",
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 500,
        },
        "elevenlabs_settings": {
            "api_key": "elevenlabs-key-123",
            "model_id": "m",
            "stability": 0.0,
            "similarity_boost": 1.0,
            "style": 0.5,
            "use_speaker_boost": True,
        },
    },
    "stream_type": "agora",
    "credentials": {
        "agora_uid": 7,
        "agora_channel": "c",
        "agora_token": "agora-token-123",
        "agora_app_id": "a",
    },
}


def test_every_documented_field_goes_out_as_it_is() -> None:
    body = {"avatar_id": AVATAR, "mode_type": 2, **EVERYTHING}
    del body["mode"]
    assert session_create_body(AVATAR, EVERYTHING) == body
    assert set(EVERYTHING) | {"e2e_type", "extra"} == set(SessionFields.__annotations__)


def test_the_avatar_alone_is_enough_and_none_is_left_out() -> None:
    assert session_create_body(AVATAR, {}) == {"avatar_id": AVATAR}
    nothing = dict.fromkeys(SessionFields.__annotations__)
    assert session_create_body(AVATAR, nothing) == {"avatar_id": AVATAR}


def test_an_empty_optional_field_is_left_out() -> None:
    for name in SessionFields.__annotations__:
        assert session_create_body(AVATAR, {name: ""}) == {"avatar_id": AVATAR}
    params = {"voice_id": "", "stt_language": "", "stt_type": "", "speed": 1}
    body = session_create_body(AVATAR, {"voice_params": params})
    assert body == {"avatar_id": AVATAR, "voice_params": {"speed": 1}}
    credentials = {**EVERYTHING["credentials"], "agora_app_id": ""}
    assert session_create_body(AVATAR, {"credentials": credentials})["credentials"] == {
        name: value for name, value in credentials.items() if value != ""
    }


class Color(enum.StrEnum):
    EN = "en"


class Seconds(enum.IntEnum):
    MINUTE = 60


def test_values_of_other_types_go_out_as_plain_ones() -> None:
    fields = {
        "language": Color.EN,
        "duration": Seconds.MINUTE,
        "mode": Seconds(60) - 58,
        "voice_params": {"stt_language": Color.EN, "speed": Fraction(11, 10)},
    }
    body = session_create_body(Color.EN, fields)
    assert body == {
        "avatar_id": "en",
        "language": "en",
        "duration": 60,
        "mode_type": 2,
        "voice_params": {"stt_language": "en", "speed": 1.1},
    }
    kinds = [type(body[name]) for name in ("avatar_id", "language", "duration")]
    assert kinds == [str, str, int]
    assert type(body["voice_params"]["speed"]) is float


@pytest.mark.parametrize(
    ("fields", "field", "problem"),
    [
        ({"duration": 0}, "duration", "1..3600 seconds"),
        ({"duration": 3601}, "duration", "3601 is out of range"),
        ({"duration": 60.5}, "duration", "whole number"),
        ({"duration": True}, "duration", "whole number"),
        ({"knowledge_id": " "}, "knowledge_id", "empty"),
        ({"voice_id": 5}, "voice_id", "string"),
        ({"voice_url": "voice"}, "voice_url", "scheme"),
        ({"language": " "}, "language", "empty"),
        ({"mode": 3}, "mode", "1, 2"),
        ({"mode": "2"}, "mode", "1, 2"),
        ({"background_url": "file:///etc"}, "background_url", "https://"),
        ({"scene_mode": "party"}, "scene_mode", "fast_dialogue, meeting"),
        ({"e2e_type": "openai"}, "e2e_type", "fast_dialogue"),
        ({"e2e_type": "x"}, "e2e_type", "openai"),
        ({"stream_type": "rtmp"}, "stream_type", "agora, livekit, trtc"),
        ({"durration": 5}, "durration", "duration"),
        ({"voice_params": {"speed": 1.3}}, "voice_params.speed", "0.8..1.2"),
        ({"voice_params": {"speed": "1"}}, "voice_params.speed", "0.8..1.2"),
        ({"voice_params": {"sped": 1}}, "voice_params.sped", "speed"),
        ({"voice_params": "fast"}, "voice_params", "mapping"),
        ({"voice_params": {"pron_map": {"a": 1}}}, "voice_params.pron_map.a", "string"),
        ({"voice_params": {"pron_map": ["a"]}}, "voice_params.pron_map", "mapping"),
        ({"voice_params": {"stt_type": "x"}}, "voice_params.stt_type", "openai_realtime"),
        ({"voice_params": {"stt_language": " "}}, "voice_params.stt_language", "empty"),
        (
            {"voice_params": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}},
            "voice_params.turn_detection.threshold",
            "server_vad only",
        ),
        (
            {"voice_params": {"turn_detection": {"type": "x"}}},
            "voice_params.turn_detection.type",
            "server_vad, semantic_vad",
        ),
        (
            {"voice_params": {"turn_detection": {"threshold": 1.5}}},
            "voice_params.turn_detection.threshold",
            "0.0..1.0",
        ),
        (
            {"voice_params": {"turn_detection": {"silence_duration_ms": -1}}},
            "voice_params.turn_detection.silence_duration_ms",
            "0 or more ms",
        ),
        (
            {"voice_params": {"elevenlabs_settings": {"stability": 2}}},
            "voice_params.elevenlabs_settings.stability",
            "0.0..1.0",
        ),
        (
            {"voice_params": {"elevenlabs_settings": {"use_speaker_boost": 1}}},
            "voice_params.elevenlabs_settings.use_speaker_boost",
            "True or False",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_range(
    fields: dict[str, Any], field: str, problem: str
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        session_create_body(AVATAR, fields)
    assert caught.value.field == field
    assert problem in caught.value.problem


def test_no_avatar_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match=r"^avatar_id: is empty"):
        session_create_body("", {})


class TestFastDialogue:
    def test_takes_its_own_fields(self) -> None:
        body = session_create_body(
            AVATAR,
            {
                "scene_mode": "fast_dialogue",
                "e2e_type": "openai",
                "voice_id": "marin",
                "voice_params": VoiceParams(
                    stt_language="en", turn_detection=TurnDetection(type="semantic_vad")
                ),
            },
        )
        assert body["voice_params"] == {
            "voice_id": "marin",
            "stt_language": "en",
            "turn_detection": {"type": "semantic_vad"},
        }
        assert "voice_id" not in body

    @pytest.mark.parametrize(
        "fields",
        [
            {"voice_id": "marin"},
            {"voice_params": {"voice_id": "marin"}},
            {"voice_params": VoiceParams(voice_id="marin")},
            {"voice_id": "marin", "voice_params": {"voice_id": "marin"}},
            {"voice_id": "", "voice_params": {"voice_id": "marin"}},
        ],
    )
    def test_a_preset_voice_goes_into_voice_params(self, fields: dict[str, Any]) -> None:
        body = session_create_body(AVATAR, {"scene_mode": "fast_dialogue", **fields})
        assert body == {
            "avatar_id": AVATAR,
            "scene_mode": "fast_dialogue",
            "voice_params": {"voice_id": "marin"},
        }

    @pytest.mark.parametrize(
        ("fields", "field", "problem"),
        [
            ({"voice_params": {"voice_id": "x"}}, "voice_params.voice_id", "alloy, ash"),
            (
                {"voice_id": "marin", "voice_params": {"voice_id": "cedar"}},
                "voice_id",
                "differs from voice_params.voice_id",
            ),
            (
                {"scene_mode": "meeting", "voice_params": {"voice_id": "marin"}},
                "voice_params.voice_id",
                "fast_dialogue",
            ),
        ],
    )
    def test_a_preset_voice_that_is_wrong(
        self, fields: dict[str, Any], field: str, problem: str
    ) -> None:
        with pytest.raises(InvalidParameterError) as caught:
            session_create_body(AVATAR, {"scene_mode": "fast_dialogue", **fields})
        assert caught.value.field == field
        assert problem in caught.value.problem

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"voice_url": "https://host/v"}, "voice_url"),
            ({"voice_id": "somebody"}, "voice_id"),
            ({"voice_params": {"speed": 1.0}}, "voice_params.speed"),
            ({"voice_params": {"pron_map": {"a": "b"}}}, "voice_params.pron_map"),
            ({"voice_params": {"stt_type": "openai_realtime"}}, "voice_params.stt_type"),
        ],
    )
    def test_takes_nothing_else(self, fields: dict[str, Any], field: str) -> None:
        assert session_create_body(AVATAR, {**fields, "scene_mode": "meeting"})
        with pytest.raises(InvalidParameterError) as caught:
            session_create_body(AVATAR, {**fields, "scene_mode": "fast_dialogue"})
        assert caught.value.field == field

    def test_with_elevenlabs_the_voice_is_theirs(self) -> None:
        params = VoiceParams(elevenlabs_settings=ElevenLabsSettings(model_id="m"))
        fields = {"scene_mode": "fast_dialogue", "voice_id": "theirs", "voice_params": params}
        assert session_create_body(AVATAR, fields)["voice_id"] == "theirs"


class TestCredentials:
    def test_those_of_another_room_are_refused(self) -> None:
        agora = EVERYTHING["credentials"]
        with pytest.raises(InvalidParameterError) as caught:
            session_create_body(AVATAR, {"stream_type": "livekit", "credentials": agora})
        assert caught.value.field == "credentials.agora_uid"
        assert 'stream_type="agora"' in caught.value.problem

    def test_without_a_stream_type_they_are_agoras(self) -> None:
        agora = EVERYTHING["credentials"]
        assert session_create_body(AVATAR, {"credentials": agora})["credentials"] == agora
        with pytest.raises(InvalidParameterError, match=r"credentials\.livekit_url"):
            session_create_body(AVATAR, {"credentials": {"livekit_url": "wss://h"}})

    @pytest.mark.parametrize("missing", ["agora_uid", "agora_channel", "agora_token"])
    def test_a_missing_field_is_named(self, missing: str) -> None:
        agora = {**EVERYTHING["credentials"], missing: None}
        with pytest.raises(InvalidParameterError) as caught:
            session_create_body(AVATAR, {"credentials": agora})
        assert caught.value.field == f"credentials.{missing}"

    def test_trtcs_are_sent_in_the_spelling_that_is_sent(self) -> None:
        received = TRTCCredentials.read(
            {"trtc_app_id": 5, "trtc_room_id": "r", "trtc_user_id": "u", "trtc_user_sig": "s"}
        )
        body = session_create_body(AVATAR, {"stream_type": "trtc", "credentials": received})
        assert body["credentials"] == {
            "trtc_sdk_app_id": 5,
            "trtc_sdk_room_id": "r",
            "trtc_sdk_user_id": "u",
            "trtc_sdk_user_sig": "s",
        }

    def test_a_model_is_as_good_as_a_mapping(self) -> None:
        model = AgoraCredentials.read(EVERYTHING["credentials"])
        body = session_create_body(AVATAR, {"credentials": model})
        assert body["credentials"] == EVERYTHING["credentials"]


def test_keys_of_others_never_show() -> None:
    settings = ElevenLabsSettings(api_key="elevenlabs-key-123")
    assert "elevenlabs-key" not in str(dataclasses.asdict(settings))
    assert "elevenlabs-key" not in str(
        dataclasses.asdict(VoiceParams(elevenlabs_settings=settings))
    )
    assert settings.to_wire() == {"api_key": "elevenlabs-key-123"}
    assert "elevenlabs-key" not in repr(settings)
    assert "elevenlabs-key" not in repr(VoiceParams(elevenlabs_settings=settings))
    with pytest.raises(InvalidParameterError) as caught:
        ElevenLabsSettings(api_key=["elevenlabs-key-123"])  # type: ignore[arg-type]
    assert "elevenlabs-key" not in str(caught.value)
