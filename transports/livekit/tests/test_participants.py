"""`akool_livekit.participants`, with a room of the vendor's that the test plays."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from akool_livekit.participants import ParticipantTracker
from akool_livekit.sender_filter import SenderFilter
from livekit import rtc

from akool_async.errors import DisconnectedError
from akool_async.transport import ConnectionChange, ConnectionState, Inbox, TransportStats

JOINED = rtc.ParticipantState.PARTICIPANT_STATE_JOINED
ACTIVE = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
LEFT, BACK, PUBLISHED, RECONNECTING, RECONNECTED = (
    ConnectionState.AVATAR_LEFT,
    ConnectionState.AVATAR_BACK,
    ConnectionState.AVATAR_PUBLISHED,
    ConnectionState.RECONNECTING,
    ConnectionState.RECONNECTED,
)


class VendorRoom:
    """As much of `rtc.Room` as a tracker uses."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., None]] = {}
        self.remote_participants: dict[str, Any] = {}
        self.numbers = itertools.count()

    def on(self, event: str, handler: Callable[..., None]) -> None:
        self.handlers[event] = handler

    def comes(self, identity: str, *, tracks: int = 0, state: int = ACTIVE) -> None:
        other = SimpleNamespace(
            identity=identity,
            name=f"The {identity}",
            sid=f"PA_{next(self.numbers)}",
            state=state,
            track_publications={str(n): n for n in range(tracks)},
        )
        self.remote_participants[identity] = other
        self.handlers["participant_connected"](other)

    def goes(self, identity: str) -> None:
        self.handlers["participant_disconnected"](self.remote_participants.pop(identity))

    def publishes(self, identity: str, *, on: bool = True) -> None:
        other = self.remote_participants[identity]
        other.track_publications = {"1": 1} if on else {}
        self.handlers["track_published" if on else "track_unpublished"](object())

    def sends(self, identity: str, data: bytes) -> None:
        packet = SimpleNamespace(
            participant=self.remote_participants[identity], topic="", data=data
        )
        self.handlers["data_received"](packet)


class Heard:
    """A tracker in a room of the service's, and what came of it."""

    def __init__(self, avatar: str | None = None) -> None:
        self.stats = TransportStats()
        self.inbox = Inbox(self.stats)
        self.tracker = ParticipantTracker(
            SenderFilter(avatar, own_room=False), self.inbox, self.stats
        )
        self.room = VendorRoom()
        self.tracker.listen(self.room)  # type: ignore[arg-type]
        self.tracker.connected = True

    async def states(self) -> list[object]:
        """What was reported, except that someone came or left."""
        # Longer than a leaving is held back for.
        await asyncio.sleep(0.15)
        self.inbox.finish(DisconnectedError("the end", reason="closed"))
        items: list[object] = []
        with pytest.raises(DisconnectedError):
            while True:
                item = await self.inbox.get()
                items.append(item.state if isinstance(item, ConnectionChange) else item)
        return [item for item in items if item is not ConnectionState.PARTICIPANTS]


async def test_a_track_is_reported_once_until_it_ends() -> None:
    heard = Heard()
    heard.room.comes("avatar")
    assert heard.tracker.avatar_publishing is False
    heard.room.publishes("avatar")
    heard.room.publishes("avatar")
    assert heard.tracker.avatar_publishing is True
    heard.room.publishes("avatar", on=False)
    assert heard.tracker.avatar_publishing is False
    heard.room.publishes("avatar")
    assert await heard.states() == [PUBLISHED, PUBLISHED]


async def test_a_strangers_track_is_not_the_avatars() -> None:
    heard = Heard("avatar")
    heard.room.comes("stranger", tracks=2)
    heard.room.comes("avatar")
    assert heard.tracker.avatar_publishing is False
    assert await heard.states() == []


async def test_a_reconnect_does_not_report_the_track_again() -> None:
    heard = Heard()
    heard.room.comes("avatar", tracks=1)
    heard.room.handlers["reconnecting"](None)
    heard.room.goes("avatar")
    heard.room.comes("avatar", tracks=1)
    heard.room.handlers["reconnected"](None)
    assert await heard.states() == [PUBLISHED, RECONNECTING, RECONNECTED]


async def test_an_avatar_that_was_replaced_before_it_left() -> None:
    heard = Heard()
    heard.room.comes("avatar-1", tracks=1)
    heard.room.comes("avatar-2", tracks=1)
    heard.room.goes("avatar-1")
    heard.room.sends("avatar-2", b"2")
    assert await heard.states() == [PUBLISHED, LEFT, BACK, b"2"]


async def test_an_avatar_that_came_before_the_old_one_left_and_publishes_after() -> None:
    heard = Heard()
    heard.room.comes("avatar-1", tracks=1)
    heard.room.comes("avatar-2")
    heard.room.goes("avatar-1")
    heard.room.publishes("avatar-2")
    heard.room.sends("avatar-2", b"2")
    assert await heard.states() == [PUBLISHED, LEFT, BACK, b"2"]
    assert heard.tracker.avatar_publishing


async def test_a_silent_participant_is_not_promoted() -> None:
    heard = Heard()
    heard.room.comes("avatar")
    heard.room.comes("other")
    heard.room.goes("avatar")
    assert await heard.states() == [LEFT]
    assert not heard.tracker.avatar_here.is_set()


async def test_a_named_avatar_is_not_replaced() -> None:
    heard = Heard("avatar")
    heard.room.comes("avatar")
    heard.room.comes("other", tracks=1)
    heard.room.goes("avatar")
    heard.room.sends("other", b"o")
    assert await heard.states() == [ConnectionState.STRANGER, LEFT]
    assert heard.stats.dropped == {"stranger": 1}


class TestPeople:
    async def changes(self, heard: Heard) -> int:
        """How often it was reported since it was asked for last."""
        count = 0
        while True:
            try:
                async with asyncio.timeout(0.01):
                    item = await heard.inbox.get()
            except TimeoutError:
                return count
            if isinstance(item, ConnectionChange):
                count += item.state is ConnectionState.PARTICIPANTS

    async def test_who_comes_and_goes_is_reported(self) -> None:
        heard = Heard("avatar")
        heard.room.comes("avatar")
        heard.room.comes("visitor")
        assert [
            (one.identity, one.name, one.is_avatar, one.speaking)
            for one in heard.tracker.people.here
        ] == [("avatar", "The avatar", True, False), ("visitor", "The visitor", False, False)]
        assert await self.changes(heard) == 2
        heard.room.goes("visitor")
        assert [one.identity for one in heard.tracker.people.here] == ["avatar"]
        assert await self.changes(heard) == 1

    async def test_who_is_still_joining_is_not_there_yet(self) -> None:
        heard = Heard("avatar")
        heard.room.comes("visitor", state=JOINED)
        assert heard.tracker.people.here == ()
        heard.room.remote_participants["visitor"].state = ACTIVE
        heard.room.handlers["participant_active"](heard.room.remote_participants["visitor"])
        assert [one.identity for one in heard.tracker.people.here] == ["visitor"]

    async def test_speakers_are_reported_until_they_cease(self) -> None:
        heard = Heard("avatar")
        heard.room.comes("visitor")
        speakers = [heard.room.remote_participants["visitor"]]
        heard.room.handlers["active_speakers_changed"](speakers)
        assert heard.tracker.people.here[0].speaking
        heard.room.handlers["active_speakers_changed"]([])
        assert not heard.tracker.people.here[0].speaking
        assert await self.changes(heard) == 3

    async def test_a_reconnect_of_ours_shows_no_one_leaving(self) -> None:
        heard = Heard("avatar")
        heard.room.comes("visitor")
        assert await self.changes(heard) == 1
        heard.room.handlers["reconnecting"](None)
        visitor = heard.room.remote_participants["visitor"]
        heard.room.goes("visitor")
        heard.room.comes("visitor")
        heard.room.remote_participants["visitor"].sid = visitor.sid
        heard.room.handlers["reconnected"](None)
        assert await self.changes(heard) == 0

    async def test_who_comes_back_has_another_stay(self) -> None:
        heard = Heard("avatar")
        heard.room.comes("visitor")
        first = heard.tracker.people.here[0].stay
        heard.room.goes("visitor")
        heard.room.comes("visitor")
        assert heard.tracker.people.here[0].stay not in ("", first)
