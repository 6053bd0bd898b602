"""What `set_params`, session/create and the codec take is the same, and of built-in types."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from akool_async.conversation.options import SessionInfo
from akool_async.conversation.params import Params, check_action, question_options
from akool_async.errors import InvalidParameterError, NotSupportedError
from akool_async.rest.session_create import session_create_body
from akool_async.stream import (
    AGORA,
    CHATROOM,
    LIVEKIT,
    Chat,
    PacketLimits,
    Prompt,
    QuestionOptions,
    SetParams,
    StreamCodec,
    VoiceParams,
)

codec = StreamCodec(LIVEKIT)
LINK = "https://e.org/x"


class Safe(str):
    __slots__ = ()


class Mode(enum.IntEnum):
    RETELLING = 1
    DIALOGUE = 2
    OTHER = 3


#: By the name in `Params`: as a field of session/create, and as one of the codec's message.
FIELDS: dict[str, tuple[str, str]] = {
    "mode": ("mode_type", "mode"),
    "language": ("language", "lang"),
    "voice_id": ("voice_id", "vparams.vid"),
    "voice_url": ("voice_url", "vparams.vurl"),
    "background_url": ("background_url", "bgurl"),
    "speed": ("voice_params.speed", "vparams.speed"),
    "pron_map": ("voice_params.pron_map", "vparams.pron_map"),
    "stt_language": ("voice_params.stt_language", "vparams.stt_language"),
    "stt_type": ("voice_params.stt_type", "vparams.stt_type"),
    "turn_detection": ("voice_params.turn_detection", "vparams.turn_detection"),
}

TEXTS = ["en", "x" * 300, " ", "\ud83d", "a\ud83d\ude00", Safe("de"), 7, b"en", ["en"], True]
LINKS = [
    LINK,
    "http://e.org",
    "e.org/x",
    "ftp://e.org",
    "https://",
    "https://e .org",
    Safe(LINK),
    7,
]
VALUES: dict[str, list[Any]] = {
    "mode": [1, 2, 3, 0, True, 1.0, "1", Mode.DIALOGUE, Mode.OTHER, 10**400, float("nan")],
    "language": TEXTS,
    "voice_id": TEXTS,
    "voice_url": LINKS,
    "background_url": LINKS,
    "speed": [0.8, 1, 1.2, 0.79, 1.21, True, "1", float("nan"), 10**400, Mode.RETELLING],
    "pron_map": [{"a": "b"}, {"a": ""}, {"": "b"}, {"a": 1}, {1: "b"}, ["a"], {"a": "\ud83d"}],
    "stt_language": TEXTS,
    "stt_type": ["openai_realtime", Safe("openai_realtime"), "whisper", 1, [], {"a": 1}],
    "turn_detection": [
        {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 300},
        MappingProxyType({"type": Safe("semantic_vad")}),
        {"threshold": 1},
        {"threshold": 1.5},
        {"threshold": True},
        {"silence_duration_ms": 1.5},
        {"silence_duration_ms": -1},
        {"prefix_padding_ms": Mode.OTHER},
        {"type": "vad"},
        {"type": "semantic_vad", "threshold": 0.5},
        {"treshold": 0.5},
        "server_vad",
        5,
    ],
}


def _by_params(name: str, value: Any) -> Any:
    return getattr(Params(**{name: value}), name)


def _by_create(name: str, value: Any) -> Any:
    at = FIELDS[name][0].split(".")
    given = {at[0]: {at[1]: value}} if len(at) == 2 else {name: value}
    body = session_create_body("avatar1", given)
    return body[at[0]][at[1]] if len(at) == 2 else body[at[0]]


def _by_codec(name: str, value: Any) -> Any:
    at = FIELDS[name][1].split(".")
    fields = {at[0]: VoiceParams(**{at[1]: value}) if len(at) == 2 else value}
    [packet] = codec.encode(SetParams("m", **fields))
    data = json.loads(packet)["pld"]["data"]
    return data[at[0]][at[1]] if len(at) == 2 else data[at[0]]


@pytest.mark.parametrize("name", FIELDS)
def test_every_door_takes_and_refuses_the_same(name: str) -> None:
    doors: list[Callable[[str, Any], Any]] = [_by_params, _by_create, _by_codec]
    taken = 0
    for value in VALUES[name]:
        answers = []
        for at, door in zip((name, *FIELDS[name]), doors, strict=True):
            try:
                answers.append(door(name, value))
            except InvalidParameterError as error:
                answers.append(f"refused {error.field.replace(at, name)}")
        if isinstance(answers[0], dict):
            # session/create says the type also where it is the service's default.
            answers = [{"type": "server_vad", **answer} for answer in answers]
        assert answers[0] == answers[1] == answers[2], value
        assert len({type(answer) for answer in answers}) == 1
        assert type(answers[0]) in (str, int, float, dict)
        taken += not str(answers[0]).startswith("refused")
    assert 0 < taken < len(VALUES[name])


@pytest.mark.parametrize("name", ["language", "voice_id", "voice_url", "background_url"])
def test_an_empty_string_is_refused(name: str) -> None:
    with pytest.raises(InvalidParameterError, match="is empty"):
        Params(**{name: ""})


def test_an_empty_mapping_sets_nothing() -> None:
    assert Params(pron_map={}, turn_detection={}).empty
    assert Params() == Params(pron_map={})


def test_what_is_known_of_a_session() -> None:
    assert Params.from_info(SessionInfo()).empty
    assert Params.from_info(SessionInfo(mode=1, language="de")) == Params(mode=1, language="de")


def test_newer_settings_go_on_top() -> None:
    older = Params(mode=1, language="de", speed=1.1)
    assert older.updated(Params(language="fr")) == Params(mode=1, language="fr", speed=1.1)


def _sent(params: Params, limits: PacketLimits) -> dict[str, Any]:
    [packet] = StreamCodec(limits).encode(params.message("msg-0123456789ab"))
    return json.loads(packet)["pld"]["data"]  # type: ignore[no-any-return]


LONG_LINK = "https://e.org/" + "x" * 600
SOUNDS = {f"word{n}": "how it sounds" for n in range(20)}


def test_what_does_not_fit_one_command_is_left_out_and_named() -> None:
    small = Params(mode=2, language="en", speed=1.1)
    assert small.fitting(AGORA) == (small, ())
    both = small.updated(Params(background_url=LONG_LINK, pron_map=SOUNDS))
    assert both.fitting(LIVEKIT) == (both, ())
    fitting, left_out = both.fitting(AGORA)
    assert left_out == ("background_url",)
    assert _sent(fitting, AGORA)["vparams"] == {"speed": 1.1, "pron_map": SOUNDS}
    alone, left_out = Params(background_url=LONG_LINK + "y" * 600).fitting(AGORA)
    assert alone.empty
    assert left_out == ("background_url",)


def test_what_does_not_fit_one_command_goes_in_several() -> None:
    small = Params(mode=2, language="en")
    assert small.split(AGORA) == ([small], ())
    assert Params().split(AGORA) == ([], ())
    everything = small.updated(
        Params(
            background_url=LONG_LINK,
            pron_map=SOUNDS,
            voice_url=LONG_LINK,
            voice_id="v" * 1200,
        )
    )
    commands, too_large = everything.split(AGORA)
    assert too_large == ("voice_id",)
    assert len(commands) == 3
    put_together = Params()
    for command in commands:
        assert _sent(command, AGORA)
        put_together = put_together.updated(command)
    assert put_together == small.updated(
        Params(background_url=LONG_LINK, pron_map=SOUNDS, voice_url=LONG_LINK)
    )


def test_a_version_3_question_carries_what_was_given() -> None:
    assert Params().question() == QuestionOptions()
    params = Params(mode=1, language="de", voice_id="v", voice_url=LINK)
    params.check_v3()
    assert params.question() == QuestionOptions("v", LINK, "de", 1)
    for name, value in (("speed", 1.0), ("background_url", LINK), ("stt_language", "de")):
        with pytest.raises(NotSupportedError, match=name):
            Params(**{name: value}).check_v3()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"voice_id": "\ud83d"}, "voice_id"),
        ({"voice_url": "ftp://e.org"}, "voice_url"),
        ({"language": 7}, "language"),
        ({"mode": True}, "mode"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": "\ud83d"}, "prompt.content"),
        ({"prompt": Prompt("pdf", LINK)}, "prompt.source"),  # type: ignore[arg-type]
        ({"prompt": Prompt("url", "http://e.org/x.pdf")}, "prompt.content"),
    ],
)
def test_a_wrong_option_of_a_question_is_refused_by_name(given: Any, field: str) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        question_options(QuestionOptions(), **given)
    assert refused.value.field == field


def test_options_of_a_question_are_of_built_in_types() -> None:
    options = question_options(
        QuestionOptions(language="en", mode_type=1),
        voice_id=Safe("v"),
        mode=Mode.DIALOGUE,  # type: ignore[arg-type]
        prompt=Safe("You are a pirate."),
    )
    assert options == QuestionOptions("v", None, "en", 2, Prompt("text", "You are a pirate."))
    [frame] = StreamCodec(CHATROOM, "v3").encode(Chat("Hi", "m", options=options))
    payload = json.loads(json.loads(frame)["payload"])
    assert (payload["voice_id"], payload["mode_type"]) == ("v", 2)


def test_an_action() -> None:
    check_action(Safe("nod"), None)
    for action, expression, field in (
        (None, None, "action"),
        ("jump", None, "action"),
        ("nod", "joy", "expression"),
        (7, None, "action"),
    ):
        with pytest.raises(InvalidParameterError) as refused:
            check_action(action, expression)  # type: ignore[arg-type]
        assert refused.value.field == field
