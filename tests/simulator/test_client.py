"""The library's client against the simulator: every call, and answers as seen in the wild."""

from __future__ import annotations

from typing import Any

import pytest

from akool_async import AkoolClient
from akool_async.errors import APIError, NotFoundError


@pytest.mark.parametrize("loose", [False, True], ids=["documented", "loose"])
async def test_every_call(start: Any, loose: bool) -> None:
    caller = await start(loose_answers=loose, upload_time=0.05)
    async with AkoolClient("any", base_url=caller.sim.url) as akool:
        avatars = [avatar async for avatar in akool.avatars.list(size=1)]
        assert avatars[0].avatar_id == "dvp_Tristan_cloth2_1080P"
        assert (await akool.avatars.get("dvp_Tristan_cloth2_1080P")).available is True
        assert len(await akool.avatars.catalogue()) == 7
        made = await akool.avatars.upload("https://example.com/a.mp4", avatar_id="me1", name="Me")
        ready = await akool.avatars.wait_until_ready(made, timeout=20)
        assert ready.status == 3

        session = await akool.sessions.create("me1", stream_type="livekit", duration=60)
        assert (await akool.sessions.get(session.id)).id == session.id
        assert [s.id async for s in akool.sessions.list()] == [session.id]
        await akool.sessions.close(session)
        await akool.sessions.close(session)

        legacy = await akool.legacy_sessions.create("Kai_1080P_back")
        running = await akool.legacy_sessions.wait_until_running(legacy, timeout=20)
        assert running.status == 2
        assert [s.id async for s in akool.legacy_sessions.list()] == [legacy.id]
        await akool.legacy_sessions.pause(legacy)
        await akool.legacy_sessions.close(legacy)

        assert len([voice async for voice in akool.voices.list(type=2)]) > 10
        assert len(await akool.languages.list()) > 5
        base = await akool.knowledge.create(name="Facts", prompt="Be short.")
        assert (await akool.knowledge.update(base.id, prologue="Hi")).prologue == "Hi"
        assert [k.name async for k in akool.knowledge.list()] == ["Facts"]
        await akool.knowledge.delete(base.id)
        with pytest.raises(NotFoundError) as caught:
            await akool.knowledge.get(base.id)
        assert caught.value.code == 1232
        assert "knowledge base" in str(caught.value)
    assert {r.code for r in caller.sim.requests} <= {1000, 1219, 1232}
    assert not caller.sim.open_sessions


async def test_loose_answers_are_loose(start: Any) -> None:
    caller = await start(loose_answers=True)
    envelope = await caller("GET", "/v4/liveAvatar/avatar/list")
    assert envelope["code"] == "1000"
    assert "msg" not in envelope
    avatar = envelope["data"]["result"][0]
    assert (avatar["type"], avatar["gender"], avatar["new"]) == ("2", None, {"field": 1})
    caller.sim.fail_next(padding=10)
    assert (await caller("GET", "/v4/liveAvatar/avatar/list"))["code"] == "1000"
    async with AkoolClient("any", base_url=caller.sim.url) as akool:
        with pytest.raises(APIError, match="does not exist"):
            await akool.sessions.get("nothing")
