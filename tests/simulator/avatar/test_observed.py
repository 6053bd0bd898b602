"""How the avatar behaves where the live service was observed (docs/protocol.md §2 "Observed")."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from akool_async.simulator import ServiceBehavior

LIVE = "/v4/liveAvatar/session/create"


def chats(room: Any) -> list[tuple[str, str]]:
    return [(m["pld"]["from"], m["pld"]["text"]) for m in room.messages if m["type"] == "chat"]


async def test_retelling_mode_speaks_back_what_it_recognised(start: Any) -> None:
    caller = await start(behavior=ServiceBehavior(echoes_user_speech=True))
    room = await caller.room(mode_type=1)
    await caller.sim.user_says(room.request.session_id, "good day")
    await room.ended()
    assert chats(room) == [("user", "good day"), ("bot", "good day")]
    mids = [m["mid"] for m in room.messages if m["type"] == "chat"]
    assert mids[0] != mids[1]


async def test_dialogue_mode_echoes_nothing(start: Any) -> None:
    caller = await start(behavior=ServiceBehavior(echoes_user_speech=True), reply=str.upper)
    room = await caller.room(mode_type=2)
    await caller.sim.user_says(room.request.session_id, "good day")
    await room.ended()
    assert chats(room) == [("user", "good day"), ("bot", "GOOD DAY")]


async def test_an_utterance_in_two_final_texts(start: Any) -> None:
    caller = await start(
        behavior=ServiceBehavior(splits_utterances=True), reply=str.upper, piece_words=9
    )
    room = await caller.room(mode_type=2)
    await caller.sim.user_says(room.request.session_id, "one two three four five")
    await room.ended(2)
    assert sorted(chats(room)) == [
        ("bot", "ONE TWO"),
        ("bot", "THREE FOUR FIVE"),
        ("user", "one two"),
        ("user", "three four five"),
    ]
    users = [m for m in room.messages if m["pld"].get("from") == "user"]
    assert [m["fin"] for m in users] == [True, True]
    assert users[0]["mid"] != users[1]["mid"]


@pytest.mark.parametrize("by_itself", [True, False])
async def test_openai_realtime_answers_in_retelling_mode(start: Any, by_itself: bool) -> None:
    caller = await start(
        behavior=ServiceBehavior(speaks_by_itself=by_itself, echoes_user_speech=False),
        reply=str.upper,
    )
    room = await caller.room(mode_type=1, voice_params={"stt_type": "openai_realtime"})
    await caller.sim.user_says(room.request.session_id, "hi")
    if by_itself:
        await room.ended()
    await caller.sim.avatar(room.request.session_id).wait_silent()
    assert room.text() == ("HI" if by_itself else "")


@pytest.mark.parametrize("mode", [1, 2])
async def test_a_greeting_once_the_first_participant_is_there(start: Any, mode: int) -> None:
    caller = await start(behavior=ServiceBehavior(greets=True))
    room = await caller.room(mode_type=mode)
    assert room.messages == []
    room.events.joined("me")
    room.events.joined("another")
    await room.ended()
    await caller.sim.avatar(room.request.session_id).wait_silent()
    assert len(room.text()) > 5
    assert sum(m["pld"].get("event") == "audio_start" for m in room.messages) == 1


@pytest.mark.parametrize("mode", [1, 2])
async def test_the_mode_where_none_was_set(start: Any, mode: int) -> None:
    caller = await start(behavior=ServiceBehavior(default_mode=mode), reply=str.upper)
    room = await caller.room()
    room.chat("hi")
    await room.ended()
    assert room.text() == ("hi" if mode == 1 else "HI")


async def test_packets_before_the_avatars_video_are_lost(start: Any, stopped_clock: Any) -> None:
    caller = await start(
        behavior=ServiceBehavior(drops_before_video=True), clock=stopped_clock, reply=str.upper
    )
    room = await caller.room()
    avatar = caller.sim.avatar(room.request.session_id)
    room.chat("early", "q0")
    room.events.joined("me")
    room.chat("too early", "q1")
    assert avatar.ignored["before the avatar's video"] == 2
    assert not room.published
    await asyncio.sleep(0)
    await caller.sim.advance(1)
    await room.until(lambda: room.published)
    room.chat("now", "q2")
    await room.ended()
    assert room.text() == "NOW"


@pytest.mark.parametrize("resets", [True, False])
async def test_parameters_after_someone_came_back(start: Any, resets: bool) -> None:
    caller = await start(behavior=ServiceBehavior(resets_parameters=resets), reply=str.upper)
    room = await caller.room(mode_type=1)
    room.events.joined("me")
    room.events.left("me")
    room.events.joined("me")
    room.chat("hi")
    await room.ended()
    assert room.text() == ("HI" if resets else "hi")


@pytest.mark.parametrize("paced", [True, False])
async def test_when_retold_text_comes_back(start: Any, paced: bool, stopped_clock: Any) -> None:
    caller = await start(
        behavior=ServiceBehavior(retelling_paced=paced), pace=10, piece_words=1, clock=stopped_clock
    )
    room = await caller.room(mode_type=1)
    room.chat("one two three")
    await room.until(lambda: "one" in room.text())
    await asyncio.sleep(0.01)
    assert room.text() == ("one " if paced else "one two three")
    assert "audio_end" not in room.events_and_texts()
    for _ in range(3):
        await caller.sim.advance(10)
        await asyncio.sleep(0.01)
    await room.ended()
    assert room.text() == "one two three"


@pytest.mark.parametrize("empty", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
async def test_the_last_part(start: Any, empty: bool, streamed: bool) -> None:
    caller = await start(
        behavior=ServiceBehavior(empty_last_part=empty),
        reply=lambda text: ["so ", "it ", "is"] if streamed else "so it is",
        piece_words=1,
    )
    room = await caller.room()
    room.chat("hi")
    await room.ended()
    parts = [(m["pld"]["text"], m["fin"]) for m in room.messages if m["type"] == "chat"]
    last = [("is", False), ("", True)] if empty else [("is", True)]
    assert parts == [("so ", False), ("it ", False), *last]


async def test_a_reply_that_comes_slowly_is_sent_as_it_comes(start: Any) -> None:
    goes_on = asyncio.Event()

    async def reply(text: str) -> Any:
        yield "so "
        await goes_on.wait()
        yield "it is"

    room = await (await start(reply=reply)).room()
    room.chat("hi")
    await room.until(lambda: room.text() == "so ")
    goes_on.set()
    await room.ended()
    assert [m["fin"] for m in room.messages if m["type"] == "chat"] == [False, True]


async def test_create_without_stream_type(start: Any) -> None:
    caller = await start(behavior=ServiceBehavior(no_stream_type=True))
    session = await caller.create()
    assert "stream_type" not in session
    detail = await caller.data("GET", "/v4/liveAvatar/session/detail", id=session["_id"])
    assert detail["stream_type"] == "livekit"


async def test_create_with_the_credentials_of_every_kind(start: Any) -> None:
    caller = await start(behavior=ServiceBehavior(all_credentials=True))
    credentials = (await caller.create())["credentials"]
    filled = {name for name, value in credentials.items() if value}
    assert filled == {name for name in credentials if name.startswith("livekit_")}
    assert {"agora_token", "trtc_user_sig", "agora_uid", "trtc_room_id"} <= set(credentials)


async def test_one_session_for_each_avatar(start: Any) -> None:
    caller = await start(behavior=ServiceBehavior(one_session_per_avatar=True))
    body = {"avatar_id": "dvp_Tristan_cloth2_1080P", "stream_type": "livekit"}
    first = await caller.create()
    assert await caller.code("POST", LIVE, body) == 1237
    await caller.close(first["_id"])
    assert await caller.code("POST", LIVE, body) == 1000


async def test_at_the_end_the_avatar_unpublishes_and_leaves(start: Any, stopped_clock: Any) -> None:
    caller = await start(clock=stopped_clock)
    room = await caller.room(duration=5)
    assert room.published
    await caller.sim.advance(5)
    assert not room.published
    assert room.ends == ["left"]
