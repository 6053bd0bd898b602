"""Voices, languages, knowledge bases and the balance (docs/protocol.md §1)."""

from __future__ import annotations

from typing import Any

import pytest

VOICES = "/v4/voice/list"
VOICE_CLONE, VOICE_DETAIL, VOICE_DELETE = "/v4/voice/clone", "/v4/voice/detail", "/v4/voice/del"
LINK = "https://files.example/me.mp3"
CREDITS = "/v3/faceswap/quota/info"
LIST = "/v4/knowledge/list"
DETAIL = "/v4/knowledge/detail"
CREATE = "/v4/knowledge/create"
UPDATE = "/v4/knowledge/update"
DELETE = "/v4/knowledge/delete"


async def test_voices_by_type_and_page(start: Any) -> None:
    caller = await start()
    first = await caller.data("GET", VOICES, type=2)
    assert (len(first["result"]), first["page"], first["size"]) == (10, 1, 10)
    rest = await caller.data("GET", VOICES, type=2, page=2)
    assert first["count"] == rest["count"] == 10 + len(rest["result"])
    voice = first["result"][0]
    assert voice["support_stream"] is True
    assert isinstance(voice["style"], list)
    (cloning,) = (await caller.data("GET", VOICES, type=1))["result"]
    assert (cloning["voice_id"], cloning["preview"], cloning["status"]) == (None, None, 2)


async def test_voices_are_filtered(start: Any) -> None:
    caller = await start()

    async def names(**query: Any) -> set[str]:
        data = await caller.data("GET", VOICES, type=2, size=100, **query)
        return {voice["name"] for voice in data["result"]}

    everything = await names()
    assert await names(support_stream=2) == {"Studio"}
    assert await names(support_stream=1) == everything - {"Studio"}
    assert await names(name="chri") == {"Chris"}
    assert await names(gender="Male,Female") == everything
    assert "Chris" not in await names(gender="female")
    assert "Chris" in await names(style="Calm,Nothing")
    assert await names(age="Old") == set()
    assert "Rachel" in await names(scenario="Narration")


@pytest.mark.parametrize(
    "query", [{}, {"type": 3}, {"type": 2, "size": 101}, {"type": 2, "support_stream": "true"}]
)
async def test_a_wrong_voice_query(start: Any, query: dict[str, Any]) -> None:
    assert await (await start()).code("GET", VOICES, **query) == 1003


async def test_languages_are_regional(start: Any) -> None:
    data = await (await start()).data("GET", "/v3/language/list")
    assert {"lang_code", "lang_name", "url"} == set(data["lang_list"][0])
    assert "af-ZA" in [row["lang_code"] for row in data["lang_list"]]


async def test_the_life_of_a_knowledge_base(start: Any) -> None:
    caller = await start()
    doc = {"name": "a.pdf", "url": "https://example.com/a.pdf", "size": 100}
    body = {"name": "Facts", "prologue": "Hi", "prompt": "Be short.", "docs": [doc]}
    made = await caller.data("POST", CREATE, body)
    assert made == made | body
    assert (made["from"], made["user_type"]) == (2, 2)
    changed = await caller.data("POST", UPDATE, {"id": made["_id"], "prologue": ""})
    assert (changed["prologue"], changed["prompt"]) == ("", "Be short.")
    assert changed["update_time"] > made["update_time"]
    assert await caller.data("GET", DETAIL, id=made["_id"]) == changed
    assert await caller("DELETE", DELETE, {"id": made["_id"]}) == {"code": 1000, "msg": "OK"}
    assert await caller.code("GET", DETAIL, id=made["_id"]) == 1232
    assert await caller.code("DELETE", DELETE, {"id": made["_id"]}) == 1232
    assert await caller.code("POST", UPDATE, {"id": made["_id"]}) == 1232


async def test_the_list_is_newest_first_without_a_count_and_partial(start: Any) -> None:
    caller = await start()
    for number in range(12):
        await caller.data("POST", CREATE, {"name": f"Base {number}", "prompt": "p"})
    first = await caller.data("GET", LIST)
    assert [item["name"] for item in first] == [f"Base {n}" for n in range(11, 1, -1)]
    assert "prompt" not in first[0]
    assert len(await caller.data("GET", LIST, page=2)) == 2
    assert await caller.data("GET", LIST, page=3) == []
    assert [item["name"] for item in await caller.data("GET", LIST, name="base 3")] == ["Base 3"]
    (system,) = await caller.data("GET", LIST, **{"from": 1})
    assert system["user_type"] == 1
    for wrong in ({"size": 101}, {"page": 0}, {"from": 3}):
        assert await caller.code("GET", LIST, **wrong) == 1003


async def test_the_older_shape_of_the_list(start: Any) -> None:
    caller = await start(wrap_knowledge_list=True)
    await caller.data("POST", CREATE, {"name": "Facts"})
    data = await caller.data("GET", LIST)
    assert [item["name"] for item in data["knowledge_list"]] == ["Facts"]


async def test_no_field_is_required_and_names_are_unique(start: Any) -> None:
    caller = await start()
    one = await caller.data("POST", CREATE, {})
    await caller.data("POST", CREATE, {})
    await caller.data("POST", CREATE, {"name": "Facts"})
    assert await caller.code("POST", CREATE, {"name": "Facts"}) == 1233
    assert await caller.code("POST", UPDATE, {"id": one["_id"], "name": "Facts"}) == 1233
    assert await caller.code("POST", UPDATE, {"id": one["_id"], "name": "Other"}) == 1000


async def test_the_systems_own_cannot_be_changed(start: Any) -> None:
    caller = await start()
    (system,) = await caller.data("GET", LIST, **{"from": 1})
    assert await caller.code("POST", UPDATE, {"id": system["_id"], "name": "Mine"}) == 1009
    assert await caller.code("DELETE", DELETE, {"id": system["_id"]}) == 1009


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"prologue": "x" * 2001}, "prologue"),
        ({"prompt": "x" * 10001}, "prompt"),
        ({"docs": {}}, "docs"),
        ({"docs": [{"name": "a.pdf", "url": "https://example.com/a"}]}, "size"),
        ({"docs": [{"name": "a.exe", "url": "https://example.com/a", "size": 1}]}, "docs"),
        ({"docs": [{"name": "pdf", "url": "https://example.com/a", "size": 1}]}, "docs"),
        ({"docs": [{"name": "a.pdf", "url": "https://example.com/a", "size": 104857601}]}, "size"),
        (
            {"docs": [{"name": "a.pdf", "url": "https://example.com/a", "size": 104857600}] * 6},
            "docs",
        ),
        ({"urls": ["example.com"]}, "urls"),
        ({"urls": [7]}, "urls"),
    ],
)
async def test_a_wrong_field_is_refused(start: Any, body: dict[str, Any], named: str) -> None:
    envelope = await (await start())("POST", CREATE, body)
    assert envelope["code"] == 1003
    assert named in envelope["msg"]


async def test_delete_needs_a_json_body(start: Any) -> None:
    caller = await start()
    made = await caller.data("POST", CREATE, {})
    assert await caller.code("DELETE", DELETE, id=made["_id"]) == 1003


async def test_from_recording_to_voice_and_gone(start: Any, stopped_clock: Any) -> None:
    caller = await start(clock=stopped_clock, upload_time=10)
    body = {
        "source_voice_file": LINK,
        "name": "me",
        "style": "Calm",
        "age": ["Young"],
        "text": "",
    }
    made = await caller.data("POST", VOICE_CLONE, body)
    assert (made["name"], made["style"], made["age"]) == ("me", ["Calm"], ["Young"])
    assert (made["status"], made["voice_id"]) == (1, None)
    assert made["voice_model_name"] == "Akool Multilingual 1"
    await caller.sim.advance(10)
    ready = await caller.data("GET", f"{VOICE_DETAIL}/{made['_id']}")
    assert ready["status"] == 3
    assert ready["voice_id"]
    assert await caller.code("POST", VOICE_DELETE, {"_ids": [made["_id"]]}) == 1000
    assert await caller.code("GET", f"{VOICE_DETAIL}/{made['_id']}") == 1008


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"source_voice_file": ""}, "source_voice_file"),
        ({"source_voice_file": "me.mp3"}, "source_voice_file"),
        ({"name": None}, "name"),
        ({"voice_model_name": "Akool Multilingual 2"}, "voice_model_name"),
        ({"style": [5]}, "style"),
        ({"gender": 5}, "gender"),
        ({"webhookUrl": "x"}, "webhookUrl"),
    ],
)
async def test_a_wrong_field_of_a_clone_is_refused(
    start: Any, change: dict[str, Any], named: str
) -> None:
    caller = await start()
    body = {"source_voice_file": LINK, "name": "me", **change}
    envelope = await caller("POST", VOICE_CLONE, body)
    assert envelope["code"] == 1003
    assert envelope["msg"].startswith(named)


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, 1003), ({"_ids": []}, 1003), ({"_ids": "x"}, 1003), ({"_ids": ["x"]}, 1008)],
)
async def test_what_cannot_be_deleted(start: Any, body: dict[str, Any], code: int) -> None:
    assert await (await start()).code("POST", VOICE_DELETE, body) == code


async def test_the_balance_goes_down_while_a_session_is_open(start: Any) -> None:
    caller = await start(credits=1000, credits_per_second=0.5)
    assert await caller.data("GET", CREDITS) == {"credit": 1000}
    session_id = (await caller.create(duration=600))["_id"]
    assert await caller.data("GET", CREDITS) == {"credit": 700}
    await caller.close(session_id)
    assert (await caller.data("GET", CREDITS))["credit"] > 990


async def test_without_a_limit_there_is_plenty_and_it_goes_down_all_the_same(start: Any) -> None:
    caller = await start(credits=None, credits_per_second=1.0)
    before = (await caller.data("GET", CREDITS))["credit"]
    await caller.create(duration=600)
    assert before - (await caller.data("GET", CREDITS))["credit"] == 600
