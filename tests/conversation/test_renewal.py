"""A conversation goes on over many sessions: in the simulator's rooms, and in in-memory ones."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from renewing import AVATAR
from rooms_in_turn import SHORT, Rooms

from akool_async import (
    AkoolClient,
    Disconnected,
    SessionEnding,
    SessionNotRenewed,
    SessionRenewed,
    SessionRenewing,
    UserSpoke,
)
from akool_async.concurrency import run_to_completion
from akool_async.conversation.standby import Connection
from akool_async.errors import (
    BusyError,
    ConversationClosedError,
    DisconnectedError,
    InvalidParameterError,
    QuotaError,
    SendError,
)
from akool_async.simulator import Simulator
from akool_async.testing.waiting import until
from akool_async.transport import ConnectionState


async def test_it_takes_over_when_the_avatar_was_silent_for_a_moment():
    rooms = Rooms(duration=600)
    async with rooms.session() as avatar:
        events = avatar.events(SessionRenewing, SessionRenewed)
        began = asyncio.get_running_loop().time()
        renewing = await anext(events)
        assert isinstance(renewing, SessionRenewing)
        assert renewing.session_id == "session 1"
        assert renewing.seconds_left == pytest.approx(60, abs=0.1)
        rooms.avatars[0].event("audio_start")
        await asyncio.sleep(10)
        assert avatar.info.session_id == "session 1"
        rooms.avatars[0].event("audio_end")
        renewed = await anext(events)
        assert isinstance(renewed, SessionRenewed)
        assert (renewed.previous_id, renewed.session_id) == ("session 1", "session 2")
        assert (renewed.gap, renewed.quiet) == (0.0, True)
        assert asyncio.get_running_loop().time() - began == pytest.approx(550.5, abs=0.2)
        await until(lambda: rooms.open == ["session 2"])
        assert rooms.avatars[0].pair.transport.closed
        assert (await avatar.ask("still there?")).text == "STILL THERE?"
        assert rooms.avatars[1].chats[0][1] == "still there?"
    assert rooms.open == []
    assert rooms.most == 2


async def test_what_is_new_waits_in_the_last_half_minute_and_a_speaker_isnt_cut_off():
    rooms = Rooms(duration=600)
    rooms.answering = False
    async with rooms.session() as avatar:
        renewed = avatar.events(SessionRenewed)
        await asyncio.sleep(539)
        first = asyncio.create_task(avatar.ask("first"))
        await asyncio.sleep(32)
        second = asyncio.create_task(avatar.ask("second"))
        await asyncio.sleep(1)  # asked before what follows is said
        third = avatar.say("third")
        await asyncio.sleep(4)
        assert [text for _, text in rooms.avatars[0].chats] == ["first"]
        rooms.avatars[0].reply(rooms.avatars[0].chats[0][0], "FIRST")
        assert (await first).text == "FIRST"
        rooms.answering = True
        assert (await anext(renewed)).quiet
        assert (await second).text == "SECOND"
        assert await third.spoken()
        assert [text for _, text in rooms.avatars[0].chats] == ["first"]
        assert [text for _, text in rooms.avatars[1].chats] == ["second", "third"]


async def test_twenty_seconds_before_the_end_it_takes_over_quiet_or_not():
    """A question without a word of an answer is sent again, one that is being answered ends."""
    rooms = Rooms(duration=600)
    rooms.answering = False
    async with rooms.session(quiet_time=60) as avatar:
        renewed = avatar.events(SessionRenewed)
        await asyncio.sleep(539)
        old = rooms.avatars[0]
        half = asyncio.create_task(avatar.ask("half"))
        await until(lambda: old.chats)
        old.part(old.chats[0][0], 0, "HA")
        unanswered = asyncio.create_task(avatar.ask("unanswered"))
        await until(lambda: len(old.chats) == 2)
        rooms.answering = True
        event = await anext(renewed)
        assert not event.quiet
        reply = await half
        assert (reply.text, reply.ended) == ("HA", "interrupted")
        assert (await unanswered).text == "UNANSWERED"
        assert rooms.avatars[1].chats == [(old.chats[1][0], "unanswered")]


async def test_a_text_that_is_being_said_at_the_last_moment_is_cut_off(caplog):
    rooms = Rooms(duration=600)
    rooms.answering = False
    async with rooms.session(words_per_second=0.01) as avatar:
        renewed = avatar.events(SessionRenewed)
        await asyncio.sleep(539)
        text = avatar.say("A speech of an hour.")
        behind = avatar.say("And this.")
        await until(lambda: rooms.avatars[0].chats)
        rooms.avatars[0].event("audio_start", text.mid)
        rooms.answering = True
        assert not (await anext(renewed)).quiet
        assert not await text.spoken()
        assert await behind.spoken()
        assert [said for _, said in rooms.avatars[1].chats] == ["And this."]
    assert "a text was cut off" in caplog.text


async def test_one_session_at_a_time_is_closed_first_and_the_gap_is_reported():
    rooms = Rooms(duration=600, together=1)
    async with rooms.session() as avatar:
        renewed = avatar.events(SessionRenewed)
        # Refused while the first one is open, and twice more when it is closed.
        rooms.refusals = [BusyError(1237, "in use") for _ in range(3)]
        await asyncio.sleep(541)
        waiting = asyncio.create_task(avatar.ask("in the gap"))
        event = await anext(renewed)
        assert event.quiet
        assert 0 < event.gap < 5
        assert (await waiting).text == "IN THE GAP"
        assert [text for _, text in rooms.avatars[1].chats] == ["in the gap"]
        assert rooms.avatars[0].chats == []
    assert rooms.most == 1
    assert rooms.open == []


async def test_sessions_that_would_remove_each_other_arent_open_at_once():
    rooms = Rooms(duration=60)
    async with rooms.session(overlap=False) as avatar:
        assert (await anext(avatar.events(SessionRenewed))).gap < 1
    assert rooms.most == 1


@pytest.mark.parametrize(
    ("refusal", "asked"),
    [
        (lambda: QuotaError(1104, "no credits"), 1),
        (lambda: BusyError(1214, "still processing"), 3),
    ],
    ids=["quota", "busy"],
)
async def test_without_another_session_the_first_runs_to_its_end_and_says_so(refusal, asked):
    rooms = Rooms(duration=600)
    async with rooms.session(ending_timeout=1) as avatar:
        events = avatar.events(SessionNotRenewed, SessionEnding, Disconnected)
        rooms.refusals = [refusal() for _ in range(1000)]
        not_renewed = await anext(events)
        assert isinstance(not_renewed, SessionNotRenewed)
        assert type(not_renewed.error) is type(refusal())
        assert 1000 - len(rooms.refusals) >= asked
        assert isinstance(await anext(events), SessionEnding)
        assert (await avatar.ask("still there?")).text == "STILL THERE?"
        assert await anext(events) == Disconnected("duration")
    assert rooms.open == []


async def test_a_refusal_that_passes_is_tried_again():
    rooms = Rooms(duration=600)
    async with rooms.session() as avatar:
        rooms.refusals = [SendError("the network"), BusyError(1214, "processing")]
        event = await anext(avatar.events(SessionRenewed))
        assert event.gap == 0.0


async def test_when_no_session_follows_the_one_that_was_closed_first_it_is_over():
    rooms = Rooms(duration=600, together=1)
    async with rooms.session() as avatar:
        rooms.refusals = [BusyError(1237, "in use") for _ in range(1000)]
        assert await anext(avatar.events(Disconnected)) == Disconnected("not_renewed")
        with pytest.raises(DisconnectedError, match="couldn't be renewed"):
            await avatar.ask("still there?")
    assert rooms.open == []


async def test_a_room_that_is_lost_while_another_session_is_ready_is_no_end():
    rooms = Rooms(duration=600)
    async with rooms.session() as avatar:
        rooms.answering = False
        await asyncio.sleep(539)
        question = asyncio.create_task(avatar.ask("on its way"))
        await until(lambda: len(rooms.open) == 2 and rooms.avatars[0].chats)
        rooms.answering = True
        rooms.avatars[0].pair.drop("connection_lost")
        assert (await question).text == "ON ITS WAY"
        assert avatar.info.session_id == "session 2"
        assert not avatar.closed
    assert rooms.open == []


async def test_a_room_that_is_lost_earlier_is_the_end():
    rooms = Rooms(duration=600)
    async with rooms.session() as avatar:
        rooms.avatars[0].pair.drop("connection_lost")
        await until(lambda: avatar.closed)
        await asyncio.sleep(1000)
        assert len(rooms.avatars) == 1
    assert rooms.open == []


async def test_a_next_avatar_that_leaves_again_is_replaced():
    rooms = Rooms(duration=600)
    async with rooms.session() as avatar:
        renewed = avatar.events(SessionRenewed)
        rooms.avatars[0].event("audio_start")
        await asyncio.sleep(542)
        assert len(rooms.avatars) == 2
        rooms.avatars[1].pair.change(ConnectionState.AVATAR_LEFT)
        await until(lambda: rooms.open == ["session 1", "session 3"])
        rooms.avatars[0].event("audio_end")
        assert (await anext(renewed)).session_id == "session 3"
    assert rooms.most == 2
    assert rooms.open == []


async def test_what_was_set_since_the_start_is_set_again():
    rooms = Rooms(duration=600)
    async with rooms.session() as avatar:
        renewed = avatar.events(SessionRenewed)
        await avatar.set_params(language="de", speed=1.1)
        await avatar.say("Something.").spoken()  # in retelling mode
        await anext(renewed)
        assert (await avatar.ask("which mode?")).text == "WHICH MODE?"
        opening, *rest = (c["pld"]["data"] for c in rooms.avatars[1].named("set-params"))
        assert opening == {"lang": "de", "mode": 1, "vparams": {"speed": 1.1}}
        assert rest[-1] == {"mode": 2}  # `ask` restores it


async def test_handlers_readers_and_the_responder_stay():
    rooms = Rooms(duration=60)
    heard: list[str] = []
    async with rooms.session() as avatar:
        reader = avatar.events(UserSpoke)
        avatar.on(UserSpoke)(lambda event: heard.append(event.text))
        responder = await avatar.respond_with(lambda turn: f"about {turn.text}")
        for number in range(1, 4):
            robot = rooms.avatars[-1]
            robot.reply(f"m{number}", f"words {number}", sender="user")
            assert (await anext(reader)).text == f"words {number}"
            await until(lambda robot=robot: robot.chats)
            assert [text for _, text in robot.chats] == [f"about words {number}"]
            await anext(avatar.events(SessionRenewed))
        assert responder.turns == 3
        assert heard == ["words 1", "words 2", "words 3"]
        assert [e.text for e in avatar.transcript if e.role == "user"] == heard
        sent = sum(len(robot.pair.packets) for robot in rooms.avatars)
        assert avatar.stats.packets_sent == sent


@pytest.mark.parametrize("together", [1, 2])
async def test_it_can_be_closed_at_any_moment(together):
    for moment in range(40):
        rooms = Rooms(duration=10, together=together)
        async with rooms.session() as avatar:
            await asyncio.sleep(4.95 + moment * 0.01)
            asking = asyncio.create_task(avatar.ask("Hello"))
            await asyncio.sleep(0)
        assert rooms.open == []
        assert all(robot.pair.transport.closed for robot in rooms.avatars)
        with contextlib.suppress(ConversationClosedError):
            assert (await asking).text == "HELLO"


async def test_a_next_session_that_takes_its_time_does_not_keep_the_first_one_open():
    rooms = Rooms(duration=600)
    creating, created = asyncio.Event(), asyncio.Event()
    opens = rooms.opens

    async def slowly() -> Connection:
        creating.set()
        # As creating does: what was sent may create one.
        await run_to_completion(created.wait(), timeout=None, name="creating")
        return await opens()

    rooms.opens = slowly
    avatar = rooms.session()
    await avatar.open()
    await creating.wait()
    closing = asyncio.create_task(avatar.aclose())
    await until(lambda: rooms.open == [])
    assert not closing.done()
    created.set()
    await closing
    assert rooms.open == []


async def test_rooms_that_cannot_be_left_keep_no_session_open():
    async def fail(*, timeout: float = 5.0) -> None:
        raise OSError("the socket is gone")

    rooms = Rooms(duration=600)
    async with rooms.session() as avatar:
        rooms.avatars[0].pair.transport.close = fail
        await anext(avatar.events(SessionRenewed))
        await until(lambda: rooms.open == ["session 2"])
        rooms.avatars[1].pair.transport.close = fail
        await anext(avatar.events(SessionRenewing))
        await until(lambda: len(rooms.open) == 2)
        rooms.avatars[2].pair.transport.close = fail
    assert rooms.open == []


@pytest.mark.parametrize("raised", [ZeroDivisionError, asyncio.CancelledError])
async def test_what_a_handler_of_the_next_sessions_raises_ends_nothing(raised):
    rooms = Rooms(duration=600)
    async with rooms.session() as avatar:
        rooms.refusals = [raised("on_created")]
        event = await anext(avatar.events(SessionNotRenewed))
        assert isinstance(event.error, raised)
        assert (await avatar.ask("still there?")).text == "STILL THERE?"


# With the service.


async def test_in_the_services_room_the_event_has_what_a_viewer_needs(caplog):
    async with (
        Simulator() as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type="agora", duration=SHORT, renew="quiet") as avatar,
    ):
        event = await anext(avatar.events(SessionRenewed))
        assert event.credentials == sim.open_sessions[-1].access
        token = event.credentials["agora_token"]
        assert token not in repr(event) + caplog.text


async def test_another_avatar_takes_over_where_the_first_is_taken():
    async with (
        Simulator() as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            [AVATAR, "dvp_Alinna_realisticbg_20241224"],
            stream_type="agora",
            duration=SHORT,
            renew="quiet",
        ) as avatar,
    ):
        sim.fail_next(path="*/session/create", code=1010)
        event = await anext(avatar.events(SessionRenewed))
        assert event.avatar_id == avatar.info.avatar_id != AVATAR
        assert event.gap == 0.0


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"renew": "soon"}, "renew"),
        ({"renew": "quiet", "legacy": True}, "renew"),
        ({"renew": "quiet", "renew_credentials": print}, "renew_credentials"),
    ],
)
async def test_wrong_values_are_refused_before_anything_is_paid(options, field):
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        with pytest.raises(InvalidParameterError) as caught:
            await akool.open_session(AVATAR, **options)
        assert caught.value.field == field
        assert not sim.sessions
