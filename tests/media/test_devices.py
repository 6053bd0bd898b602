"""Microphone and loudspeaker, over a stand-in for PortAudio."""

from __future__ import annotations

import asyncio
import importlib
import sys

import pytest
from fake_sounddevice import FakeSoundDevice

from akool_async.errors import ConfigurationError, InvalidParameterError, MissingDependencyError
from akool_async.media.devices import Loudspeaker, SoundInput


@pytest.fixture
def sounds(monkeypatch: pytest.MonkeyPatch) -> FakeSoundDevice:
    fake = FakeSoundDevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


async def test_what_is_played_comes_out_in_order_and_then_silence(sounds: FakeSoundDevice) -> None:
    async with Loudspeaker(8_000) as speaker:
        [stream] = sounds.outputs
        assert (stream.rate, stream.blocksize, stream.state) == (8_000, 160, "started")
        assert stream.play() == bytes(320)
        speaker.play(b"\1\0" * 100)
        speaker.play(b"\2\0" * 100)
        assert stream.play() == b"\1\0" * 100 + b"\2\0" * 60
        assert stream.play() == b"\2\0" * 40 + bytes(240)
        speaker.play(b"\3\0" * 100)
        speaker.clear()
        assert stream.play() == bytes(320)
    assert stream.state == "closed"
    assert speaker.dropped == 0


async def test_a_loudspeaker_that_is_given_too_much_drops_the_oldest(
    sounds: FakeSoundDevice,
) -> None:
    async with Loudspeaker(8_000, buffer_ms=50) as speaker:
        speaker.play(b"\1\0" * 400 + b"\2\0" * 400)
        assert speaker.dropped == 0.05
        assert sounds.outputs[0].play() == b"\2\0" * 160


async def test_what_is_heard_can_be_read(sounds: FakeSoundDevice) -> None:
    heard = []
    async with SoundInput(16_000) as sound:
        [stream] = sounds.inputs
        assert (stream.rate, stream.blocksize) == (16_000, 320)
        await asyncio.to_thread(stream.hear, b"\1\0" * 320)
        await asyncio.to_thread(stream.hear, b"\2\0" * 320)
        async for pcm in sound:
            heard.append(pcm)
            if len(heard) == 2:
                break
        waiting = asyncio.ensure_future(anext(sound))
        await asyncio.sleep(0)
        assert not waiting.done()
    assert heard == [b"\1\0" * 320, b"\2\0" * 320]
    assert stream.state == "closed"
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(waiting, 20)


async def test_a_slow_reader_loses_the_oldest(sounds: FakeSoundDevice) -> None:
    async with SoundInput(8_000, buffer_ms=50) as sound:
        for i in range(5):
            sounds.inputs[0].hear(bytes([i, 0]) * 160)
        assert await anext(sound) == b"\3\0" * 160
        assert sound.dropped == pytest.approx(0.06)


@pytest.mark.parametrize(("kind", "name"), [(Loudspeaker, "loudspeaker"), (SoundInput, "microph")])
async def test_a_device_that_is_not_there(sounds: FakeSoundDevice, kind, name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"The {name}.* can't be opened: .*sounddevice"):
        async with kind(device="broken"):
            pass


@pytest.mark.parametrize("kind", [Loudspeaker, SoundInput])
async def test_wrong_values(sounds: FakeSoundDevice, kind) -> None:
    with pytest.raises(InvalidParameterError, match=r"^sample_rate"):
        kind(4_000)
    with pytest.raises(InvalidParameterError, match=r"^buffer_ms"):
        kind(buffer_ms=1)


async def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingDependencyError, match=r"akool-async\[sound\]"):
        Loudspeaker()


async def test_without_portaudio(monkeypatch: pytest.MonkeyPatch) -> None:
    def imported(name: str) -> object:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(importlib, "import_module", imported)
    with pytest.raises(MissingDependencyError, match=r"PortAudio library not found.*libportaudio2"):
        SoundInput()
