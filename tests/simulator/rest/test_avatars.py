"""Avatars: uploading, details, the two lists (docs/protocol.md §1)."""

from __future__ import annotations

from typing import Any

import pytest

CREATE = "/v3/avatar/create"
DETAIL = "/v3/avatar/detail"
LIST = "/v3/avatar/list"
LIVE_DETAIL = "/v4/liveAvatar/avatar/detail"
LIVE_LIST = "/v4/liveAvatar/avatar/list"
SESSION = "/v4/liveAvatar/session/create"
UPLOAD = {
    "url": "https://example.com/me.mp4",
    "avatar_id": "HHdEKhn7k7vVBlR5FSi0e",
    "name": "Me",
    "type": 2,
    "url_from": 1,
}


async def test_the_documents_avatar_is_there(start: Any) -> None:
    caller = await start()
    listed = await caller.data("GET", LIVE_LIST)
    assert listed["count"] == len(listed["result"])
    tristan = listed["result"][0]
    assert tristan["avatar_id"] == "dvp_Tristan_cloth2_1080P"
    assert (tristan["available"], tristan["type"], tristan["from"]) == (True, 2, 2)
    assert "status" not in tristan
    detail = await caller.data("GET", LIVE_DETAIL, avatar_id=tristan["avatar_id"])
    assert detail == tristan | {"platform": "open"}


async def test_an_upload_becomes_ready_and_only_then_usable(start: Any, stopped_clock: Any) -> None:
    caller = await start(clock=stopped_clock, upload_time=10)
    made = await caller.data("POST", CREATE, UPLOAD)
    assert (made["status"], made["available"], made["from"]) == (1, False, 3)
    session = {"avatar_id": UPLOAD["avatar_id"], "stream_type": "livekit"}
    seen = []
    for _ in range(3):
        (detail,) = await caller.data("GET", DETAIL, id=made["_id"])
        live = await caller.data("GET", LIVE_DETAIL, avatar_id=UPLOAD["avatar_id"])
        assert "status" not in live
        seen.append(
            (detail["status"], live["available"], await caller.code("POST", SESSION, session))
        )
        await caller.sim.advance(5)
    assert seen == [(1, False, 1214), (2, False, 1214), (3, True, 1000)]


async def test_an_upload_can_fail(start: Any) -> None:
    caller = await start()
    made = await caller.data("POST", CREATE, UPLOAD)
    caller.sim.store.fail_upload(UPLOAD["avatar_id"])
    await caller.sim.advance(60)
    assert (await caller.data("GET", DETAIL, id=made["_id"]))[0]["status"] == 4
    session = {"avatar_id": UPLOAD["avatar_id"], "stream_type": "livekit"}
    assert await caller.code("POST", SESSION, session) == 1220


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        *(({name: None}, name) for name in UPLOAD),
        *(({name: ""}, name) for name in UPLOAD),
        ({"avatar_id": "with-dash"}, "avatar_id"),
        ({"avatar_id": "ünicode"}, "avatar_id"),
        ({"type": "2"}, "type"),
        ({"type": 1}, "type"),
        ({"url_from": 3}, "url_from"),
        ({"url": "me.mp4"}, "url"),
        ({"url_from": 2}, "url"),
    ],
)
async def test_every_field_of_an_upload_is_required_and_checked(
    start: Any, fields: dict[str, Any], named: str
) -> None:
    caller = await start()
    body = {k: v for k, v in (UPLOAD | fields).items() if v is not None}
    envelope = await caller("POST", CREATE, body)
    assert envelope["code"] == 1003
    assert named in envelope["msg"]


async def test_third_parties_links_and_taken_ids(start: Any) -> None:
    caller = await start()
    body = UPLOAD | {"url_from": 2, "url": "https://www.youtube.com/watch?v=1"}
    assert await caller.code("POST", CREATE, body) == 1000
    assert await caller.code("POST", CREATE, body) == 1222


async def test_the_general_catalogue(start: Any) -> None:
    caller = await start()
    await caller.data("POST", CREATE, UPLOAD)

    async def ids(**query: Any) -> list[str]:
        return [avatar["avatar_id"] for avatar in await caller.data("GET", LIST, **query)]

    everything = await ids()
    assert await ids(**{"from": 3}) == [UPLOAD["avatar_id"]]
    assert await ids(**{"from": 2}) == [i for i in everything if i != UPLOAD["avatar_id"]]
    assert await ids(type=1) == ["Yasmin_in_White_shirt_20231121"]
    assert "Kai_1080P_back" in await ids(type=2)
    assert await ids(page=2, size=3) == everything[3:6]
    for wrong in ({"from": 1}, {"type": 3}, {"size": 101}, {"page": 0}):
        assert await caller.code("GET", LIST, **wrong) == 1003


async def test_pages_of_the_live_list(start: Any) -> None:
    caller = await start()
    for number in range(5):
        caller.sim.store.add_avatar(avatar_id=f"extra{number}")
    pages = [await caller.data("GET", LIVE_LIST, page=page, size=3) for page in (1, 2, 3, 4)]
    assert [len(page["result"]) for page in pages] == [3, 3, 1, 0]
    assert {page["count"] for page in pages} == {7}
    assert (await caller.data("GET", LIVE_LIST, platform="aigc"))["count"] == 0
    for wrong in ({"size": 101}, {"size": "many"}, {"platform": "mine"}):
        assert await caller.code("GET", LIVE_LIST, **wrong) == 1003


async def test_what_is_not_there(start: Any) -> None:
    caller = await start()
    assert await caller.code("GET", DETAIL, id="unknown") == 1008
    assert await caller.code("GET", DETAIL) == 1003
    assert await caller.code("GET", LIVE_DETAIL, avatar_id="unknown") == 1008
    # v3 detail is by the record's `_id`, not by `avatar_id`.
    assert await caller.code("GET", DETAIL, id="dvp_Tristan_cloth2_1080P") == 1008
