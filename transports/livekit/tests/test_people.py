"""`akool_livekit.people`: who is in the room, out of the client's own objects."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from akool_livekit.people import People
from livekit import rtc

from akool_async.transport import Participant

ACTIVE = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
JOINING = rtc.ParticipantState.PARTICIPANT_STATE_JOINING


class Track:
    def __init__(self, sid: str, kind: Any = rtc.TrackKind.KIND_AUDIO) -> None:
        self.sid = sid
        self.kind = kind
        self.asked = 0

    def set_subscribed(self, subscribed: bool) -> None:
        assert subscribed
        self.asked += 1


def person(identity: str, *tracks: Track, state: Any = ACTIVE, name: str | None = None) -> Any:
    publications = {track.sid: track for track in tracks}
    return SimpleNamespace(
        identity=identity, name=name, sid=f"PA_{identity}", state=state,
        track_publications=publications,
    )  # fmt: skip


def room(*people: Any) -> Any:
    return SimpleNamespace(remote_participants={one.identity: one for one in people})


@pytest.fixture
def people() -> People:
    return People(lambda: "avatar")


def test_who_is_there(people: People) -> None:
    there = room(person("avatar"), person("guest", name="Ann"), person("coming", state=JOINING))
    assert people.look(there)
    assert people.here == (
        Participant("avatar", "", True, False, "PA_avatar"),
        Participant("guest", "Ann", False, False, "PA_guest"),
    )
    assert not people.look(there)
    there.remote_participants["coming"].state = ACTIVE
    assert people.look(there)
    assert [one.identity for one in people.here] == ["avatar", "guest", "coming"]


def test_while_no_room_is_joined_the_picture_stays(people: People) -> None:
    people.look(room(person("guest")))
    assert not people.look(None)
    assert [one.identity for one in people.here] == ["guest"]
    assert people.look(room())
    assert people.here == ()


def test_who_speaks(people: People) -> None:
    there = room(person("guest"), person("other"))
    people.speakers([there.remote_participants["guest"]])
    people.look(there)
    assert [one.speaking for one in people.here] == [True, False]
    people.speakers([])
    assert people.look(there)
    assert [one.speaking for one in people.here] == [False, False]


def test_the_sound_of_all_but_the_avatar_is_asked_for_once(people: People) -> None:
    voice, microphone = Track("TR_voice"), Track("TR_microphone")
    camera = Track("TR_camera", rtc.TrackKind.KIND_VIDEO)
    there = room(person("avatar", voice), person("guest", microphone, camera))
    people.subscribe(there)
    assert microphone.asked == 0  # no one follows speakers yet
    people.follow_speakers(there)
    people.subscribe(there)
    people.subscribe(None)
    assert (voice.asked, microphone.asked, camera.asked) == (0, 1, 0)
    later = Track("TR_later")
    there.remote_participants["guest"].track_publications[later.sid] = later
    people.subscribe(there)
    assert (microphone.asked, later.asked) == (1, 1)


def test_another_room_is_asked_again(people: People) -> None:
    microphone = Track("TR_microphone")
    there = room(person("guest", microphone))
    people.follow_speakers(there)
    people.speakers([there.remote_participants["guest"]])
    people.forget_room()
    people.look(there)
    assert not people.here[0].speaking
    people.subscribe(there)
    assert microphone.asked == 2
