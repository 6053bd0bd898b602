from akool_async.transport import Participant
from akool_async.transport.engines.presence import Presence


def test_who_comes_again_is_in_another_stay() -> None:
    presence = Presence()
    assert presence.came("a")
    assert not presence.came("a")
    assert presence.came("b")
    assert presence.left("a")
    assert not presence.left("a")
    assert presence.came("a")
    assert presence.participants("a") == (
        Participant("b", stay="2"),
        Participant("a", is_avatar=True, stay="3"),
    )


def test_who_is_not_announced_again_has_left() -> None:
    presence = Presence()
    for one in ("a", "b", "c"):
        presence.came(one)
    presence.begin_rejoin()
    presence.came("a")
    presence.came("b")
    presence.left("b")
    assert [one.identity for one in presence.participants(None)] == ["a", "c"]
    assert presence.end_rejoin()
    assert presence.participants(None) == (Participant("a", stay="1"),)
    presence.begin_rejoin()
    presence.came("a")
    assert not presence.end_rejoin()
