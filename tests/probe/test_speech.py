"""What the avatar hears during a probe."""

from __future__ import annotations

import pytest
from wav_files import write_wav

from akool_async import AkoolClient
from akool_async.errors import InvalidParameterError, NotSupportedError
from akool_async.joining import JoinBy, credentials_of
from akool_async.probe.room import ProbeRoom
from akool_async.probe.speech import recorded_speech
from akool_async.simulator import Simulator
from akool_async.simulator.media.robot import robot_speech
from akool_async.simulator.media.settings import Media
from akool_async.transport import JoinTarget

AVATAR = "dvp_Tristan_cloth2_1080P"


async def room_of(akool, session, kind):
    by = JoinBy(None, None, None, None, None)
    transport = by.find(kind)
    return ProbeRoom(
        transport(
            JoinTarget(credentials_of(session), session_id=session.id),
            by.settings(transport, akool.base_url),
        )
    )


@pytest.mark.slow
async def test_a_recording_is_recognised(tmp_path):
    frame = robot_speech("hi", 48_000)
    speak = await recorded_speech(str(write_wav(tmp_path / "speech.wav", 48_000, 1, frame.pcm)))
    async with (
        Simulator(media=Media(width=192, height=120, fps=5)) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
    ):
        session = await akool.sessions.create(AVATAR, stream_type="livekit", duration=60)
        async with await room_of(akool, session, "livekit") as room:
            await speak(room, 1)
            # The robot's ear needs the whole sound: on a machine that lost some, it says so.
            await room.until(
                lambda: bool(room.since(0, "user")) or bool(sim.avatar(session.id).ignored), 20.0
            )
            heard = [seen.text for seen in room.since(0, "user")]
            assert heard == ["hi"] or sim.avatar(session.id).ignored == {
                "speech that wasn't understood": 1
            }
        await akool.sessions.close(session)


@pytest.mark.virtual_clock
async def test_a_room_without_sound():
    speak = await recorded_speech(bytes(9600))
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        session = await akool.sessions.create(AVATAR, stream_type="agora", duration=60)
        async with await room_of(akool, session, "agora") as room:
            with pytest.raises(NotSupportedError, match="the agora transport sends no sound"):
                await speak(room, 1)
        await akool.sessions.close(session)


async def test_a_file_that_isnt_there_is_refused_before_anything_is_paid():
    with pytest.raises(InvalidParameterError, match="no file is"):
        await recorded_speech("nowhere.wav")
