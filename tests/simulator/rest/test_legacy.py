"""Sessions of version 3 and the avatar in their chat rooms (docs/protocol.md §1, §3)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from akool_async.simulator import ServiceBehavior

CREATE = "/v3/liveAvatar/session/create"
DETAIL = "/v3/liveAvatar/session/detail"
LIST = "/v3/liveAvatar/session/list"
CLOSE = "/v3/liveAvatar/session/close"
PAUSE = "/v3/liveAvatar/session/pause"
BODY = {"avatar_id": "Kai_1080P_back"}
QUESTION = {"message_id": "m1", "question": "Hello there", "mode_type": 2, "language": "de"}


async def _room(caller: Any) -> Any:
    """The room of a session that runs."""
    session = await caller.data("POST", CREATE, BODY)
    await caller.sim.advance(60)
    return caller.sim.room(session["_id"])


def _payloads(room: Any) -> list[dict[str, Any]]:
    return [json.loads(message["payload"]) for message in room.messages]


async def _answered(room: Any, text: str) -> None:
    await room.until(lambda: "".join(p["answer"] for p in _payloads(room)) == text)


async def test_the_session_object(start: Any) -> None:
    caller = await start()
    session = await caller.data("POST", CREATE, BODY)
    assert session["status"] == 1
    assert session["app_name"] == "openapi_live"
    assert session["stream_name"] == "20261121_77"
    assert {"_id", "uid", "type", "task_id"} <= set(session)
    assert set(session["stream_urls"]) == {
        "client_pull_stream_url",
        "client_push_stream_url",
        "client_chat_room_url",
        "server_chat_room_url",
    }
    detail = await caller.data("GET", DETAIL, id=session["_id"])
    assert set(detail["stream_urls"]) == {"client_pull_stream_url"}
    assert detail["task_id"] == session["task_id"]


async def test_the_status_moves_and_no_chat_is_taken_before(start: Any, stopped_clock: Any) -> None:
    caller = await start(clock=stopped_clock, queue_time=5)
    session = await caller.data("POST", CREATE, BODY)
    room = caller.sim.room(session["_id"])
    room.ask(QUESTION | {"message_id": "early"})
    avatar = caller.sim.avatar(session["_id"])
    assert (await caller.data("GET", DETAIL, id=session["_id"]))["status"] == 1
    await caller.sim.advance(5)
    assert (await caller.data("GET", DETAIL, id=session["_id"]))["status"] == 2
    room.ask(QUESTION | {"message_id": "late"})
    await _answered(room, "You said: Hello there")
    assert {p["message_id"] for p in _payloads(room)} == {"late"}
    assert avatar.ignored["not running yet"] == 1


async def test_the_list_is_asked_by_post_with_a_query(start: Any) -> None:
    caller = await start()
    made = [(await caller.data("POST", CREATE, BODY))["_id"] for _ in range(3)]
    found = await caller.data("POST", LIST, page=1, size=2)
    assert (found["count"], [s["_id"] for s in found["result"]]) == (3, made[:0:-1])
    assert found["result"][0]["stream_urls"]["client_push_stream_url"].endswith(".whip")
    assert await caller.code("GET", LIST) == 1003
    assert await caller.code("POST", LIST, size=0) == 1003
    assert await caller.code("POST", LIST, status=0) == 1003


async def test_the_two_versions_do_not_see_each_others_sessions(start: Any) -> None:
    caller = await start()
    legacy = await caller.data("POST", CREATE, BODY)
    session = await caller.create()
    assert await caller.code("GET", DETAIL, id=session["_id"]) == 1216
    assert await caller.close(legacy["_id"]) == 1216
    assert (await caller.data("POST", LIST))["count"] == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"avatar_id": "dvp_Tristan_cloth2_1080P"}, 1008),
        ({"avatar_id": "nobody"}, 1008),
        ({"avatar_id": None}, 1003),
        ({"stream_type": "livekit"}, 1003),
        ({"background_url": "b"}, 1003),
        ({"stream_type": "agora", "background_url": "https://example.com/b.png"}, 1000),
    ],
)
async def test_what_create_takes(start: Any, fields: dict[str, Any], code: int) -> None:
    assert await (await start()).code("POST", CREATE, BODY | fields) == code


async def test_closing(start: Any) -> None:
    caller = await start()
    room = await _room(caller)
    session_id = room.request.session_id
    assert await caller("POST", CLOSE, {"id": session_id}) == {"code": 1000, "msg": "OK"}
    assert room.ends == ["closed"]
    assert await caller.code("POST", CLOSE, {"id": session_id}) == 1219
    assert await caller.code("POST", PAUSE, {"id": session_id}) == 1219
    assert await caller.code("POST", PAUSE, {"id": "unknown"}) == 1216


async def test_a_paused_session_resumes_with_the_next_chat(start: Any, stopped_clock: Any) -> None:
    caller = await start(clock=stopped_clock, pause_timeout=30, default_duration=3000)
    room = await _room(caller)
    session_id = room.request.session_id
    assert await caller("POST", PAUSE, {"id": session_id}) == {"code": 1000, "msg": "OK"}
    await caller.sim.advance(29)
    room.ask(QUESTION)
    await _answered(room, "You said: Hello there")
    await caller.sim.advance(100)
    assert caller.sim.open_sessions
    assert await caller.code("POST", PAUSE, {"id": session_id}) == 1000
    await caller.sim.advance(30)
    assert room.ends == ["expired"]
    assert not caller.sim.open_sessions
    assert (await caller.data("GET", DETAIL, id=session_id))["status"] == 3


async def test_an_answer_carries_the_sent_fields_and_the_language_by_name(start: Any) -> None:
    caller = await start(reply=lambda text: "a b", piece_words=1)
    room = await _room(caller)
    prompt = {"from": "text", "content": "You are kind."}
    room.ask(QUESTION | {"voice_id": "v", "prompt": prompt})
    await _answered(room, "a b")
    assert [(m["type"], m["from"], m["to"]) for m in room.messages] == [
        ("chat", "server_77", "client_77")
    ] * 2
    for payload in _payloads(room):
        del payload["answer"]
        assert payload == {
            **QUESTION,
            "voice_id": "v",
            "prompt": prompt,
            "language": "German",
        }


async def test_retelling_is_the_default_mode(start: Any) -> None:
    room = await _room(await start(reply=lambda text: "never"))
    room.ask({"message_id": "m1", "question": "Say this"})
    await _answered(room, "Say this")
    assert _payloads(room)[0]["mode_type"] == 1


async def test_a_payload_in_base64_is_read_and_may_be_sent(start: Any) -> None:
    room = await _room(await start(behavior=ServiceBehavior(payload_base64=True)))
    room.ask(base64.b64encode(json.dumps(QUESTION).encode()).decode())
    await room.until(lambda: room.sent)
    payload = json.loads(base64.b64decode(room.messages[0]["payload"]))
    assert payload["answer"] == "You said: Hello there"


@pytest.mark.parametrize(
    "payload",
    [
        "not JSON",
        "[1]",
        {"question": "x"},
        {"message_id": "m"},
        {"message_id": "m", "question": ""},
        {"message_id": "m", "question": "x", "mode_type": 3},
        {"message_id": "m", "question": "x", "language": "German"},
        {"message_id": "m", "question": "x", "voice_url": "v"},
        {"message_id": "m", "question": "x", "prompt": "p"},
        {"message_id": "m", "question": "x", "prompt": {"from": "file"}},
        {"message_id": "m", "question": "x", "prompt": {"from": "url", "content": "me.pdf"}},
    ],
)
async def test_a_wrong_question_is_passed_over(start: Any, payload: Any) -> None:
    caller = await start()
    room = await _room(caller)
    room.ask(payload)
    room.ask(QUESTION, to="server_1")
    room.say({"type": "chat", "to": "server_77", "payload": QUESTION})
    room.say({"v": 2, "type": "command", "pld": {"cmd": "interrupt"}})
    room.say(b"\xff")
    room.ask(QUESTION)
    await _answered(room, "You said: Hello there")
    assert caller.sim.avatar(room.request.session_id).ignored.total() == 5


async def test_pieces_have_one_message_id_and_no_end_marker(start: Any) -> None:
    async def reply(text: str) -> Any:
        return "one two three"

    caller = await start(reply=reply, piece_words=1)
    room = await _room(caller)
    room.ask(QUESTION)
    await _answered(room, "one two three")
    await caller.sim.avatar(room.request.session_id).wait_silent()
    assert [p["answer"] for p in _payloads(room)] == ["one ", "two ", "three"]


async def test_speech_is_not_reported_in_version_3(start: Any) -> None:
    caller = await start()
    room = await _room(caller)
    with pytest.raises(RuntimeError, match="version 3"):
        await caller.sim.user_says(room.request.session_id, "hello")
