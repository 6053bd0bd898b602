from __future__ import annotations

from typing import Any

import pytest

CLONE, DETAIL, DELETE = "/v4/voice/clone", "/v4/voice/detail", "/v4/voice/del"
LINK = "https://files.example/me.mp3"


async def test_from_recording_to_voice_and_gone(start: Any, stopped_clock: Any) -> None:
    caller = await start(clock=stopped_clock, upload_time=10)
    body = {"source_voice_file": LINK, "name": "me", "style": "Calm", "age": ["Young"], "text": ""}
    made = await caller.data("POST", CLONE, body)
    assert (made["name"], made["style"], made["age"]) == ("me", ["Calm"], ["Young"])
    assert (made["status"], made["voice_id"]) == (1, None)
    assert made["voice_model_name"] == "Akool Multilingual 1"
    await caller.sim.advance(10)
    ready = await caller.data("GET", f"{DETAIL}/{made['_id']}")
    assert ready["status"] == 3
    assert ready["voice_id"]
    assert await caller.code("POST", DELETE, {"_ids": [made["_id"]]}) == 1000
    assert await caller.code("GET", f"{DETAIL}/{made['_id']}") == 1008


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
async def test_a_wrong_field_is_refused(start: Any, change: dict[str, Any], named: str) -> None:
    caller = await start()
    body = {"source_voice_file": LINK, "name": "me", **change}
    envelope = await caller("POST", CLONE, body)
    assert envelope["code"] == 1003
    assert envelope["msg"].startswith(named)


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, 1003), ({"_ids": []}, 1003), ({"_ids": "x"}, 1003), ({"_ids": ["x"]}, 1008)],
)
async def test_what_cannot_be_deleted(start: Any, body: dict[str, Any], code: int) -> None:
    assert await (await start()).code("POST", DELETE, body) == code
