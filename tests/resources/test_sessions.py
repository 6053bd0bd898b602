from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from aiohttp import web
from scripted import Scripted, envelope

from akool_async.client import AkoolClient
from akool_async.errors import (
    InvalidParameterError,
    PermissionDeniedError,
    QuotaError,
    SessionLeftOpenError,
)
from akool_async.models import AgoraCredentials, Session, SessionStatus
from akool_async.simulator import Simulator

AT = "/api/open/v4/liveAvatar/session"


async def test_what_each_call_asks(service: Scripted, client: AkoolClient) -> None:
    service.otherwise = envelope({"_id": "s1", "status": 1})
    session = await client.sessions.create("a", duration=60, stream_type="livekit", language=None)
    assert (service.last.method, service.last.path) == ("POST", f"{AT}/create")
    assert service.last.json == {"avatar_id": "a", "duration": 60, "stream_type": "livekit"}
    # What the answer left out is what was asked for.
    assert (session.duration, session.stream_type) == (60, "livekit")
    assert (await client.sessions.create("a")).stream_type == "agora"

    await client.sessions.get("s1")
    assert (service.last.method, service.last.path) == ("GET", f"{AT}/detail")
    assert service.last.query == {"id": "s1"}

    await client.sessions.close(session)
    assert (service.last.method, service.last.path) == ("POST", f"{AT}/close")
    assert service.last.json == {"id": "s1"}

    service.otherwise = envelope({"count": 1, "result": [{"_id": "s1"}]})
    page = await client.sessions.list(page=2, size=1000, status=SessionStatus.RUNNING)  # type: ignore[arg-type]
    assert (service.last.method, service.last.path) == ("GET", f"{AT}/list")
    assert service.last.query == {"page": "2", "size": "1000", "status": "2"}
    assert page[0].id == "s1"
    await client.sessions.list()
    assert service.last.query == {"page": "1", "size": "100"}


@pytest.mark.parametrize(
    "fields", [{"duration": 0}, {"unknown": 1}, {"voice_params": {"speed": 1.3}}]
)
async def test_a_wrong_session_is_refused_before_any_request(
    service: Scripted, client: AkoolClient, fields: dict[str, Any]
) -> None:
    with pytest.raises(InvalidParameterError):
        await client.sessions.create("a", **fields)
    assert service.asked == []


class TestCloseAll:
    async def test_pages_that_shift_are_read_before_anything_is_closed(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        open_ones = {f"s{n}": 1 + n % 2 for n in range(250)}

        async def handle(request: web.Request) -> web.StreamResponse:
            if request.path.endswith("/close"):
                del open_ones[(await request.json())["id"]]
                return web.json_response(envelope())
            page, status = int(request.query["page"]), int(request.query["status"])
            found = [{"_id": i, "status": s} for i, s in open_ones.items() if s == status]
            result = found[(page - 1) * 100 : page * 100]
            return web.json_response(envelope({"count": len(found), "result": result}))

        service.otherwise = handle
        closed = await client.sessions.close_all()
        assert open_ones == {}
        assert len(closed) == 250

    async def test_one_that_fails_leaves_none_of_the_others_open(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        closed: list[str] = []

        async def handle(request: web.Request) -> web.StreamResponse:
            if request.path.endswith("/close"):
                session_id = (await request.json())["id"]
                if session_id == "s1":
                    return web.json_response(envelope(code=1009))
                closed.append(session_id)
                return web.json_response(envelope())
            result = [{"_id": f"s{n}", "status": 1} for n in range(3)]
            return web.json_response(envelope({"count": 3, "result": result}))

        service.otherwise = handle
        with pytest.raises(SessionLeftOpenError, match="akool sessions close s1") as caught:
            await client.sessions.close_all()
        assert sorted(closed) == ["s0", "s2"]
        assert caught.value.session_ids == ("s1",)
        assert isinstance(caught.value.__cause__, PermissionDeniedError)

    async def test_a_service_that_ignores_the_status_closes_no_ended_ones(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        service.answer(
            *[envelope({"count": 1, "result": [{"_id": "old", "status": 3}]})] * 2,
        )
        assert await client.sessions.close_all() == ()
        assert all(path.endswith("/list") for path in service.paths)


class TestAgainstTheSimulator:
    @pytest_asyncio.fixture
    async def sim(self) -> AsyncIterator[Simulator]:
        async with Simulator(api_key="the-right-key-123", credits=1000) as sim:
            yield sim

    @pytest_asyncio.fixture
    async def akool(self, sim: Simulator) -> AsyncIterator[AkoolClient]:
        async with AkoolClient("the-right-key-123", base_url=sim.url) as akool:
            yield akool

    async def avatar(self, akool: AkoolClient) -> str:
        avatar_id = (await akool.avatars.list(size=1))[0].avatar_id
        assert avatar_id is not None
        return avatar_id

    async def test_a_session_from_create_to_close(self, sim: Simulator, akool: AkoolClient) -> None:
        avatar_id = await self.avatar(akool)
        session = await akool.sessions.create(
            avatar_id, duration=60, stream_type="agora", language="en", mode=2
        )
        assert isinstance(session, Session)
        assert isinstance(session.credentials, AgoraCredentials)
        assert session.credentials.agora_token is not None
        later = await akool.sessions.get(session.id)
        assert isinstance(later.credentials, AgoraCredentials)
        assert later.credentials.agora_token is None
        assert session.id in [one.id async for one in akool.sessions.list()]
        await akool.sessions.close(session)
        await akool.sessions.close(session)
        assert (await akool.sessions.get(session.id)).status == SessionStatus.COMPLETED
        assert sim.open_sessions == []

    async def test_what_a_dead_program_left_is_closed(
        self, sim: Simulator, akool: AkoolClient
    ) -> None:
        avatar_id = await self.avatar(akool)
        for _ in range(3):
            await akool.sessions.create(avatar_id, duration=60, stream_type="agora")
        assert len(sim.open_sessions) == 3
        assert len(await akool.sessions.close_all()) == 3
        assert sim.open_sessions == []

    async def test_credit_that_is_used_up(self, akool: AkoolClient) -> None:
        avatar_id = await self.avatar(akool)
        with pytest.raises(QuotaError):
            await akool.sessions.create(avatar_id, duration=3600)

    async def test_a_lost_answer_is_not_asked_for_again(
        self, sim: Simulator, akool: AkoolClient
    ) -> None:
        """The service acted, then the connection broke: a second try would cost again."""
        avatar_id = await self.avatar(akool)
        sim.fail_next(drop=True, acts=True, path="*/session/create")
        with pytest.raises(Exception, match="connection broke"):
            await akool.sessions.create(avatar_id, duration=60, stream_type="agora")
        assert len(sim.open_sessions) == 1
        await akool.sessions.close_all()


class TestReadingWhatCreateAnswers:
    """As the live service was seen to answer, and as a careless server may."""

    ROOM: ClassVar[dict[str, Any]] = {"livekit_url": "wss://h", "livekit_token": "tok-0123456789"}

    @pytest.mark.parametrize(
        "answer",
        [
            {"_id": "s1", "status": 2},
            {"session_id": "s1", "status": "2"},
            {"_id": None, "session_id": "s1", "status": 2.0},
            {"_id": "", "session_id": "s1", "status": 2},
            {"_id": "s1", "session_id": "other", "status": 2},
            [{"_id": "s1", "status": 2}],
        ],
    )
    async def test_either_name_of_the_id(
        self, answer: Any, service: Scripted, client: AkoolClient
    ) -> None:
        service.answer(envelope(answer))
        session = await client.sessions.create("avatar1")
        assert (session.id, session.status, session.open) == ("s1", 2, True)

    async def test_a_number_as_the_id(self, service: Scripted, client: AkoolClient) -> None:
        service.answer(envelope({"_id": 17, "uid": "7", "duration": "60"}))
        session = await client.sessions.create("avatar1")
        assert (session.id, session.uid, session.duration) == ("17", 7, 60)

    @pytest.mark.parametrize("asked", ["agora", "livekit", "trtc"])
    @pytest.mark.parametrize("answered", [{}, {"stream_type": None}, {"stream_type": ""}])
    async def test_without_a_stream_type_the_filled_credentials_decide(
        self, asked: Any, answered: dict[str, Any], service: Scripted, client: AkoolClient
    ) -> None:
        room = {"agora_channel": "", "agora_uid": 0, "trtc_room_id": "", **self.ROOM}
        service.answer(envelope({"_id": "s1", "credentials": room, **answered}))
        session = await client.sessions.create("avatar1", stream_type=asked)
        assert session.stream_type == "livekit"
        assert session.credentials is not None
        assert session.credentials.kind == "livekit"
