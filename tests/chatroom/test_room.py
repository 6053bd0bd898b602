"""The chat room of a v3 session: opening it, pausing, and everything that may end it."""

from __future__ import annotations

import asyncio
import json

import pytest
from chatroom_session import AVATAR, LIMIT, QUICK, asked, no_reply, talking

from akool_async import AkoolClient, join
from akool_async.conversation import ConversationOptions
from akool_async.errors import (
    DisconnectedError,
    InvalidParameterError,
    JoinError,
    JoinRefusedError,
    NotSupportedError,
    QuestionInterruptedError,
    ReplyTimeoutError,
    SessionFailedError,
    WaitTimeoutError,
)
from akool_async.events import Disconnected, Reconnected, Reconnecting
from akool_async.simulator import Simulator
from akool_async.simulator.behavior import ServiceBehavior
from akool_async.testing.waiting import until


class TestOpening:
    async def test_waits_until_the_session_runs_and_reports_progress(self):
        seen = []

        def note(progress):
            if progress.session is not None:
                seen.append(progress.session.status)

        async with talking(queue_time=0.3, open_with={"on_progress": note}) as (_, avatar, _):
            assert seen[0] == 1
            assert seen[-1] == 2
            assert (await avatar.ask("Hello")).text

    async def test_asks_less_and_less_often_and_gives_up(self):
        async with Simulator(queue_time=60) as sim, AkoolClient("any", base_url=sim.url) as akool:
            session = await akool.legacy_sessions.create(AVATAR)
            with pytest.raises(WaitTimeoutError, match="last status: 1") as caught:
                await akool.legacy_sessions.wait_until_running(session, timeout=1, interval=0.02)
            assert caught.value.status == 1
            looks = [r.at for r in sim.requests if r.path.endswith("/session/detail")]
            assert 2 <= len(looks) < 15  # without growing pauses it would be 50
            await akool.legacy_sessions.close(session)

    @pytest.mark.parametrize("status", [3, 4])
    async def test_a_session_that_ends_first_is_an_error(self, status):
        async with Simulator(queue_time=60) as sim, AkoolClient("any", base_url=sim.url) as akool:

            async def end(progress):
                if progress.session is None:
                    return
                if status == 4:
                    await sim.fail_session(progress.session.id)
                else:
                    await akool.legacy_sessions.close(progress.session.id)

            with pytest.raises(SessionFailedError) as caught:
                async with akool.open_session(AVATAR, legacy=True, on_progress=end):
                    pytest.fail("it opened")
            assert caught.value.status == status
            assert sim.open_sessions == []

    async def test_a_room_that_refuses_leaves_no_session_open(self):
        async with Simulator(queue_time=0) as sim, AkoolClient("any", base_url=sim.url) as akool:

            async def refuse(progress):
                if progress.session is not None:
                    await sim.fault(progress.session.id, "refuse", status=403)

            with pytest.raises(JoinRefusedError):
                async with akool.open_session(AVATAR, legacy=True, on_progress=refuse):
                    pytest.fail("it opened")
            assert sim.open_sessions == []

    async def test_a_silent_room_leaves_no_session_open(self):
        options = ConversationOptions(connect_timeout=0.3)
        async with Simulator(queue_time=0) as sim, AkoolClient("any", base_url=sim.url) as akool:

            async def silence(progress):
                if progress.session is not None:
                    await sim.fault(progress.session.id, "silent_join")

            with pytest.raises(JoinError, match=r"within 0\.3 s"):
                async with akool.open_session(
                    AVATAR, legacy=True, on_progress=silence, options=options
                ):
                    pytest.fail("it opened")
            assert sim.open_sessions == []

    async def test_an_unknown_option_creates_nothing(self):
        async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
            with pytest.raises(InvalidParameterError, match="colour"):
                async with akool.open_session(
                    AVATAR, legacy=True, transport_options={"colour": "red"}
                ):
                    pytest.fail("it opened")
            assert not sim.requests

    async def test_joining_a_session_made_elsewhere(self):
        async with Simulator(queue_time=0) as sim, AkoolClient("any", base_url=sim.url) as akool:
            session = await akool.legacy_sessions.create(AVATAR)
            await akool.legacy_sessions.wait_until_running(session)
            handed_on = json.loads(json.dumps(session.to_dict(include_secrets=True)))
            async with join(handed_on, options=QUICK) as avatar:
                assert (await avatar.ask("Hello")).text
                with pytest.raises(NotSupportedError):
                    await avatar.pause()
            assert [s.id for s in sim.open_sessions] == [session.id]
            await akool.legacy_sessions.close(session)

    async def test_says_where_the_video_is_but_in_no_repr(self):
        async with talking() as (_, avatar, session):
            assert avatar.info.pull_url == session.access["client_pull_stream_url"]
            assert session.room.stream_name not in repr(avatar.info)

    async def test_video_urls_and_agora_credentials_are_in_the_model(self):
        async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
            session = await akool.legacy_sessions.create(AVATAR, stream_type="agora")
            assert session.pull_url.endswith(".flv")
            assert session.push_url.endswith(".whip")
            video = session.video_credentials
            assert (video.agora_app_id, video.agora_channel) == (
                session.stream_urls.agora_app_id,
                session.stream_urls.agora_channel,
            )
            assert video.agora_uid == session.uid
            assert video.agora_token.get_secret_value().startswith("007")
            assert session.credentials.kind == "chatroom"
            flv = await akool.legacy_sessions.create(AVATAR)
            assert flv.video_credentials is None
            for one in (session, flv):
                await akool.legacy_sessions.close(one)


class TestPausing:
    async def test_the_next_question_resumes(self):
        async with talking() as (_, avatar, session):
            await avatar.ask("one")
            await avatar.pause()
            assert session.pause_ends is not None
            assert (await avatar.ask("two")).text == "You said: two"
            assert session.pause_ends is None

    async def test_a_session_that_times_out_is_reported_as_such(self):
        async with talking(pause_timeout=0.2) as (sim, avatar, _):
            events = avatar.events(Disconnected)
            await avatar.pause()
            assert (await anext(events)).reason == "timed_out"
            with pytest.raises(DisconnectedError, match="timed out") as caught:
                await avatar.ask("anybody?")
            assert caught.value.reason == "timed_out"
            assert sim.open_sessions == []

    async def test_a_session_closed_elsewhere(self):
        async with talking() as (sim, avatar, session):
            events = avatar.events(Disconnected)
            await sim.sessions[session.id].room.close("closed")
            assert (await anext(events)).reason == "room_closed"


class TestDrops:
    async def test_a_question_in_flight_is_interrupted_and_not_sent_twice(self):
        never = asyncio.Event()

        async def reply(text):
            if text == "held":
                await never.wait()
            return f"re: {text}"

        behavior = ServiceBehavior(second_chat="interrupt")
        async with talking(reply=reply, behavior=behavior) as (sim, avatar, session):
            events = avatar.events(Reconnecting, Reconnected)
            asking = asyncio.create_task(avatar.ask("held"))
            await until(lambda: len(asked(sim)) == 1)
            await sim.fault(session, "drop_socket")
            assert isinstance(await anext(events), Reconnecting)
            reconnected = await anext(events)
            assert isinstance(reconnected, Reconnected)
            assert reconnected.lossy
            with pytest.raises(QuestionInterruptedError):
                await asking
            assert (await avatar.ask("after")).text == "re: after"
            assert [question["question"] for question in asked(sim)] == ["held", "after"]
            assert avatar.stats.reconnects == 1

    async def test_a_question_asked_meanwhile_waits(self):
        async with talking() as (sim, avatar, session):
            events = avatar.events(Reconnecting, Reconnected)
            await sim.fault(session, "refuse", status=503, times=3)
            await sim.fault(session, "drop_socket")
            assert isinstance(await anext(events), Reconnecting)
            assert (await avatar.ask("meanwhile")).text == "You said: meanwhile"
            assert len(asked(sim)) == 1

    @pytest.mark.parametrize("code", [1001, 1011, 1012, 4000])
    async def test_a_close_code_that_may_be_an_accident(self, code):
        async with talking() as (sim, avatar, session):
            events = avatar.events(Reconnected)
            await sim.fault(session, "close", code=code)
            await anext(events)
            assert (await avatar.ask("again")).text == "You said: again"

    async def test_a_close_code_that_is_the_end_fails_everything_at_once(self):
        async with talking(reply=no_reply) as (sim, avatar, session):
            asking = [asyncio.create_task(avatar.ask(f"{n}")) for n in range(5)]
            await until(lambda: len(asked(sim)) == 5)
            await sim.fault(session, "close", code=1008, reason="go away")
            for result in await asyncio.gather(*asking, return_exceptions=True):
                assert isinstance(result, DisconnectedError)
                assert result.reason == "removed"
                assert "go away" in str(result)

    async def test_gives_up_with_one_error_for_everything_waiting(self):
        async with talking(reply=no_reply, transport_options={"reconnect_timeout": 0.3}) as (
            sim,
            avatar,
            session,
        ):
            asking = [asyncio.create_task(avatar.ask("before"))]
            await until(lambda: len(asked(sim)) == 1)
            await sim.fault(session, "refuse", status=503, times=10_000)
            events = avatar.events(Reconnecting)
            await sim.fault(session, "drop_socket")
            await anext(events)
            asking.append(asyncio.create_task(avatar.ask("meanwhile")))
            results = await asyncio.gather(*asking, return_exceptions=True)
            assert [type(result) for result in results] == [DisconnectedError] * 2
            assert {result.reason for result in results} == {"connection_lost"}
            assert len({str(result) for result in results}) == 1

    async def test_a_server_that_stops_reading(self):
        """The questions fail in time, and the conversation goes on in a new connection."""
        options = ConversationOptions(v3_quiet_time=0.2, send_timeout=0.3, waiting_bytes=2**24)
        async with talking(options=options, transport_options={"ping_timeout": 0.3}) as (
            sim,
            avatar,
            session,
        ):
            events = avatar.events(Reconnected)
            await sim.fault(session, "freeze")
            # Kernel buffers take several megabytes before anybody can notice.
            asking = [asyncio.create_task(avatar.ask("x" * 60_000)) for _ in range(150)]
            async with asyncio.timeout(LIMIT):
                await anext(events)
            for task in asking:
                task.cancel()
            await asyncio.wait(asking)
            assert (await avatar.ask("again")).text == "You said: again"

    async def test_a_room_that_takes_questions_and_answers_none(self):
        async with talking(reply=no_reply) as (_, avatar, _):
            with pytest.raises(ReplyTimeoutError, match=r"within 0\.2 s"):
                await avatar.ask("anybody?", timeout=0.2)
