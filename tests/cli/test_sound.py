"""This machine's sound in a chat, over a stand-in for PortAudio."""

from __future__ import annotations

import sys

import pytest
from fake_sounddevice import FakeSoundDevice
from recorded_room import stage

from akool_async.cli.sound import ChatSound
from akool_async.errors import MissingDependencyError, TransportError
from akool_async.testing.waiting import until


@pytest.fixture
def sounds(monkeypatch: pytest.MonkeyPatch) -> FakeSoundDevice:
    fake = FakeSoundDevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


async def test_sound_goes_both_ways(sounds: FakeSoundDevice) -> None:
    sound = ChatSound(microphone=True, speaker=True)
    async with stage() as one:
        async with sound.running(one.avatar):
            [output], [source] = sounds.outputs, sounds.inputs
            await until(lambda: any(output.play()), "the avatar is heard")
            source.hear(b"\1\2" * source.blocksize)
            [track] = one.media.microphones
            await until(lambda: len(track.pcm) >= 2 * source.blocksize, "it hears us")
            assert bytes(track.pcm).startswith(b"\1\2" * source.blocksize)
            one.robot.event("audio_start")
            await until(lambda: track.muted, "it doesn't hear its own voice")
            one.robot.event("audio_end")
            await until(lambda: not track.muted, "it hears us again")
        assert (output.state, source.state) == ("closed", "closed")
        assert track.closed
        assert one.kinds == []


async def test_one_of_them(sounds: FakeSoundDevice) -> None:
    async with stage() as one:
        async with ChatSound(microphone=False, speaker=True).running(one.avatar):
            assert (len(sounds.outputs), sounds.inputs) == (1, [])
            assert one.media.microphones == []
        async with ChatSound(microphone=True, speaker=False).running(one.avatar):
            assert (len(sounds.outputs), len(sounds.inputs)) == (1, 1)
            [track] = one.media.microphones
            one.robot.event("audio_start")
            await one.avatar.set_params(language="en")  # its answer comes after the event
            assert not track.muted


async def test_neither_needs_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    async with stage() as one, ChatSound(microphone=False, speaker=False).running(one.avatar):
        assert one.kinds == []
    with pytest.raises(MissingDependencyError):
        ChatSound(microphone=False, speaker=True)


async def test_what_fails_is_reported_and_the_chat_goes_on(
    sounds: FakeSoundDevice, capsys: pytest.CaptureFixture[str]
) -> None:
    async with stage() as one:
        async with ChatSound(microphone=False, speaker=True).running(one.avatar):
            await until(lambda: any(sounds.outputs[0].play()), "the avatar is heard")
            one.media.fail(TransportError("no more sound"))
            await until(lambda: one.kinds == [], "it ended")
            await one.avatar.set_params(language="en")
        assert "sound: no more sound" in capsys.readouterr().err
