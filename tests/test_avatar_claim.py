"""Taking an avatar over, and speaking with its own voice, before a session is created."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from akool_async import AkoolClient
from akool_async.errors import (
    BusyError,
)
from akool_async.simulator import ServiceBehavior, Simulator
from akool_async.testing.waiting import until

CREATE = "*/session/create"


DETAIL = "*/avatar/detail"


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[Simulator]:
    behavior = ServiceBehavior(one_session_per_avatar=True, answers_avatar_id=True)
    async with Simulator(behavior=behavior) as simulator:
        yield simulator
        async with AkoolClient("any", base_url=simulator.url) as other:
            await other.sessions.close_all()


@pytest_asyncio.fixture
async def akool(sim: Simulator) -> AsyncIterator[AkoolClient]:
    async with AkoolClient("any", base_url=sim.url) as client:
        yield client


@pytest_asyncio.fixture
async def ids(akool: AkoolClient) -> list[str]:
    found = [avatar.avatar_id async for avatar in akool.avatars.list() if avatar.available]
    return [avatar_id for avatar_id in found if avatar_id][:3]


def calls(sim: Simulator, end: str) -> int:
    return sum(request.path.endswith(end) for request in sim.requests)


class TestTakingOver:
    async def test_a_leaked_session_of_the_avatar_is_closed_first(
        self, sim: Simulator, akool: AkoolClient, ids: list[str]
    ) -> None:
        leaked = await akool.sessions.create(ids[0], stream_type="livekit")
        other = await akool.sessions.create(ids[1], stream_type="livekit")
        async with akool.open_session(ids[0], take_over=True) as avatar:
            open_ids = {session.id for session in sim.open_sessions}
            assert leaked.id not in open_ids
            assert open_ids == {other.id, avatar.info.session_id}

    async def test_what_this_client_has_open_is_left_alone(
        self, sim: Simulator, akool: AkoolClient, ids: list[str]
    ) -> None:
        async with akool.open_session(ids[0]) as first:
            with pytest.raises(BusyError):
                await akool.with_options(max_retries=0).open_session(ids[0], take_over=True)
            assert [session.id for session in sim.open_sessions] == [first.info.session_id]
        async with akool.open_session(ids[0], take_over=True):
            assert len(sim.open_sessions) == 1


class TestVoice:
    async def test_the_avatars_own_voice_is_sent_where_it_has_one(
        self, sim: Simulator, akool: AkoolClient, ids: list[str]
    ) -> None:
        own = (await akool.avatars.get(ids[0])).voice_id
        assert own
        async with akool.open_session(ids[0]) as avatar:
            assert avatar.info.voice_id == own
        async with akool.open_session(ids[0], voice="account") as avatar:
            assert avatar.info.voice_id is None

    async def test_it_is_not_read_where_a_voice_is_given(
        self, sim: Simulator, akool: AkoolClient, ids: list[str]
    ) -> None:
        link = "https://files.example/voice.mp3"
        async with akool.open_session(ids[0], voice_url=link):
            pass
        assert calls(sim, "/avatar/detail") == 0

    @pytest.mark.parametrize(
        "fault",
        [
            {"status": 500},
            {"truncated": True},
            {"body": b'{"code":1000,"data":{"avatar_id":"a"}}'},
            {"body": b'{"code":1000,"data":{"avatar_id":"a","voice_id":" "}}'},
            {"body": b'{"code":1000,"data":[]}'},
        ],
    )
    async def test_opening_does_not_depend_on_it(
        self, sim: Simulator, akool: AkoolClient, ids: list[str], fault: dict[str, object]
    ) -> None:
        sim.fail_next(path=DETAIL, **fault)
        async with akool.open_session(ids[0]) as avatar:
            assert avatar.info.voice_id is None
        await until(lambda: not sim.open_sessions)
        assert calls(sim, "/avatar/detail") == 1
