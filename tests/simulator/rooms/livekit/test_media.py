"""The avatar seen and heard in the simulator's own room, by the real client."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import numpy as np
import pytest
from livekit import rtc
from media_listener import Listener, Session, media_session, speak, understood

from akool_async.simulator import Media, Simulator
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.media.robot import robot_speech

pytestmark = pytest.mark.slow

#: Short: a busy machine loses some of a long one.
TEXT = "Hi!"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    media = Media(width=320, height=180, voice="robot")
    async with Simulator(media=media) as sim:
        yield sim
    assert sim.errors == []


@pytest.fixture
async def session(sim: Simulator) -> AsyncIterator[Session]:
    async with media_session(sim) as session:
        yield session


def media_of(sim: Simulator, session: Session) -> AvatarMedia:
    media = sim.room(session.id).media
    assert media is not None
    return media


@pytest.mark.parametrize("lean", [False, True])
async def test_a_client_sees_and_hears_the_avatar(
    sim: Simulator, session: Session, lean: bool
) -> None:
    async with Listener(session, lean=lean) as listener:
        await listener.until(lambda: listener.pictures > 2 and listener.samples, "the avatar")
        assert listener.size == (320, 180)
        clock, pictures = listener.clock(), listener.pictures
        await understood(listener, TEXT)
        assert listener.events()[:2] == ["audio_start", "audio_end"]
        await listener.until(lambda: listener.pictures > pictures, "another picture")
        assert listener.clock() > clock


async def test_events_stand_around_what_is_heard(sim: Simulator, session: Session) -> None:
    # Seen where it leaves: on its way to a listener a busy machine may delay either.
    spoken: list[float] = []
    media_of(sim, session).feed.add(
        sound=lambda piece, tick: spoken.append(sim.clock.now()) if piece.any() else None
    )
    async with Listener(session) as listener:
        await listener.until(lambda: listener.samples, "the sound")
        await listener.say(TEXT)
        await listener.until(lambda: "audio_end" in listener.events(), "audio_end")
    sent = [p for p in sim.packets if p.direction == "out" and p.message.get("type") == "event"]
    start, end = (packet.at for packet in sent)
    assert start <= spoken[0]
    # The sound is under way for a while after its last piece was sent.
    assert end - spoken[-1] >= 0.09


async def test_an_interrupt_silences_it(sim: Simulator, session: Session) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.samples, "the sound")
        await listener.say("A very long text. " * 20)
        await listener.until(lambda: listener.first_loud, "the avatar's voice")
        await listener.command("interrupt")
        await listener.until(lambda: "audio_end" in listener.events(), "audio_end")
        assert media_of(sim, session).mouth.queued == 0
        assert sim.avatar(session.id).said != ["A very long text. " * 20]
        await listener.silence()


async def test_nothing_is_encoded_for_who_subscribes_to_nothing(
    sim: Simulator, session: Session
) -> None:
    feed = media_of(sim, session).feed
    async with Listener(session, subscribes=False) as listener:
        await listener.until(lambda: listener.room.remote_participants, "the avatar")
        publications = listener.avatar.track_publications.values()
        assert {p.name for p in publications} == {"audio", "video"}
        assert not feed.sounds
        assert not feed.pictures
        (sound,) = (p for p in publications if p.kind == rtc.TrackKind.KIND_AUDIO)
        sound.set_subscribed(True)
        await listener.until(lambda: listener.samples, "the sound")
        assert (len(feed.sounds), len(feed.pictures)) == (1, 0)
        sound.set_subscribed(False)
        await listener.until(lambda: not feed.sounds, "the end of encoding")


async def test_it_is_encoded_once_for_all(sim: Simulator, session: Session) -> None:
    feed = media_of(sim, session).feed
    room = sim.room(session.id)
    tokens = [room.new_token(identity=f"viewer-{n}") for n in range(2)]  # type: ignore[attr-defined]
    first, second = (Session(session.id, session.url, token) for token in tokens)
    async with Listener(first) as one, Listener(second) as other:
        for listener in (one, other):
            await listener.until(lambda it=listener: it.pictures and it.samples, "the avatar")
        assert (len(feed.sounds), len(feed.pictures)) == (1, 1)
    async with Listener(session) as listener:
        await listener.until(lambda: listener.pictures and listener.samples, "the avatar again")


async def test_actions_and_parameters_are_seen(sim: Simulator, session: Session) -> None:
    face = media_of(sim, session).face
    async with Listener(session) as listener:
        await listener.until(lambda: listener.pictures, "a picture")
        assert listener.luma is not None
        before = int(listener.luma[60, 10])
        await listener.command("set-params", bgurl="https://example.com/office.png")
        await listener.command("set-action", expression="happiness", action="cheer")
        await listener.until(
            lambda: listener.luma is not None and abs(int(listener.luma[60, 10]) - before) > 10,
            "the other background",
        )
        await listener.until(lambda: len(listener.messages) == 2, "the answers")
        assert face.expression == "happiness"


# Hearing


@pytest.mark.parametrize("rate", [16_000, 48_000])
async def test_a_whole_voice_loop(sim: Simulator, session: Session, rate: int) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.samples, "the sound")
        await listener.command("set-params", mode=2)
        microphone = await listener.microphone(rate)
        await speak(listener, microphone, "Hi, what's up?")
        await listener.until(lambda: "audio_end" in listener.events(), "the answer")
        assert sim.said(session.id) == ["You said: Hi, what's up?"]
        heard = sim.heard_audio(session.id)
        assert (heard.sample_rate, heard.channels) == (48_000, 1)
        assert heard.duration > robot_speech("Hi, what's up?").duration
        assert int(np.abs(heard.to_ndarray().astype(int)).max()) > 5_000
        with pytest.raises(KeyError, match="nothing was heard of 'another'"):
            sim.heard_audio(session.id, "another")


async def test_what_is_not_understood_is_counted(sim: Simulator, session: Session) -> None:
    ignored = sim.avatar(session.id).ignored
    async with Listener(session) as listener:
        microphone = await listener.microphone()
        tone = (9_000 * np.sin(np.arange(24_000) / 4)).astype(np.int16)
        await listener.play(microphone, np.concatenate([tone, np.zeros(24_000, np.int16)]), 24_000)
        await listener.until(lambda: ignored["speech that wasn't understood"] == 1, "the count")


async def test_who_does_not_listen_asks_for_no_microphone() -> None:
    async with (
        Simulator(media=Media(width=320, height=180, listen=None)) as sim,
        media_session(sim) as session,
        Listener(session) as listener,
    ):
        await listener.until(lambda: listener.samples, "the sound")
        microphone = await listener.microphone()
        await listener.play(microphone, np.full(24_000, 9_000, np.int16), 24_000)
        assert sim.heard_audio(session.id).pcm == b""


# Faults


async def test_a_frozen_picture(sim: Simulator, session: Session) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.pictures, "a picture")
        await sim.fault(session.id, "freeze_video")
        await listener.say(TEXT)
        await listener.until(lambda: "audio_end" in listener.events(), "audio_end")
        shown = listener.pictures
        frozen = listener.clock()
        await sim.fault(session.id, "freeze_video", on=False)
        await listener.until(lambda: listener.pictures > shown, "another picture")
        assert listener.clock() - frozen > robot_speech(TEXT).duration / 2


async def test_a_muted_track(sim: Simulator, session: Session) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.samples, "the sound")
        await sim.fault(session.id, "mute")
        await listener.until(lambda: listener.muted("audio"), "the mute")
        await listener.say(TEXT)
        await listener.until(lambda: "audio_end" in listener.events(), "audio_end")
        assert not listener.first_loud
        await sim.fault(session.id, "mute", on=False)
        await listener.say(TEXT, "m2")
        await listener.until(lambda: listener.first_loud, "the avatar's voice")
        assert not listener.muted("audio")


@pytest.mark.parametrize("kind", ["audio", "video"])
async def test_a_track_is_taken_back_and_published_again(
    sim: Simulator, session: Session, kind: str
) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.pictures and listener.samples, "the avatar")
        await sim.fault(session.id, "unpublish", kind=kind)
        await listener.until(lambda: kind not in listener.published(), "the end of the track")
        await sim.fault(session.id, "republish", kind=kind)
        await listener.until(lambda: listener.tracks.count(kind) == 2, "another track")
        got = len(listener.samples), listener.pictures
        place = ["audio", "video"].index(kind)
        await listener.until(
            lambda: (len(listener.samples), listener.pictures)[place] > got[place], "its media"
        )


async def test_a_reused_section_carries_media_and_is_not_reported(
    sim: Simulator, session: Session
) -> None:
    async with Listener(session, lean=True) as listener:
        await listener.until(lambda: listener.pictures and listener.samples, "the avatar")
        await sim.fault(session.id, "reuse_transceiver")
        await sim.fault(session.id, "unpublish", kind="audio")
        await listener.until(lambda: "audio" not in listener.published(), "the end")
        await sim.fault(session.id, "republish", kind="audio")
        await listener.until(lambda: "audio" in listener.published(), "another track")
        await listener.say(TEXT)
        await listener.until(lambda: "audio_end" in listener.events(), "audio_end")
        assert listener.tracks.count("audio") == 1


async def test_the_avatar_leaves_and_returns(sim: Simulator, session: Session) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.pictures and listener.samples, "the avatar")
        await sim.fault(session.id, "avatar_leaves")
        await listener.until(lambda: not listener.room.remote_participants, "the leaving")
        shown = listener.pictures
        await sim.fault(session.id, "avatar_returns")
        await listener.until(lambda: listener.pictures > shown, "its picture")
        await listener.say(TEXT)
        await listener.until(lambda: listener.first_loud, "its voice")


async def test_wrong_faults_are_named(sim: Simulator, session: Session) -> None:
    with pytest.raises(ValueError, match=r"knows no fault named 'melt'.*freeze_video"):
        await sim.fault(session.id, "melt")
    with pytest.raises(ValueError, match="'text' is neither audio nor video"):
        await sim.fault(session.id, "mute", kind="text")


# Without media


async def test_a_room_of_data_carries_none() -> None:
    async with Simulator() as sim, media_session(sim) as session:
        assert sim.room(session.id).media is None
        with pytest.raises(RuntimeError, match="carries no media"):
            sim.heard_audio(session.id)
        with pytest.raises(ValueError, match="knows no fault named 'mute'"):
            await sim.fault(session.id, "mute")
        async with Listener(session) as listener:
            start = time.monotonic()
            await listener.say("Said in no time at all, although it has many words. " * 20)
            await listener.until(lambda: "audio_end" in listener.events(), "audio_end")
            assert time.monotonic() - start < 20
            assert listener.tracks == []
