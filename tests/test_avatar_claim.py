"""Taking an avatar over, and speaking with its own voice, before a session is created."""

from __future__ import annotations

import pytest

from akool_async import AkoolClient
from akool_async.errors import AuthenticationError, BusyError
from akool_async.simulator import Simulator
from akool_async.testing.waiting import until

CREATE = "*/session/create"


DETAIL = "*/avatar/detail"


def calls(busy_sim: Simulator, end: str) -> int:
    return sum(request.path.endswith(end) for request in busy_sim.requests)


class TestTakingOver:
    async def test_a_leaked_session_of_the_avatar_is_closed_first(
        self, busy_sim: Simulator, busy_akool: AkoolClient, avatar_ids: list[str]
    ) -> None:
        leaked = await busy_akool.sessions.create(avatar_ids[0], stream_type="livekit")
        other = await busy_akool.sessions.create(avatar_ids[1], stream_type="livekit")
        async with busy_akool.open_session(avatar_ids[0], take_over=True) as avatar:
            open_ids = {session.id for session in busy_sim.open_sessions}
            assert leaked.id not in open_ids
            assert open_ids == {other.id, avatar.info.session_id}

    async def test_what_this_client_has_open_is_left_alone(
        self, busy_sim: Simulator, busy_akool: AkoolClient, avatar_ids: list[str]
    ) -> None:
        async with busy_akool.open_session(avatar_ids[0]) as first:
            with pytest.raises(BusyError):
                await busy_akool.with_options(max_retries=0).open_session(
                    avatar_ids[0], take_over=True
                )
            assert [session.id for session in busy_sim.open_sessions] == [first.info.session_id]
        async with busy_akool.open_session(avatar_ids[0], take_over=True):
            assert len(busy_sim.open_sessions) == 1


class TestVoice:
    async def test_the_avatars_own_voice_is_sent_where_it_has_one(
        self, busy_sim: Simulator, busy_akool: AkoolClient, avatar_ids: list[str]
    ) -> None:
        own = (await busy_akool.avatars.get(avatar_ids[0])).voice_id
        assert own
        async with busy_akool.open_session(avatar_ids[0]) as avatar:
            assert avatar.info.voice_id == own
        async with busy_akool.open_session(avatar_ids[0], voice="account") as avatar:
            assert avatar.info.voice_id is None

    async def test_it_is_not_read_where_a_voice_is_given(
        self, busy_sim: Simulator, busy_akool: AkoolClient, avatar_ids: list[str]
    ) -> None:
        link = "https://files.example/voice.mp3"
        async with busy_akool.open_session(avatar_ids[0], voice_url=link):
            pass
        assert calls(busy_sim, "/avatar/detail") == 0

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
        self,
        busy_sim: Simulator,
        busy_akool: AkoolClient,
        avatar_ids: list[str],
        caplog: pytest.LogCaptureFixture,
        fault: dict[str, object],
    ) -> None:
        busy_sim.fail_next(path=DETAIL, **fault)
        async with busy_akool.open_session(avatar_ids[0]) as avatar:
            assert avatar.info.voice_id is None
        unread = fault.get("body") in (None, b'{"code":1000,"data":[]}')
        assert ("couldn't be read" in caplog.text) is unread
        await until(lambda: not busy_sim.open_sessions)
        assert calls(busy_sim, "/avatar/detail") == 1

    async def test_what_prevents_the_session_is_reported_once(
        self,
        busy_sim: Simulator,
        busy_akool: AkoolClient,
        avatar_ids: list[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        for path in (DETAIL, CREATE):
            busy_sim.fail_next(path=path, body=b'{"code":1101,"msg":"invalid authorization"}')
        with pytest.raises(AuthenticationError):
            await busy_akool.open_session(avatar_ids[0])
        assert "couldn't be read" not in caplog.text
