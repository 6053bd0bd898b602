"""The documents' example packets: each decoded, and encoded back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.stream import (
    AGORA,
    CHATROOM,
    Chat,
    ChatDelta,
    CommandAnswer,
    Interrupt,
    Message,
    Prompt,
    QuestionOptions,
    SetAction,
    SetParams,
    StreamCodec,
    VoiceParams,
)

PACKETS = Path(__file__).parent.parent / "samples" / "packets"
MID = "msg-1723629433573"
ANSWER = "Hello!  How can I assist you today? "
OPTIONS = QuestionOptions("21m00Tcm4TlvDq8ikWAM", None, "en", 1, Prompt("text", ""))

V2: dict[str, list[Message]] = {
    "chat_request": [ChatDelta("Hello", MID, None), Chat("Hello", MID)],
    "chat_response": [ChatDelta(ANSWER, MID, "bot"), Chat(ANSWER, MID, "bot")],
    "command_response": [CommandAnswer("set-params", 1000, "OK", MID)],
    "interrupt": [Interrupt(MID)],
    "interrupt_without_mid": [Interrupt("")],
    "set_action": [SetAction("", "hand_wave", "happiness")],
    "set_params": [
        SetParams(MID, "en", 1, "https://example.com/background.jpg", VoiceParams(vid="1"))
    ],
}
V3 = {"question": (None, "Hello"), "answer": ("bot", ANSWER)}


def sample(dialect: str, name: str) -> bytes:
    return (PACKETS / dialect / f"{name}.json").read_bytes().strip()


def test_every_sample_is_tested() -> None:
    assert {path.stem for path in PACKETS.glob("v2/*.json")} == set(V2)
    assert {path.stem for path in PACKETS.glob("v3/*.json")} == set(V3)


@pytest.mark.parametrize("name", V2)
def test_version_2_decodes(name: str) -> None:
    assert StreamCodec(AGORA).decode(sample("v2", name), now=0.0) == V2[name]


@pytest.mark.parametrize("name", ["chat_request", "chat_response", "command_response", "interrupt"])
def test_version_2_encodes_back_to_the_same_bytes(name: str) -> None:
    assert StreamCodec(AGORA).encode(V2[name][-1]) == [sample("v2", name)]


def test_a_deprecated_voice_id_is_written_where_it_belongs_today() -> None:
    [packet] = StreamCodec(AGORA).encode(V2["set_params"][0])
    written = json.loads(sample("v2", "set_params"))
    written["pld"]["data"]["vparams"] = {"vid": written["pld"]["data"].pop("vid")}
    assert json.loads(packet) == written


@pytest.mark.parametrize("name", ["set_action", "interrupt_without_mid"])
def test_a_command_without_mid_is_read_but_never_sent(name: str) -> None:
    codec = StreamCodec(AGORA)
    [message] = V2[name]
    with pytest.raises(InvalidParameterError, match="mid: is empty"):
        codec.encode(message)
    named = SetAction(MID, "hand_wave", "happiness") if name == "set_action" else Interrupt(MID)
    [packet] = codec.encode(named)
    assert json.loads(packet) == {**json.loads(sample("v2", name)), "mid": MID}


@pytest.mark.parametrize("name", V3)
def test_version_3_decodes_and_encodes_back(name: str) -> None:
    sender, text = V3[name]
    own, peer = ("server_8898", "client_8898") if sender else ("client_8898", "server_8898")
    codec = StreamCodec(CHATROOM, "v3", own_id=own, peer_id=peer)
    packet = sample("v3", name)
    assert codec.decode(packet, now=0.0) == [ChatDelta(text, MID, sender)]
    [chat] = codec.finish(MID, sender, ended="next", now=0.0)
    assert chat == Chat(text, MID, sender, "next", OPTIONS)
    [back] = codec.encode(chat)
    ours, theirs = json.loads(back), json.loads(packet)
    ours["payload"], theirs["payload"] = json.loads(ours["payload"]), json.loads(theirs["payload"])
    assert ours == theirs
    assert list(ours["payload"]) == list(theirs["payload"])
