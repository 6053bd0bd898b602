import asyncio

import pytest

from akool_async.errors import DisconnectedError
from akool_async.testing.waiting import TIMEOUT
from akool_async.transport import ConnectionChange, ConnectionState, TransportStats
from akool_async.transport.engines.participants import ParticipantTracker

LEFT, BACK, PUBLISHED = (
    ConnectionChange(state)
    for state in (
        ConnectionState.AVATAR_LEFT,
        ConnectionState.AVATAR_BACK,
        ConnectionState.AVATAR_PUBLISHED,
    )
)

PEOPLE = ConnectionChange(ConnectionState.PARTICIPANTS)


class Room:
    def __init__(self, avatar: str | None = None) -> None:
        self.stats = TransportStats()
        self.tracker = ParticipantTracker(self.stats, own_id="me", avatar_id=avatar)
        self.tracker.connected = True

    async def next(self) -> bytes | ConnectionChange:
        """What the program receives next, besides that people came or went."""
        async with asyncio.timeout(TIMEOUT):
            while (got := await self.tracker.inbox.get()) == PEOPLE:
                pass
            return got


async def test_whoever_else_is_there_is_the_avatar() -> None:
    room = Room()
    room.tracker.user_joined("me")
    waiting = asyncio.create_task(room.tracker.wait_for_avatar())
    await asyncio.sleep(0)
    assert not waiting.done()
    room.tracker.user_joined("7")
    await waiting
    room.tracker.packet(b"a", "7")
    assert await room.next() == b"a"


async def test_a_packet_before_the_announcement_announces() -> None:
    room = Room("7")
    room.tracker.packet(b"a", "7")
    await room.tracker.wait_for_avatar()
    assert await room.next() == b"a"


async def test_a_known_avatar_has_strangers_beside_it() -> None:
    room = Room("7")
    room.tracker.user_joined("8")
    room.tracker.packet(b"evil", "8")
    room.tracker.packet(b"evil", "8")
    room.tracker.packet(b"evil", "9")
    room.tracker.packet(b"own echo", "me")
    room.tracker.packet(b"a", "7")
    assert await room.next() == ConnectionChange(ConnectionState.STRANGER, "user 8")
    assert await room.next() == b"a"
    assert room.stats.dropped == {"stranger": 3, "own": 1}
    assert room.stats.packets_received == 1


async def test_the_avatar_leaves_and_comes_back() -> None:
    room = Room("7")
    for event in (
        room.tracker.user_joined,
        room.tracker.user_joined,
        room.tracker.user_left,
        room.tracker.user_left,
        room.tracker.user_joined,
    ):
        event("7")
    room.tracker.user_left("8")
    assert [(await room.next()) for _ in range(2)] == [
        ConnectionChange(ConnectionState.AVATAR_LEFT),
        ConnectionChange(ConnectionState.AVATAR_BACK),
    ]


async def test_an_avatar_that_was_not_named_may_come_back_with_another_id() -> None:
    room = Room()
    room.tracker.user_joined("7")
    room.tracker.user_left("7")
    room.tracker.user_joined("8")
    room.tracker.packet(b"a", "8")
    states = [await room.next() for _ in range(3)]
    assert states[1:] == [ConnectionChange(ConnectionState.AVATAR_BACK), b"a"]


# The identity of an avatar that wasn't named


def away() -> Room:
    """The avatar, 7, came and left."""
    room = Room()
    room.tracker.user_joined("7")
    room.tracker.user_left("7")
    return room


async def everything(room: Room) -> list[bytes | ConnectionChange]:
    room.tracker.finish(DisconnectedError("the end", reason="closed"))
    items: list[bytes | ConnectionChange] = []
    with pytest.raises(DisconnectedError):
        while True:
            items.append(await room.next())
    return items


async def test_a_late_packet_is_delivered_and_no_return() -> None:
    room = away()
    room.tracker.packet(b"late", "7")
    assert not room.tracker.avatar_present
    room.tracker.user_joined("7")
    assert await everything(room) == [LEFT, b"late", BACK]


async def test_whoever_sends_while_the_avatar_is_away_is_not_the_avatar() -> None:
    room = away()
    room.tracker.packet(b"evil", "8")
    room.tracker.user_joined("8")  # announced afterwards, it is known as a stranger
    room.tracker.packet(b"evil", "8")
    assert not room.tracker.avatar_present
    room.tracker.user_joined("7")
    room.tracker.packet(b"a", "7")
    assert await everything(room) == [
        LEFT,
        ConnectionChange(ConnectionState.STRANGER, "user 8"),
        BACK,
        b"a",
    ]
    assert room.stats.dropped == {"stranger": 2}


async def test_the_learned_identity_outranks_one_that_came_meanwhile() -> None:
    room = away()
    room.tracker.user_joined("8")
    room.tracker.user_joined("7")
    room.tracker.packet(b"evil", "8")
    room.tracker.packet(b"a", "7")
    assert (await everything(room))[:4] == [LEFT, BACK, LEFT, BACK]
    assert room.stats.dropped == {"stranger": 1}
    assert room.stats.packets_received == 1


async def test_the_one_that_came_meanwhile_is_never_taken_for_the_avatar_again() -> None:
    room = away()
    for identity in ("8", "7"):
        room.tracker.user_joined(identity)
    for identity in ("7", "8"):
        room.tracker.user_left(identity)
    room.tracker.user_joined("8")
    assert not room.tracker.avatar_present


async def test_a_participant_that_was_there_before_is_not_promoted() -> None:
    room = Room()
    for identity in ("7", "8"):
        room.tracker.user_joined(identity)
    room.tracker.user_left("7")
    assert not room.tracker.avatar_present
    assert await everything(room) == [LEFT]


async def test_an_avatar_that_was_replaced_before_it_left() -> None:
    room = Room()
    room.tracker.user_joined("7")
    room.tracker.user_joined("8")
    room.tracker.user_published("8")
    room.tracker.user_left("7")
    room.tracker.packet(b"a", "8")
    assert await everything(room) == [LEFT, BACK, PUBLISHED, b"a"]


async def test_a_named_avatar_has_one_identity() -> None:
    room = Room("7")
    for identity in ("7", "8"):
        room.tracker.user_joined(identity)
    room.tracker.user_published("8")
    room.tracker.user_left("7")
    room.tracker.user_joined("9")
    assert not room.tracker.avatar_present


async def test_identities_are_remembered_within_bounds() -> None:
    room = Room()
    for number in range(1000):
        room.tracker.user_joined(f"avatar {number}")
        room.tracker.packet(b"evil", f"stranger {number}")
        room.tracker.user_left(f"avatar {number}")
    assert room.stats.dropped == {"stranger": 1000}
    assert len(room.tracker._strangers) <= 100
    assert len(room.tracker._learned) <= 20


# What the avatar publishes


async def test_publishing_is_unknown_where_the_engine_does_not_report_it() -> None:
    room = Room()
    assert room.tracker.avatar_publishing is None
    room.tracker.user_joined("7")
    assert room.tracker.avatar_publishing is None
    room.tracker.user_published("7")
    assert room.tracker.avatar_publishing is True


async def test_publishing_is_reported_once_until_it_ends() -> None:
    room = Room()
    room.tracker.reports_tracks = True
    assert room.tracker.avatar_publishing is False
    for _ in range(2):
        room.tracker.user_published("7")
    assert room.tracker.avatar_publishing is True
    room.tracker.user_unpublished("7")
    assert room.tracker.avatar_publishing is False
    room.tracker.user_published("me")
    room.tracker.user_published("7")
    room.tracker.user_left("7")
    assert room.tracker.avatar_publishing is False
    room.tracker.user_published("7")
    assert await everything(room) == [PUBLISHED, PUBLISHED, LEFT, BACK, PUBLISHED]


async def test_what_was_published_before_connecting_ended_is_known_and_not_reported() -> None:
    room = Room()
    room.tracker.connected = False
    room.tracker.user_published("7")
    room.tracker.connected = True
    assert room.tracker.avatar_publishing is True
    assert await everything(room) == []


# Joining the room again


async def test_a_rejoin_hides_that_the_avatar_is_announced_again() -> None:
    room = Room()
    room.tracker.user_published("7")
    room.tracker.begin_rejoin()
    assert not room.tracker.avatar_present
    room.tracker.user_left("7")
    room.tracker.user_joined("7")
    room.tracker.end_rejoin()
    assert await everything(room) == [PUBLISHED]


async def test_a_rejoin_reports_what_changed_meanwhile() -> None:
    gone, back = Room(), away()
    gone.tracker.user_joined("7")
    for room in (gone, back):
        room.tracker.begin_rejoin()
    back.tracker.user_joined("7")
    for room in (gone, back):
        room.tracker.end_rejoin()
    assert await everything(gone) == [LEFT]
    assert await everything(back) == [LEFT, BACK]


# The connection


async def test_a_break_is_reported_once() -> None:
    room = Room()
    room.tracker.report_reconnected()
    for words in ("the first", "the second", ""):
        room.tracker.report_reconnecting(words)
    room.tracker.report_reconnected()
    assert await room.next() == ConnectionChange(ConnectionState.RECONNECTING, "the first")
    assert await room.next() == ConnectionChange(ConnectionState.RECONNECTED, lossy=True)


async def test_the_end_is_reported_to_everybody_who_waits() -> None:
    room = Room()
    waiting = asyncio.create_task(room.tracker.wait_for_avatar())
    await asyncio.sleep(0)
    room.tracker.finish(DisconnectedError("removed from the room", reason="banned"))
    room.tracker.finish(DisconnectedError("joined from elsewhere", reason="same_identity"))
    with pytest.raises(DisconnectedError) as raised:
        await waiting
    assert raised.value.reason == "banned"
    with pytest.raises(DisconnectedError, match="removed"):
        await room.next()


async def test_everyone_is_known_and_their_coming_and_going_reported() -> None:
    room = Room("7")
    for identity in ("7", "8", "8", "me"):
        room.tracker.user_joined(identity)
    assert [(one.identity, one.is_avatar) for one in room.tracker.here] == [
        ("7", True),
        ("8", False),
    ]
    stay = room.tracker.here[1].stay
    room.tracker.user_left("8")
    room.tracker.user_published("8")
    assert room.tracker.here[1].stay != stay
    room.tracker.user_left("9")
    async with asyncio.timeout(TIMEOUT):
        assert [await room.tracker.inbox.get() for _ in range(4)] == 4 * [PEOPLE]
    room.tracker.packet(b"a", "7")
    assert await room.next() == b"a"


async def test_a_rejoin_makes_no_one_seem_to_leave() -> None:
    room = Room("7")
    for identity in ("7", "8", "9"):
        room.tracker.user_joined(identity)
    before = room.tracker.here
    room.tracker.begin_rejoin()
    assert room.tracker.here == before
    for identity in ("8", "7"):
        room.tracker.user_joined(identity)
    room.tracker.end_rejoin()
    assert room.tracker.here == before[:2]
