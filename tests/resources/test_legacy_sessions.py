from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from scripted import Scripted, envelope

from akool_async.client import AkoolClient
from akool_async.errors import InvalidParameterError, SessionFailedError, WaitTimeoutError
from akool_async.models import LegacySession
from akool_async.models.session import LEGACY_AVATARS
from akool_async.simulator import Simulator

AT = "/api/open/v3/liveAvatar/session"


async def test_what_each_call_asks(service: Scripted, client: AkoolClient) -> None:
    service.otherwise = envelope({"_id": "s1", "status": 1})
    sessions = client.legacy_sessions
    session = await sessions.create(
        "who_1080P_back", stream_type="agora", background_url="https://h/b"
    )
    assert (service.last.method, service.last.path) == ("POST", f"{AT}/create")
    assert service.last.json == {
        "avatar_id": "who_1080P_back",
        "stream_type": "agora",
        "background_url": "https://h/b",
    }
    await sessions.get("s1")
    assert (service.last.method, service.last.path) == ("GET", f"{AT}/detail")
    assert service.last.query == {"id": "s1"}
    for name in ("pause", "close"):
        await getattr(sessions, name)(session)
        assert (service.last.method, service.last.path) == ("POST", f"{AT}/{name}")
        assert service.last.json == {"id": "s1"}

    # A POST with query parameters and no body.
    service.otherwise = envelope({"count": 1, "result": [{"_id": "s1"}]})
    await sessions.list(size=5, status=2)
    assert (service.last.method, service.last.path) == ("POST", f"{AT}/list")
    assert service.last.query == {"page": "1", "size": "5", "status": "2"}
    assert service.last.body == b""


async def test_wrong_values_are_refused_before_any_request(
    service: Scripted, client: AkoolClient
) -> None:
    sessions = client.legacy_sessions
    with pytest.raises(InvalidParameterError, match=r"^stream_type: .*flv, agora"):
        await sessions.create("a", stream_type="livekit")  # type: ignore[arg-type]
    with pytest.raises(InvalidParameterError, match=r"^background_url: "):
        await sessions.create("a", background_url="b.png")
    with pytest.raises(InvalidParameterError, match=r"^session_id: "):
        await sessions.pause("")
    assert service.asked == []


async def test_lists_are_repeated_although_they_are_posts(
    service: Scripted, client: AkoolClient
) -> None:
    bad_gateway = web.Response(status=502, text="<html>", content_type="text/html")
    service.answer(bad_gateway, envelope({"count": 0, "result": []}))
    assert len(await client.legacy_sessions.list()) == 0
    assert len(service.asked) == 2


class TestWaiting:
    async def test_until_it_runs(self, service: Scripted, client: AkoolClient) -> None:
        service.answer(*(envelope({"_id": "s1", "status": s}) for s in ("1", 1, 2)))
        seen: list[int | None] = []
        session = await client.legacy_sessions.wait_until_running(
            "s1", interval=0.01, on_progress=lambda found: seen.append(found.status)
        )
        assert session.status == 2
        assert seen == [1, 1, 2]

    @pytest.mark.parametrize(("status", "word"), [(3, "completed"), (4, "failed")])
    async def test_one_that_will_never_run_is_reported(
        self, service: Scripted, client: AkoolClient, status: int, word: str
    ) -> None:
        service.answer(envelope({"_id": "s1", "status": status}))
        with pytest.raises(SessionFailedError, match=word) as caught:
            await client.legacy_sessions.wait_until_running("s1")
        assert (caught.value.session_id, caught.value.status) == ("s1", status)

    async def test_it_is_bounded(self, service: Scripted, client: AkoolClient) -> None:
        service.otherwise = envelope({"_id": "s1", "status": 1})
        with pytest.raises(WaitTimeoutError, match="last status: 1"):
            await client.legacy_sessions.wait_until_running("s1", timeout=0.2, interval=0.05)


class TestAgainstTheSimulator:
    @pytest_asyncio.fixture
    async def sim(self) -> AsyncIterator[Simulator]:
        async with Simulator(queue_time=0.1) as sim:
            yield sim

    async def test_a_session_from_create_to_close(self, sim: Simulator) -> None:
        async with AkoolClient("key-0123456789", base_url=sim.url) as akool:
            sessions = akool.legacy_sessions
            session = await sessions.create(LEGACY_AVATARS[0])
            assert isinstance(session, LegacySession)
            credentials = session.credentials
            assert credentials is not None
            assert credentials.client_id.startswith("client_")
            assert credentials.server_id.startswith("server_")
            url = credentials.client_chat_room_url.get_secret_value()
            assert url not in repr(session)
            running = await sessions.wait_until_running(session, interval=0.02, timeout=20)
            assert running.open
            assert [one.id async for one in sessions.list()] == [session.id]
            await sessions.pause(session)
            await sessions.close(session)
            await sessions.close(session)
            assert not (await sessions.get(session.id)).open
