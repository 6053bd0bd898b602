"""A conversation goes on over many sessions: in the simulator's rooms, and in in-memory ones."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain, count, pairwise

import pytest
from fake_avatar import FakeAvatar
from livekit import rtc

from akool_async import (
    AkoolClient,
    AvatarSession,
    ConversationOptions,
    Disconnected,
    Event,
    OwnLiveKitRoom,
    ReplyDone,
    SessionEnding,
    SessionInfo,
    SessionNotRenewed,
    SessionRenewed,
    SessionRenewing,
    UserSpoke,
)
from akool_async.conversation import renewal
from akool_async.conversation.renewal import NextSessions
from akool_async.conversation.standby import Connection
from akool_async.errors import (
    BusyError,
    ConversationClosedError,
    DisconnectedError,
    InvalidParameterError,
    QuotaError,
    SendError,
)
from akool_async.simulator import ServiceBehavior, Simulator
from akool_async.simulator.rooms.livekit.tokens import API_KEY, API_SECRET, Grants, mint
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.testing.waiting import until
from akool_async.transport import ConnectionState

AVATAR = "dvp_Tristan_cloth2_1080P"
#: Seconds that a session lasts, here.
SHORT = 6


def most_open(sim: Simulator) -> int:
    """How many sessions were open at once, at most."""
    changes = []
    for session in sim.sessions.values():
        changes.append((session.created, 1))
        if session.ended_at is not None:
            changes.append((session.ended_at, -1))
    now = most = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


class Visitor:
    """Asks, has things said and interrupts, at random moments."""

    def __init__(self, avatar: AvatarSession, seed: int) -> None:
        self.avatar = avatar
        self.random = random.Random(seed)
        self.asked = 0
        self.said = 0
        self.interrupts = 0

    async def asks(self, done: asyncio.Event) -> None:
        while not done.is_set():
            self.asked += 1
            question = f"question {self.asked}."
            reply = await self.avatar.ask(question)
            whole = f"You said: {question}"
            if reply.ended == "interrupted":
                assert whole.startswith(reply.text.rstrip()), reply
            else:
                assert reply.text == whole
            await asyncio.sleep(self.random.uniform(0.0, 1.2))

    async def says(self, done: asyncio.Event) -> None:
        while not done.is_set():
            self.said += 1
            before = self.interrupts
            spoken = await self.avatar.say(f"Text number {self.said}.")
            assert spoken or self.interrupts > before
            await asyncio.sleep(self.random.uniform(0.0, 3.0))

    async def cuts_in(self, done: asyncio.Event) -> None:
        while not done.is_set():
            await asyncio.sleep(self.random.uniform(0.5, 3.0))
            self.interrupts += 1
            await self.avatar.interrupt()

    async def until_renewed(self, times: int, duration: int) -> None:
        done = asyncio.Event()
        renewed = self.avatar.events(SessionRenewed)
        async with asyncio.timeout(duration * (times + 10)), asyncio.TaskGroup() as tasks:
            for work in (self.asks, self.says, self.cuts_in):
                tasks.create_task(work(done))
            for _ in range(times):
                await anext(renewed)
            done.set()


async def renew_often(
    avatar: AvatarSession,
    times: int,
    duration: int,
    asked: Callable[[], Iterable[str]],
) -> None:
    events: list[Event] = []
    avatar.on(Event)(events.append)
    visitor = Visitor(avatar, seed=times)
    await visitor.until_renewed(times, duration)
    renewed = [event for event in events if isinstance(event, SessionRenewed)]
    assert len(renewed) >= times
    assert all(new.previous_id == old.session_id for old, new in pairwise(renewed))
    assert avatar.info.session_id == renewed[-1].session_id
    kinds = Counter(type(event) for event in events)
    assert kinds[SessionRenewing] - kinds[SessionRenewed] in (0, 1)
    assert kinds[SessionEnding] == kinds[SessionNotRenewed] == kinds[Disconnected] == 0
    assert visitor.interrupts
    assert all(event.quiet for event in renewed)
    heard = Counter(asked())
    # Each question was asked of one avatar, once; a text that was interrupted early, of none.
    assert all(number == 1 for number in heard.values()), heard
    assert all(heard[f"question {n}."] for n in range(1, visitor.asked))
    answered = Counter(
        event.question for event in events if isinstance(event, ReplyDone) and event.question
    )
    assert all(number == 1 for number in answered.values())


async def renew_in_the_simulator(
    limited: bool, times: int, stream_type: str, duration: int, pace: float
) -> None:
    behavior = ServiceBehavior(one_session_per_avatar=limited)
    async with (
        Simulator(behavior=behavior, pace=pace) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
    ):
        async with akool.open_session(
            AVATAR, stream_type=stream_type, duration=duration, mode=2, renew="quiet"
        ) as avatar:
            await renew_often(
                avatar,
                times,
                duration,
                lambda: chain(*(sim.asked(name) for name in sim.sessions)),
            )
            assert avatar.info.session_id in [session.id for session in sim.open_sessions]
        assert sim.open_sessions == []
        assert all(session.end_reason == "closed" for session in sim.sessions.values())
        assert most_open(sim) == (1 if limited else 2)


@pytest.mark.parametrize("limited", [False, True], ids=["two at once", "one at a time"])
async def test_two_hundred_renewals(limited):
    rooms = Rooms(duration=SHORT, together=1 if limited else 2)
    rooms.says = lambda text: f"You said: {text}"
    async with rooms.session() as avatar:
        await renew_often(
            avatar, 200, SHORT, lambda: (text for one in rooms.avatars for _, text in one.chats)
        )
    assert rooms.open == []
    assert rooms.most == (1 if limited else 2)


@pytest.mark.parametrize("limited", [False, True], ids=["two at once", "one at a time"])
async def test_renewals_with_the_service(limited):
    await renew_in_the_simulator(limited, 25, "agora", SHORT, pace=0.03)


@pytest.fixture
def early(request, monkeypatch) -> None:
    """The first sessions are renewed after a second, long before their end: nothing is late on a
    busy machine.
    """
    numbers = count()

    class Early(renewal._Windows):
        def __init__(self, duration: float) -> None:
            super().__init__(duration)
            if next(numbers) < request.param:
                self.begin = duration - 1
                self.hold_back = duration / 2

    monkeypatch.setattr(renewal, "_Windows", Early)


@pytest.mark.real_clock
@pytest.mark.parametrize("early", [3], indirect=True)
@pytest.mark.parametrize("limited", [False, True], ids=["two at once", "one at a time"])
async def test_renewals_over_livekit(limited, early):
    await renew_in_the_simulator(limited, 3, "livekit", 300, pace=0.005)


class Rooms:
    """In-memory sessions, each in a room of its own with an avatar that answers in capitals."""

    def __init__(self, *, duration: float = SHORT, together: int = 2) -> None:
        self.duration = duration
        self.together = together
        self.avatars: list[FakeAvatar] = []
        self.open: list[str] = []
        self.most = 0
        #: Raised instead of opening the next ones.
        self.refusals: list[Exception] = []
        self.answering = True
        self.says: Callable[[str], str] = str.upper

    def connection(self) -> Connection:
        room = InMemoryRoom()
        avatar = FakeAvatar(room)
        self.avatars.append(avatar)
        name = f"session {len(self.avatars)}"
        self.open.append(name)
        self.most = max(self.most, len(self.open))

        loop = asyncio.get_running_loop()

        def on_chat(mid: str, text: str) -> None:
            if self.answering:
                avatar.event("audio_start", mid)
                loop.call_later(0.05, avatar.reply, mid, self.says(text))
                loop.call_later(0.15, avatar.event, "audio_end", mid)

        avatar.on_chat = on_chat
        info = SessionInfo(
            session_id=name, mode=2, duration=self.duration, created=loop.time(), transport="memory"
        )

        async def close() -> None:
            self.open.remove(name)

        return Connection(room.transport, info, close)

    async def opens(self) -> Connection:
        if self.refusals:
            raise self.refusals.pop(0)
        if len(self.open) >= self.together:
            raise BusyError(1237, "the avatar is in use")
        return self.connection()

    def session(self, *, overlap: bool = True, **options) -> AvatarSession:
        first = self.connection()
        return AvatarSession(
            first.transport,
            info=first.info,
            options=ConversationOptions(command_resend=0.2, **options),
            renew=NextSessions(first, self.opens, overlap),
        )


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
        third = avatar.say("third")
        await asyncio.sleep(5)
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


async def test_what_a_handler_of_the_next_sessions_raises_ends_nothing():
    rooms = Rooms(duration=600)
    async with rooms.session() as avatar:
        rooms.refusals = [ZeroDivisionError("on_created")]
        event = await anext(avatar.events(SessionNotRenewed))
        assert isinstance(event.error, ZeroDivisionError)
        assert (await avatar.ask("still there?")).text == "STILL THERE?"


# With the service.


@pytest.mark.real_clock
@pytest.mark.parametrize("early", [1], indirect=True)
async def test_people_in_a_livekit_room_of_ones_own_see_the_next_avatar(early):
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        own = OwnLiveKitRoom(
            name="mine",
            url=sim.url.replace("http://", "ws://"),
            api_key=API_KEY,
            api_secret=API_SECRET,
        )
        guest = rtc.Room()
        try:
            await guest.connect(own.url, mint(Grants("guest", "mine"), lifetime=60))
            async with akool.open_session(AVATAR, room=own, duration=300, renew="quiet") as avatar:
                renewed = avatar.events(SessionRenewed)
                first = own.avatar_identity
                assert first in guest.remote_participants
                event = await anext(renewed)
                assert event.own_room
                assert event.credentials == {}
                assert f"{first}-2" in guest.remote_participants
                await until(lambda: first not in guest.remote_participants)
                assert (await avatar.ask("Are you new?")).text == "You said: Are you new?"
        finally:
            await guest.disconnect()
    assert sim.open_sessions == []


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
