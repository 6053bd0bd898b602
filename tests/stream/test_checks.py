"""What is sent is exact, fits, or is refused by name before anything is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from akool_async.errors import InvalidParameterError, MessageTooLargeError
from akool_async.stream import (
    AGORA,
    CHATROOM,
    Chat,
    ChatDelta,
    CommandAnswer,
    Interrupt,
    LatePart,
    PacketLimits,
    PartialChat,
    Prompt,
    QuestionOptions,
    RawPayload,
    SetAction,
    SetParams,
    SpeechEvent,
    StreamCodec,
    UnknownMessage,
    VoiceParams,
)


@pytest.fixture
def codec() -> StreamCodec:
    return StreamCodec(AGORA)


@pytest.mark.parametrize(
    ("message", "packet"),
    [
        (
            Chat("Hi", "m"),
            {"type": "chat", "mid": "m", "idx": 0, "fin": True, "pld": {"text": "Hi"}},
        ),
        (
            Chat("Hi", "m", "user"),
            {
                "type": "chat",
                "mid": "m",
                "idx": 0,
                "fin": True,
                "pld": {"from": "user", "text": "Hi"},
            },
        ),
        (Interrupt("m"), {"type": "command", "mid": "m", "pld": {"cmd": "interrupt"}}),
        (
            SetParams("m", lang="en", mode=1, bgurl="", vparams=VoiceParams(vid="", pron_map={})),
            {
                "type": "command",
                "mid": "m",
                "pld": {"cmd": "set-params", "data": {"lang": "en", "mode": 1}},
            },
        ),
        (
            SetParams(
                "m",
                bgurl="https://e.org/b.png",
                vparams=VoiceParams(
                    "v",
                    "https://e.org/v",
                    1.2,
                    "de",
                    "openai_realtime",
                    {"akool": "ai ku er"},
                    {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 500},
                ),
            ),
            {
                "type": "command",
                "mid": "m",
                "pld": {
                    "cmd": "set-params",
                    "data": {
                        "bgurl": "https://e.org/b.png",
                        "vparams": {
                            "vid": "v",
                            "vurl": "https://e.org/v",
                            "speed": 1.2,
                            "stt_language": "de",
                            "stt_type": "openai_realtime",
                            "pron_map": {"akool": "ai ku er"},
                            "turn_detection": {
                                "type": "server_vad",
                                "threshold": 0.5,
                                "silence_duration_ms": 500,
                            },
                        },
                    },
                },
            },
        ),
        (
            SetAction("m", expression="angry"),
            {
                "type": "command",
                "mid": "m",
                "pld": {"cmd": "set-action", "data": {"expression": "angry"}},
            },
        ),
        (
            CommandAnswer("interrupt", 1003, "bad", "m"),
            {
                "type": "command",
                "mid": "m",
                "pld": {"cmd": "interrupt", "code": 1003, "msg": "bad"},
            },
        ),
        (
            CommandAnswer("interrupt", 1000),
            {"type": "command", "pld": {"cmd": "interrupt", "code": 1000, "msg": ""}},
        ),
        (
            SpeechEvent("audio_end", "m"),
            {"type": "event", "mid": "m", "pld": {"event": "audio_end"}},
        ),
    ],
)
def test_packets_are_as_documented(codec: StreamCodec, message: Any, packet: Any) -> None:
    [written] = codec.encode(message)
    assert json.loads(written) == {"v": 2, **packet}
    assert codec.decode(written, now=0.0)[-1] == (
        SetParams("m", "en", 1) if isinstance(message, SetParams) and message.lang else message
    )


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (SetParams("m", bgurl="https://e.org/\ud83d"), "bgurl"),
        (SetParams("m", lang="\ud83d"), "lang"),
        (SetParams("m", vparams=VoiceParams(pron_map={"\ude00": "a"})), "vparams.pron_map"),
        (SetParams("m", vparams=VoiceParams(pron_map={"a": "\ude00"})), "vparams.pron_map.a"),
        (Interrupt("m\ud83d"), "mid"),
        (Chat("Hi", "m\ud83d"), "mid"),
    ],
)
def test_half_a_surrogate_pair_is_refused_by_name(
    codec: StreamCodec, message: Any, field: str
) -> None:
    with pytest.raises(InvalidParameterError, match="half of a surrogate pair") as refused:
        codec.encode(message)
    assert refused.value.field == field


def test_an_unknown_message_is_passed_on_as_it_came(codec: StreamCodec) -> None:
    assert codec.encode(UnknownMessage(b"\x00raw", "not JSON")) == [b"\x00raw"]


TURNS = "vparams.turn_detection"


@pytest.mark.parametrize(
    ("message", "field", "problem"),
    [
        (Chat("Hi"), "mid", "is empty"),
        (Chat("Hi", 7), "mid", "a value of type int isn't a string"),
        (Interrupt("m" * 513), "mid", "has 513 characters, use 512 or fewer"),
        (Chat("Hi", "m", "avatar"), "sender", "'avatar' is none of bot, user, None"),
        (Chat(b"Hi", "m"), "text", "is of type bytes, give a str"),
        (Chat("Hi", "m", options=QuestionOptions()), "options", "go with version 3 only"),
        (Interrupt(""), "mid", "is empty"),
        (SetParams("m", mode=3), "mode", "3 isn't allowed, use 1 (retelling) or 2 (dialogue)"),
        (SetParams("m", mode="1"), "mode", "'1' isn't allowed"),
        (SetParams("m", lang=5), "lang", "5 isn't a string"),
        (SetParams("m", bgurl=b"x"), "bgurl", "a value of type bytes isn't a string"),
        (SetAction("m"), "action", "is missing: give an action, an expression or both"),
        (SetAction("m", "jump"), "action", "'jump' isn't allowed, use one of: hand_wave, cheer"),
        (
            SetAction("m", "nod", "joy"),
            "expression",
            "'joy' isn't allowed, use one of: angry",
        ),
        (ChatDelta("Hi", "m", "bot"), "message", "a ChatDelta isn't sent by itself"),
        (PartialChat("", "m", "bot", (), "age"), "message", "a PartialChat isn't sent"),
        (LatePart("", "m", "bot", 1), "message", "a LatePart isn't sent"),
        (RawPayload(b"x"), "message", "a RawPayload isn't sent by itself in version 2"),
    ],
)
def test_refused_by_name(codec: StreamCodec, message: Any, field: str, problem: str) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        codec.encode(message)
    assert refused.value.field == field
    assert problem in refused.value.problem


@pytest.mark.parametrize(
    ("voice", "field", "problem"),
    [
        ({"vid": 1}, "vparams.vid", "1 isn't a string"),
        ({"speed": 0.79}, "vparams.speed", "0.79 is out of range, allowed: 0.8..1.2"),
        ({"speed": float("nan")}, "vparams.speed", "nan is out of range"),
        ({"speed": "1"}, "vparams.speed", "'1' isn't a number"),
        ({"speed": True}, "vparams.speed", "True isn't a number"),
        ({"pron_map": {"a": 1}}, "vparams.pron_map.a", "1 isn't a string"),
        ({"pron_map": "akool"}, "vparams.pron_map", "type str isn't a mapping of words"),
        ({"turn_detection": "vad"}, TURNS, "type str isn't a mapping"),
        (
            {"turn_detection": {"type": "vad"}},
            f"{TURNS}.type",
            "'vad' isn't allowed, use one of",
        ),
        (
            {"turn_detection": {"type": []}},
            f"{TURNS}.type",
            "[] isn't allowed, use one of",
        ),
        (
            {"turn_detection": {"treshold": 1}},
            f"{TURNS}.treshold",
            "isn't a documented field",
        ),
        ({"turn_detection": {"threshold": 1.1}}, f"{TURNS}.threshold", "allowed: 0.0..1.0"),
        ({"turn_detection": {"silence_duration_ms": -1}}, f"{TURNS}.silence_duration_ms", "0 or"),
        (
            {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}},
            f"{TURNS}.threshold",
            "is for server_vad only",
        ),
    ],
)
def test_voice_parameters_are_checked(
    codec: StreamCodec, voice: dict[str, Any], field: str, problem: str
) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        codec.encode(SetParams("m", vparams=VoiceParams(**voice)))
    assert refused.value.field == field
    assert problem in refused.value.problem


def test_a_command_too_large_for_a_packet_is_refused_with_both_sizes(codec: StreamCodec) -> None:
    sounds = {f"word{number}": "sounds like this" for number in range(50)}
    with pytest.raises(MessageTooLargeError) as refused:
        codec.encode(SetParams("m", vparams=VoiceParams(pron_map=sounds)))
    error = refused.value
    assert (error.size, error.limit) == (1485, 1000)
    assert str(error) == "message: takes 1485 bytes and can't be cut, a packet holds 1000"


@pytest.mark.parametrize("dialect", ["v2", "v3"])
def test_an_envelope_that_leaves_no_room_is_refused(dialect: str) -> None:
    codec = StreamCodec(PacketLimits(200), dialect)
    with pytest.raises(MessageTooLargeError) as refused:
        codec.encode(Chat("", "m" * 140))
    error = refused.value
    assert error.field == "mid"
    assert error.limit == 200
    assert error.size + 7 > 200
    assert f"the envelope takes {error.size} bytes" in error.problem
    assert codec.encode(Chat("", "m" * 90)) != []


@pytest.mark.parametrize(
    ("message", "field", "problem"),
    [
        (Interrupt("m"), "message", "version 3 has no Interrupt, only Chat"),
        (SetParams("m"), "message", "version 3 has no SetParams"),
        (ChatDelta("Hi", "m", "bot"), "message", "version 3 has no ChatDelta"),
        (RawPayload("x"), "data", "is of type str, give bytes"),
        (Chat("Hi", "m", "user"), "sender", "version 3 has no messages from user"),
        (Chat("Hi", "m", options=QuestionOptions(mode_type=3)), "mode_type", "3 isn't allowed"),
        (Chat("Hi", "m", options=QuestionOptions(voice_id=1)), "voice_id", "1 isn't a string"),
        (
            Chat("Hi", "m", options=QuestionOptions(prompt=Prompt("pdf", ""))),
            "prompt.source",
            "'pdf' isn't allowed, use one of: text, url",
        ),
        (
            Chat("Hi", "m", options=QuestionOptions(prompt=Prompt("text", None))),
            "prompt.content",
            "a value of type NoneType isn't a string",
        ),
    ],
)
def test_refused_by_name_in_version_3(message: Any, field: str, problem: str) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        StreamCodec(CHATROOM, "v3").encode(message)
    assert refused.value.field == field
    assert problem in refused.value.problem
