"""Sessions of version 4: fields, statuses, slots, credits, the end (docs/protocol.md §1)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from akool_async.simulator import ServiceBehavior, Simulator
from akool_async.simulator.rooms.room import SimRoom

CREATE = "/v4/liveAvatar/session/create"
DETAIL = "/v4/liveAvatar/session/detail"
LIST = "/v4/liveAvatar/session/list"
CLOSE = "/v4/liveAvatar/session/close"
BODY = {"avatar_id": "dvp_Tristan_cloth2_1080P", "stream_type": "livekit"}
OWN_LIVEKIT = {"livekit_url": "wss://example.com", "livekit_token": "t"}
OWN_AGORA = {"agora_uid": 7, "agora_channel": "c", "agora_token": "t"}
OWN_TRTC = {
    "trtc_sdk_app_id": 7,
    "trtc_sdk_room_id": "r",
    "trtc_sdk_user_id": "u",
    "trtc_sdk_user_sig": "s",
}


async def test_the_session_object(start: Any) -> None:
    caller = await start()
    session = await caller.create()
    assert set(session) == {"_id", "uid", "type", "status", "stream_type", "credentials"}
    assert (session["uid"], session["type"], session["status"]) == (100010, 1, 1)
    assert session["credentials"]["livekit_token"] == "room-token"


async def test_only_creates_answer_has_the_token(start: Any) -> None:
    caller = await start()
    session = await caller.create()
    detail = await caller.data("GET", DETAIL, id=session["_id"])
    listed = (await caller.data("GET", LIST))["result"]
    without = dict(session["credentials"])
    del without["livekit_token"]
    assert detail["credentials"] == without
    assert [item["credentials"] for item in listed] == [without]


async def test_statuses(start: Any, stopped_clock: Any) -> None:
    caller = await start(clock=stopped_clock, queue_time=5)
    sessions = [(await caller.create())["_id"] for _ in range(3)]

    async def status(session_id: str) -> int:
        return int((await caller.data("GET", DETAIL, id=session_id))["status"])

    assert await status(sessions[0]) == 1
    await caller.sim.advance(5)
    assert await status(sessions[0]) == 2
    assert await caller.close(sessions[0]) == 1000
    assert await status(sessions[0]) == 3
    await caller.sim.fail_session(sessions[1])
    assert await status(sessions[1]) == 4
    found = await caller.data("GET", LIST, status=2)
    assert (found["count"], [s["_id"] for s in found["result"]]) == (1, [sessions[2]])
    assert (await caller.data("GET", LIST))["count"] == 3


async def test_pages_are_newest_first_and_counted_over_all(start: Any) -> None:
    caller = await start()
    made = [(await caller.create())["_id"] for _ in range(5)]
    pages = [await caller.data("GET", LIST, page=page, size=2) for page in (1, 2, 3, 4)]
    assert [page["count"] for page in pages] == [5] * 4
    assert [s["_id"] for page in pages for s in page["result"]] == made[::-1]
    assert (await caller.data("GET", LIST, size=1000))["count"] == 5


@pytest.mark.parametrize("query", [{"page": 0}, {"size": 0}, {"page": "x"}, {"status": 5}])
async def test_a_wrong_query_is_refused(start: Any, query: dict[str, Any]) -> None:
    assert await (await start()).code("GET", LIST, **query) == 1003


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": 1},
        {"duration": 3600},
        {"duration": 59.5},
        {"voice_id": "iP95p4xoKVk53GoZ742B", "voice_url": "https://example.com/v"},
        {"language": "en", "mode_type": 1, "background_url": "https://example.com/b.mp4"},
        {"scene_mode": "meeting"},
        {"scene_mode": "fast_dialogue", "e2e_type": "openai", "voice_params": {"voice_id": "ash"}},
        {"voice_params": {"speed": 0.8, "pron_map": {"akool": "ai ku er"}, "stt_language": "en"}},
        {"voice_params": {"turn_detection": {"threshold": 1, "prefix_padding_ms": 0}}},
        {"voice_params": {"turn_detection": {"type": "semantic_vad"}}},
        {"voice_params": {"elevenlabs_settings": {"stability": 0, "use_speaker_boost": True}}},
        {"something_new": {"is": "ignored"}},
        # The vendor's web demo sends its optional fields always, "" for those not chosen.
        {
            "knowledge_id": "",
            "voice_id": "",
            "voice_url": "",
            "background_url": "",
            "language": "",
            "scene_mode": "",
            "stream_type": "",
            "voice_params": {"stt_language": "", "turn_detection": {"type": ""}},
        },
        {"scene_mode": "fast_dialogue", "voice_url": "", "voice_params": {"voice_id": "alloy"}},
        {"credentials": {"livekit_url": "", "agora_channel": ""}},
        {"stream_type": "agora", "credentials": {**OWN_AGORA, "livekit_url": ""}},
    ],
)
async def test_documented_fields_are_taken(start: Any, fields: dict[str, Any]) -> None:
    assert await (await start()).code("POST", CREATE, BODY | fields) == 1000


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"avatar_id": ""}, "avatar_id"),
        ({"avatar_id": 7}, "avatar_id"),
        ({"duration": 0}, "duration"),
        ({"duration": 0.5}, "duration"),
        ({"duration": 3601}, "duration"),
        ({"duration": "60"}, "duration"),
        ({"duration": True}, "duration"),
        ({"duration": None}, "duration"),
        ({"stream_type": "webrtc"}, "stream_type"),
        ({"mode_type": 3}, "mode_type"),
        ({"mode_type": "2"}, "mode_type"),
        ({"language": "German"}, "language"),
        ({"voice_url": "somewhere"}, "voice_url"),
        ({"voice_id": "akoolMultilingual2Xy"}, "voice_id"),
        ({"background_url": "ftp://example.com/b"}, "background_url"),
        ({"scene_mode": "slow"}, "scene_mode"),
        ({"e2e_type": "openai"}, "e2e_type"),
        ({"scene_mode": "fast_dialogue", "e2e_type": "own"}, "e2e_type"),
        ({"scene_mode": "fast_dialogue", "voice_url": "https://example.com/v"}, "voice_url"),
        ({"scene_mode": "fast_dialogue", "voice_params": {"speed": 1}}, "speed"),
        ({"scene_mode": "fast_dialogue", "voice_params": {"voice_id": "bob"}}, "voice_id"),
        ({"voice_params": []}, "voice_params"),
        ({"voice_params": {"speed": 1.21}}, "speed"),
        ({"voice_params": {"turn_detection": {"type": "vad"}}}, "type"),
        ({"voice_params": {"turn_detection": {"threshold": 1.1}}}, "threshold"),
        ({"voice_params": {"turn_detection": {"silence_duration_ms": -1}}}, "silence_duration_ms"),
        (
            {"voice_params": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}},
            "threshold",
        ),
        ({"voice_params": {"elevenlabs_settings": {"style": 2}}}, "style"),
        ({"voice_params": {"elevenlabs_settings": {"use_speaker_boost": 1}}}, "use_speaker_boost"),
        ({"credentials": "mine"}, "credentials"),
        ({"credentials": {**OWN_LIVEKIT, "livekit_url": "example.com"}}, "livekit_url"),
        ({"credentials": {"livekit_url": "wss://example.com"}}, "livekit_token"),
        ({"credentials": OWN_AGORA}, "agora_uid"),
        ({"credentials": {**OWN_LIVEKIT, "agora_token": "t"}}, "agora_token"),
        ({"stream_type": "trtc", "credentials": {**OWN_TRTC, "livekit_url": "x"}}, "livekit_url"),
        ({"stream_type": "agora", "credentials": {**OWN_AGORA, "agora_uid": "7"}}, "agora_uid"),
        ({"stream_type": "agora", "credentials": {"agora_uid": 7}}, "agora_channel"),
        # What is sent for TRTC is spelled otherwise than what is got.
        (
            {"stream_type": "trtc", "credentials": {"trtc_app_id": 7, "trtc_room_id": "r"}},
            "trtc_sdk_app_id",
        ),
        ({"stream_type": "trtc", "credentials": {**OWN_TRTC, "trtc_sdk_user_sig": ""}}, "user_sig"),
    ],
)
async def test_a_wrong_field_is_refused_by_name(
    start: Any, fields: dict[str, Any], named: str
) -> None:
    caller = await start()
    envelope = await caller("POST", CREATE, BODY | fields)
    assert envelope["code"] == 1003
    assert named in envelope["msg"]
    assert not caller.sim.sessions
    assert caller.sim.credits_taken == 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"avatar_id": "nobody"}, 1008),
        # In the general catalogue, but not a streaming avatar of version 4.
        ({"avatar_id": "Yasmin_in_White_shirt_20231121"}, 1008),
        ({"avatar_id": "Kai_1080P_back"}, 1008),
        ({"knowledge_id": "unknown"}, 1232),
    ],
)
async def test_what_does_not_exist(start: Any, fields: dict[str, Any], code: int) -> None:
    assert await (await start()).code("POST", CREATE, BODY | fields) == code


async def test_a_knowledge_base_that_exists_is_taken(start: Any) -> None:
    caller = await start()
    made = await caller.data("POST", "/v4/knowledge/create", {})
    assert await caller.code("POST", CREATE, BODY | {"knowledge_id": made["_id"]}) == 1000


async def test_close_takes_either_name_and_is_final(start: Any) -> None:
    caller = await start()
    room = await caller.room()
    envelope = await caller("POST", CLOSE, {"id": room.request.session_id})
    assert envelope == {"code": 1000, "msg": "OK"}
    assert room.ends == ["closed"]
    assert await caller.close(room.request.session_id) == 1219
    other = (await caller.create())["_id"]
    assert await caller.code("POST", CLOSE, {"id": "", "session_id": other}) == 1000
    assert await caller.code("POST", CLOSE, {"id": "unknown"}) == 1216
    assert await caller.code("POST", CLOSE, {}) == 1003
    assert await caller.code("GET", DETAIL, id="unknown") == 1216
    assert await caller.code("GET", DETAIL) == 1003
    assert not caller.sim.open_sessions


async def test_slots(start: Any) -> None:
    caller = await start(slots=1)
    first = await caller.create()
    assert await caller.code("POST", CREATE, BODY) == 1215
    listed = (await caller.data("GET", "/v4/liveAvatar/avatar/list"))["result"]
    assert not any(avatar["available"] for avatar in listed)
    await caller.close(first["_id"])
    assert await caller.code("POST", CREATE, BODY) == 1000


async def test_an_avatar_in_use(start: Any) -> None:
    caller = await start(slots_per_avatar=1)
    await caller.create()
    assert await caller.code("POST", CREATE, BODY) == 1237
    listed = (await caller.data("GET", "/v4/liveAvatar/avatar/list"))["result"]
    available = {avatar["avatar_id"]: avatar["available"] for avatar in listed}
    assert available.pop(BODY["avatar_id"]) is False
    assert all(available.values())
    other = BODY | {"avatar_id": next(iter(available))}
    assert await caller.code("POST", CREATE, other) == 1000


async def test_credits_are_taken_at_once_and_given_back_at_the_end(
    start: Any, stopped_clock: Any
) -> None:
    caller = await start(credits=100, credits_per_second=0.5, clock=stopped_clock)
    session = await caller.create(duration=150)
    assert (caller.sim.credits_taken, caller.sim.credits_left) == (75, 25)
    assert await caller.code("POST", CREATE, BODY | {"duration": 51}) == 1104
    await caller.sim.advance(30)
    await caller.close(session["_id"])
    assert (caller.sim.credits_taken, caller.sim.credits_left) == (15, 85)


async def test_two_creates_at_once_do_not_share_the_last_slot_or_credit(start: Any) -> None:
    for options in ({"slots": 1}, {"credits": 100}):
        caller = await start(**options)
        calls = [caller.code("POST", CREATE, BODY | {"duration": 60}) for _ in range(4)]
        codes = sorted(await asyncio.gather(*calls))
        assert codes[0] == 1000
        assert set(codes[1:]) <= {1104, 1215}


async def test_a_session_that_asks_for_no_duration_is_charged_for_the_longest(start: Any) -> None:
    caller = await start()
    await caller.data("POST", CREATE, BODY)
    assert caller.sim.credits_taken == 3600


@pytest.mark.parametrize(
    ("way", "ends"), [("room_closes", ["expired"]), ("avatar_leaves", ["left"]), ("silence", [])]
)
async def test_running_out(start: Any, stopped_clock: Any, way: Any, ends: list[str]) -> None:
    caller = await start(clock=stopped_clock, behavior=ServiceBehavior(room_end=way))
    room = await caller.room(duration=60)
    session_id = room.request.session_id
    await caller.sim.advance(59.9)
    assert caller.sim.open_sessions
    await caller.sim.advance(0.1)
    assert not caller.sim.open_sessions
    assert room.ends == ends
    assert caller.sim.credits_taken == 60
    assert (await caller.data("GET", DETAIL, id=session_id))["status"] == 3
    # The session is gone rather than closed: 1216.
    assert await caller.close(session_id) == 1216
    with pytest.raises(RuntimeError):
        await caller.sim.user_says(session_id, "anybody?")


async def test_everything_ends_with_the_simulator_and_open_sessions_stay_visible(
    start: Any,
) -> None:
    caller = await start(pace=3600)
    room = await caller.room()
    session_id = room.request.session_id
    room.chat("hi")
    await room.until(room.text)
    await caller.sim.stop()
    await caller.sim.stop()
    assert room.ends == ["closed"]
    assert [session.id for session in caller.sim.open_sessions] == [session_id]
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert not [name for name in names if name.startswith("simulator-")]
    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.code("GET", LIST)


async def test_packets_to_and_from_a_closed_session_go_nowhere(start: Any) -> None:
    caller = await start()
    room = await caller.room()
    await caller.close(room.request.session_id)
    room.chat("hello?")
    with pytest.raises(KeyError, match="closed"):
        caller.sim.room(room.request.session_id)
    with pytest.raises(KeyError):
        caller.sim.avatar("unknown")
    assert not room.sent


class _BrokenRoom(SimRoom):
    kind = "livekit"

    async def open(self) -> dict[str, Any]:
        raise OSError("no such device")

    async def send(self, packet: bytes) -> None:
        raise AssertionError

    async def close(self, reason: str) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("room", "words"), [(_BrokenRoom, "enter the room"), ("no_such_module:Room", "pip install")]
)
async def test_a_room_that_cannot_be_opened_costs_nothing(
    room: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Simulator(rooms={"livekit": room}, slots=1) as sim, aiohttp.ClientSession() as http:
        for _ in range(2):
            async with http.post(
                f"{sim.url}/api/open{CREATE}", json=BODY, headers={"x-api-key": "k"}
            ) as answer:
                envelope = json.loads(await answer.text())
            assert envelope["code"] == 1218
            assert words in envelope["msg"]
        assert sim.credits_taken == 0
        assert not sim.sessions
    assert caplog.records
