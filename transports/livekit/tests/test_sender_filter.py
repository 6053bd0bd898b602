"""`akool_livekit.sender_filter`: whose packets these are."""

from __future__ import annotations

import pytest
from akool_livekit.sender_filter import HOLD_SECONDS, Decision, SenderFilter


def own_room(avatar: str | None = "avatar") -> SenderFilter:
    return SenderFilter(avatar, own_room=True)


def their_room(avatar: str | None = "avatar") -> SenderFilter:
    return SenderFilter(avatar, own_room=False)


def test_takes_the_avatars_packets_and_no_one_elses() -> None:
    senders = their_room()
    senders.announced("avatar", 0.0)
    assert senders.packet(b"a", "avatar", 1.0).accepted == [b"a"]
    ruling = senders.packet(b"s", "stranger", 1.0)
    assert (ruling.accepted, ruling.dropped, ruling.stranger) == ([], 1, "stranger")


def test_a_strangers_packet_before_the_avatar_is_known_is_dropped() -> None:
    senders = own_room()
    senders.announced("stranger", 0.0)
    assert senders.packet(b"s", "stranger", 0.1) == Decision(dropped=1, stranger="stranger")


def test_each_stranger_is_reported_once() -> None:
    senders = their_room()
    senders.announced("avatar", 0.0)
    reported = [senders.packet(b"s", who, 1.0).stranger for who in ("x", "y", "x", None, None)]
    assert reported == ["x", "y", None, "", None]


def test_reporting_strangers_is_bounded() -> None:
    senders = their_room()
    senders.announced("avatar", 0.0)
    rulings = [senders.packet(b"s", f"s{n}", 1.0) for n in range(200)]
    assert sum(r.dropped for r in rulings) == 200
    assert sum(r.stranger is not None for r in rulings) == 100


@pytest.mark.parametrize("make", [own_room, their_room])
def test_without_a_given_identity_the_first_one_announced_is_the_avatar(make) -> None:
    senders = make(None)
    assert senders.announced("first", 0.0)
    assert not senders.announced("second", 0.1)
    assert senders.avatar == "first"
    assert senders.packet(b"1", "first", 0.2).accepted == [b"1"]
    assert senders.packet(b"2", "second", 0.2).dropped == 1


def test_in_the_services_room_a_nameless_packet_is_the_avatars_at_once() -> None:
    senders = their_room()
    assert senders.packet(b"early", None, 0.0).accepted == [b"early"]
    assert senders.deadline() is None


def test_in_the_services_room_not_any_more_once_someone_else_was_announced() -> None:
    senders = their_room()
    senders.announced("stranger", 0.0)
    assert senders.packet(b"whose?", None, 0.1) == Decision()
    assert senders.deadline() == pytest.approx(0.1 + HOLD_SECONDS)


def test_in_an_own_room_it_is_held_until_its_time_even_if_the_avatar_is_announced() -> None:
    senders = own_room()
    assert senders.packet(b"early", None, 1.0) == Decision()
    senders.announced("avatar", 1.2)
    assert senders.expire(1.0 + HOLD_SECONDS - 0.01) == Decision()
    assert senders.expire(1.0 + HOLD_SECONDS).accepted == [b"early"]
    assert senders.deadline() is None


def test_a_held_packet_is_dropped_when_someone_else_was_announced_since() -> None:
    # As measured: a trackless stranger's packet at 0.1 s, the avatar announced at 0.25 s, the
    # stranger at 2.55 s.
    senders = own_room()
    senders.packet(b"stranger's", None, 0.1)
    senders.announced("avatar", 0.25)
    senders.announced("stranger", 2.55)
    assert senders.expire(3.6) == Decision(dropped=1, stranger="")


def test_someone_announced_before_the_packet_came_does_not_spoil_it() -> None:
    senders = own_room()
    senders.announced("stranger", 0.5)
    senders.packet(b"avatar's", None, 1.0)
    senders.announced("avatar", 1.2)
    assert senders.expire(4.5).accepted == [b"avatar's"]


def test_a_held_packet_is_dropped_when_the_avatar_never_came() -> None:
    senders = own_room()
    senders.packet(b"?", None, 0.0)
    assert senders.expire(HOLD_SECONDS) == Decision(dropped=1, stranger="")


def test_held_packets_keep_their_order_and_expire_one_by_one() -> None:
    senders = own_room()
    for n in range(3):
        senders.packet(b"%d" % n, None, float(n))
    senders.announced("avatar", 2.5)
    assert senders.expire(1.0 + HOLD_SECONDS).accepted == [b"0", b"1"]
    assert senders.expire(2.0 + HOLD_SECONDS).accepted == [b"2"]


def test_holding_is_bounded_in_number() -> None:
    senders = own_room()
    overflowed = sum(senders.packet(b"x", None, 0.0).overflowed for _ in range(1005))
    senders.announced("avatar", 0.0)
    assert overflowed == 5
    assert len(senders.expire(9.0).accepted) == 1000


def test_holding_is_bounded_in_bytes() -> None:
    senders = own_room()
    big = b"x" * 2**20
    assert [senders.packet(big, None, 0.0).overflowed for _ in range(6)] == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("make", [own_room, their_room])
def test_once_the_avatar_is_announced_nameless_packets_are_a_strangers(make) -> None:
    senders = make()
    senders.announced("avatar", 0.0)
    assert senders.packet(b"?", None, 0.1) == Decision(dropped=1, stranger="")


def test_until_the_avatar_leaves() -> None:
    senders = their_room()
    senders.announced("avatar", 0.0)
    assert senders.left("avatar")
    assert not senders.left("avatar")
    assert senders.packet(b"back", None, 1.0).accepted == [b"back"]
    assert senders.announced("avatar", 1.1)


def test_someone_elses_leaving_changes_nothing() -> None:
    senders = their_room()
    senders.announced("avatar", 0.0)
    senders.announced("stranger", 0.0)
    assert not senders.left("stranger")
    assert senders.present


# An avatar whose identity wasn't given


def test_in_the_services_room_the_avatar_may_return_under_another_identity() -> None:
    senders = their_room(None)
    senders.announced("avatar-1", 0.0)
    senders.left("avatar-1")
    assert senders.announced("avatar-2", 5.0)
    assert senders.packet(b"2", "avatar-2", 5.1).accepted == [b"2"]
    assert senders.packet(b"1", "avatar-1", 5.1).dropped == 1
    senders.left("avatar-2")
    assert senders.announced("avatar-3", 9.0)
    assert senders.avatar == "avatar-3"


def test_an_identity_that_was_the_avatar_outranks_one_that_came_meanwhile() -> None:
    senders = their_room(None)
    senders.announced("avatar", 0.0)
    senders.left("avatar")
    senders.announced("other", 1.0)
    assert senders.announced("avatar", 2.0)
    assert senders.packet(b"o", "other", 2.1) == Decision(dropped=1, stranger="other")
    senders.left("avatar")
    assert not senders.announced("other", 3.0)


def test_who_was_a_stranger_is_not_taken_for_the_avatar() -> None:
    senders = their_room(None)
    senders.announced("avatar", 0.0)
    senders.announced("stranger", 0.1)
    senders.packet(b"s", "stranger", 0.2)
    senders.left("avatar")
    assert not senders.announced("stranger", 1.0)
    assert senders.packet(b"s", "stranger", 1.1).dropped == 1


@pytest.mark.parametrize(("avatar", "own"), [("avatar", False), ("avatar", True), (None, True)])
def test_elsewhere_its_identity_does_not_change(avatar: str | None, own: bool) -> None:
    senders = SenderFilter(avatar, own_room=own)
    senders.announced("avatar", 0.0)
    senders.left("avatar")
    assert not senders.announced("avatar-2", 5.0)
    assert senders.announced("avatar", 6.0)


def test_identities_are_remembered_within_bounds() -> None:
    senders = their_room(None)
    for n in range(500):
        senders.announced(f"avatar-{n}", n)
        senders.packet(b"s", f"stranger-{n}", n)
        senders.left(f"avatar-{n}")
    assert len(senders._learned) <= 20
    assert len(senders._strangers) <= 100
