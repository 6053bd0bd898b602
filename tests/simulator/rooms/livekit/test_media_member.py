"""A participant to whom tracks are sent, by the messages that a client sends and gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.protocol import models as pb
from livekit.protocol import rtc as signalling
from media_listener import Listener, Session, media_session

from akool_async.simulator import Media, Simulator
from akool_async.simulator.rooms.livekit.media_member import MediaMember
from akool_async.simulator.rooms.livekit.tokens import Grants, mint
from akool_async.testing.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(media=Media(width=320, height=180)) as sim:
        yield sim
    assert sim.errors == []


@pytest.fixture
async def session(sim: Simulator) -> AsyncIterator[Session]:
    async with media_session(sim) as session:
        yield session


def room_of(sim: Simulator, session: Session) -> Any:
    return sim.room(session.id)


class Answers:
    """What a member is sent by signalling from now on."""

    def __init__(self, member: MediaMember, monkeypatch: pytest.MonkeyPatch) -> None:
        self.all: list[signalling.SignalResponse] = []
        send = member.signal

        def signal(response: signalling.SignalResponse) -> None:
            self.all.append(response)
            send(response)

        monkeypatch.setattr(member, "signal", signal)

    def of(self, kind: str) -> list[Any]:
        return [getattr(one, kind) for one in self.all if one.WhichOneof("message") == kind]


async def test_a_track_that_is_not_there_is_refused_and_changes_nothing(
    sim: Simulator, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Listener(session, subscribes=False) as listener:
        await listener.until(lambda: listener.room.remote_participants, "the avatar")
        (member,) = room_of(sim, session).members()
        answers = Answers(member, monkeypatch)
        wanted = signalling.UpdateSubscription(track_sids=["TR_none"], subscribe=True)
        # Named twice, as clients do it: refused once.
        wanted.participant_tracks.add(participant_sid="PA_any", track_sids=["TR_none"])
        member._carry_out("subscription", signalling.SignalRequest(subscription=wanted))
        (refused,) = answers.of("subscription_response")
        assert (refused.track_sid, refused.err) == (
            "TR_none",
            pb.SubscriptionError.SE_TRACK_NOTFOUND,
        )
        assert answers.of("offer") == []
        assert member._sender.sent == set()


async def test_a_track_that_is_given_up_is_offered_no_more(
    sim: Simulator, session: Session
) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.pictures and listener.samples, "the avatar")
        (member,) = room_of(sim, session).members()
        for publication in listener.avatar.track_publications.values():
            if publication.kind == rtc.TrackKind.KIND_VIDEO:
                publication.set_subscribed(False)
        await until(lambda: len(member._sender.sent) == 1, "one track less")
        media = room_of(sim, session).media
        await until(lambda: not media.feed.pictures, "the end of drawing")
        assert media.feed.sounds


async def test_a_token_that_may_not_subscribe_gets_no_track(
    sim: Simulator, session: Session
) -> None:
    room = room_of(sim, session)
    token = mint(Grants("deaf", room.hub.name, can_subscribe=False), lifetime=60)
    async with (
        Listener(Session(session.id, session.url, token)) as deaf,
        Listener(session) as listener,
    ):
        await listener.until(lambda: listener.samples, "the sound")
        assert deaf.tracks == []
        member = room.hub.occupants["deaf"]
        assert member._there() == {}


async def test_a_paused_track_sends_nothing_and_is_not_negotiated(
    sim: Simulator, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.pictures, "a picture")
        (member,) = room_of(sim, session).members()
        answers = Answers(member, monkeypatch)
        video = next(
            sid for sid, (_, info) in member._there().items() if info.type == pb.TrackType.VIDEO
        )
        for disabled in (True, False):
            setting = signalling.UpdateTrackSettings(track_sids=[video], disabled=disabled)
            member._carry_out("track_setting", signalling.SignalRequest(track_setting=setting))
            assert member._sender._sent[video].transceiver.sender._enabled is not disabled
        shown = listener.pictures
        await listener.until(lambda: listener.pictures > shown, "pictures again")
        assert answers.of("offer") == []


async def test_a_microphone_is_heard_as_mono(sim: Simulator, session: Session) -> None:
    async with Listener(session) as listener:
        microphone = await listener.microphone(48_000)
        tone = (9_000 * np.sin(np.arange(48_000) / 8)).astype(np.int16)
        playing = asyncio.create_task(listener.play(microphone, tone, 48_000))
        hearing = room_of(sim, session).media.hearing
        identity = room_of(sim, session).client_identity
        await until(lambda: identity in hearing._kept, "its sound")
        await playing
        await until(lambda: hearing.heard(identity).duration > 0.5, "half a second")
        samples = hearing.heard(identity).to_ndarray()
        assert samples.shape[1] == 1
        assert np.abs(samples.astype(int)).max() > 5_000
