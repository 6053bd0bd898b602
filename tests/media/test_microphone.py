"""The microphone: any amount, at its pace, cleared and muted."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from wav_files import write_wav

from akool_async.errors import ConversationClosedError, InvalidParameterError, SendError
from akool_async.media import AudioRequest
from akool_async.media.microphone import Microphone
from akool_async.testing.in_memory_media import InMemoryMedia

pytestmark = pytest.mark.virtual_clock

RATE = 8000
SECOND = b"\1\0" * RATE


@pytest.fixture
def room():
    return InMemoryMedia()


@pytest.fixture
def make(room):
    def make(**options):
        given = {"queue_ms": 200, "muted": False, "mute_while_avatar_speaks": False, **options}
        return Microphone(
            AudioRequest(RATE, given.pop("channels", 1)),
            transport=lambda: room,
            ended=lambda _: None,
            spoken=lambda *_: None,
            **given,
        )

    return make


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_writes_any_amount_at_its_pace(room, make):
    async with make() as microphone:
        began = now()
        for size in (2, 100, 2 * RATE, 7_000):
            await microphone.write(b"\1\0" * (size // 2))
        spoken = (2 + 100 + 2 * RATE + 7_000) / 2 / RATE
        assert now() - began == pytest.approx(spoken - 0.2, abs=0.03)
        assert microphone.queued == pytest.approx(0.2, abs=0.03)
        await microphone.wait_for_playout()
        assert now() - began == pytest.approx(spoken, abs=0.03)
        assert len(room.microphones[0].pcm) == 2 + 100 + 2 * RATE + 7_000
    assert room.microphones[0].closed


async def test_opens_itself_when_it_is_written_to(room, make):
    microphone = make()
    assert room.microphones == []
    await microphone.write(b"\1\0")
    await microphone.open()
    assert len(room.microphones) == 1
    await microphone.aclose()
    await microphone.aclose()
    with pytest.raises(ConversationClosedError, match="the microphone was closed"):
        await microphone.write(b"\1\0")


@pytest.mark.parametrize(
    ("pcm", "channels", "problem"),
    [
        (b"\1\0\1", 1, "3 bytes, which isn't a multiple of 2"),
        (b"\1\0", 2, "2 bytes, which isn't a multiple of 4"),
        (np.zeros(80, np.float32), 1, "ndarray isn't bytes"),
        ("sound", 1, "str isn't bytes"),
    ],
)
async def test_what_is_no_sound_is_refused_before_anything_is_published(
    room, make, pcm, channels, problem
):
    microphone = make(channels=channels)
    with pytest.raises(InvalidParameterError, match=problem):
        await microphone.write(pcm)
    assert room.microphones == []


async def test_clearing_ends_what_is_being_written(room, make):
    async with make() as microphone:
        writing = asyncio.create_task(microphone.write(10 * SECOND))
        await asyncio.sleep(1)
        dropped = microphone.clear()
        await writing
        assert dropped == pytest.approx(9, abs=0.1)
        assert len(room.microphones[0].pcm) / 2 / RATE == pytest.approx(1, abs=0.1)
        assert microphone.queued < 0.03
        await microphone.write(SECOND)
        assert microphone.queued > 0.1


async def test_a_cancelled_write_is_cleared_as_well(room, make):
    async with make() as microphone:
        writing = asyncio.create_task(microphone.write(10 * SECOND))
        await asyncio.sleep(1)
        writing.cancel()
        await asyncio.wait({writing})
        assert microphone.clear() == pytest.approx(0.2, abs=0.03)
        await microphone.write(SECOND)


async def test_two_tasks_that_write_at_once_are_refused(make):
    async with make() as microphone:
        writing = asyncio.create_task(microphone.write(SECOND))
        await asyncio.sleep(0.1)
        with pytest.raises(RuntimeError, match="another task"):
            await microphone.write(SECOND)
        await writing


async def test_plays_arrays_and_files(room, make, tmp_path):
    samples = np.arange(RATE, dtype=np.int16)
    file = write_wav(tmp_path / "one.wav", RATE, 1, samples.tobytes())
    async with make() as microphone:
        began = now()
        await microphone.play(samples)
        assert now() - began == pytest.approx(1, abs=0.05)
        await microphone.play(file)
        assert bytes(room.microphones[0].pcm) == 2 * samples.tobytes()
        with pytest.raises(InvalidParameterError, match="source"):
            await microphone.play(tmp_path / "none.wav")


async def test_playing_ends_when_it_is_cleared(make):
    async def endless():
        while True:
            yield SECOND

    async with make() as microphone:
        playing = asyncio.create_task(microphone.play(endless()))
        await asyncio.sleep(3)
        microphone.clear()
        await playing


async def test_push_to_talk(room, make):
    async with make(muted=True) as microphone:
        writer = room.microphones[0]
        assert writer.muted
        with microphone.talking():
            assert not writer.muted
        assert writer.muted
        assert microphone.muted


async def test_is_muted_while_the_avatar_speaks(room, make):
    async with make(mute_while_avatar_speaks=True) as microphone:
        writer = room.microphones[0]
        microphone.avatar_speaks(True)
        assert writer.muted
        microphone.mute()
        microphone.avatar_speaks(False)
        assert writer.muted
        microphone.unmute()
        assert not writer.muted
        microphone.avatar_speaks(True)
        await asyncio.sleep(61)  # without an audio_end
        assert not writer.muted


async def test_otherwise_it_is_not(room, make):
    async with make() as microphone:
        microphone.avatar_speaks(True)
        assert not room.microphones[0].muted


async def test_publishing_that_fails_can_be_tried_again(room, make, monkeypatch):
    async def refuse(*_, **__):
        raise SendError("no more tracks")

    microphone = make()
    with monkeypatch.context() as patch:
        patch.setattr(room, "speak", refuse)
        with pytest.raises(SendError, match="no more tracks"):
            await microphone.open()
    await microphone.write(b"\1\0")
    assert bytes(room.microphones[0].pcm) == b"\1\0"
    await microphone.aclose()
