"""What a recording reads of its conversation; what was said, and when it was heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from recorded_room import stage

from akool_async.conversation.event_bus import EventBus
from akool_async.conversation.recording_port import _Port, noted_speech
from akool_async.conversation.transcript import Transcript
from akool_async.events import Disconnected, SpeakingStarted, SpeakingStopped
from akool_async.media import AudioFrame, TrackInfo
from akool_async.media.recording.subtitles import Speech

#: The transcript has its times from the machine's clock.
pytestmark = pytest.mark.real_clock


async def test_the_announced_size_is_the_film_s() -> None:
    async with stage() as one:
        conversation = one.avatar._conversation
        port = _Port(conversation.media, conversation.events, conversation.transcript)
        assert port.size() is None
        one.media._set_tracks(
            (
                TrackInfo("a", "audio"),
                TrackInfo("b", "video", width=640, height=360),
                TrackInfo("c", "video", width=1280, height=720),
            )
        )
        assert port.size() == (1280, 720)


async def test_what_the_program_says_has_its_time() -> None:
    async with stage() as one:
        conversation = one.avatar._conversation
        port = _Port(conversation.media, conversation.events, conversation.transcript)
        heard: list[AudioFrame] = []
        end = port.microphone(heard.append)
        async with one.avatar.microphone(sample_rate=16_000) as microphone:
            begin = port.now()
            await microphone.write(bytes(2 * 3200))
            assert sum(frame.duration for frame in heard) == pytest.approx(0.2)
            assert heard[0].timestamp == pytest.approx(begin, abs=0.1)
            assert heard[-1].timestamp - heard[0].timestamp == pytest.approx(0.18, abs=0.05)
            end()
            await microphone.write(bytes(320))
            assert len(heard) == 10


async def test_a_path_like_object(tmp_path: Path) -> None:
    async with stage() as one:
        recording = one.avatar.record(tmp_path / "call.wav")
        assert recording.path == tmp_path / "call.wav"
        assert one.avatar.record("call.wav").path == Path("call.wav")


async def test_a_recording_is_a_span(tmp_path: Path) -> None:
    async with stage() as one:
        async with one.avatar.record(tmp_path / "call.wav", subtitles=False):
            pass
        assert one.avatar.stats.timings["recording"].count == 1


class Scene:
    """A transcript, and events at times that the test says."""

    def __init__(self) -> None:
        self.events = EventBus(reader_limit=100, handler_limit=100)
        self.transcript = Transcript()
        self.began = asyncio.get_running_loop().time()
        self.said: Callable[[], Sequence[Speech]] = tuple

    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.began

    @asynccontextmanager
    async def noting(self) -> AsyncIterator[None]:
        async with noted_speech(self.events, self.transcript, self.now) as self.said:
            yield

    async def speak(self, seconds: float, mid: str = "") -> tuple[float, float]:
        """The avatar is heard; returns from when to when."""
        begin = self.now()
        self.events.publish(SpeakingStarted(mid))
        await asyncio.sleep(seconds)
        self.events.publish(SpeakingStopped(mid))
        end = self.now()
        await asyncio.sleep(0)
        return begin, end


async def test_a_speech_is_where_it_was_heard() -> None:
    scene = Scene()
    async with scene.noting():
        entry = scene.transcript.begin("avatar", "reply", mid="m1", text="Hello")
        await asyncio.sleep(0.1)
        begin, end = await scene.speak(0.2, "m1")
        scene.transcript.end(entry)
        [said] = scene.said()
    assert (said.speaker, said.text) == ("avatar", "Hello")
    assert said.start == pytest.approx(begin, abs=0.05)
    assert said.end == pytest.approx(end, abs=0.05)


async def test_speeches_without_a_mid_are_taken_in_their_order() -> None:
    scene = Scene()
    heard = []
    async with scene.noting():
        for text in ("One", "Two"):
            scene.transcript.add("avatar", "said", text)
            heard.append(await scene.speak(0.1))
        said = scene.said()
    assert [one.text for one in said] == ["One", "Two"]
    assert [one.start for one in said] == pytest.approx([begin for begin, _ in heard], abs=0.05)


async def test_without_events_the_text_says_how_long_it_takes() -> None:
    scene = Scene()
    async with scene.noting():
        scene.transcript.add("avatar", "reply", "x" * 150)
        scene.transcript.add("user", "typed", "y" * 150)
        avatar, user = scene.said()
    assert avatar.end - avatar.start == pytest.approx(10, abs=0.1)
    assert user.speaker == "user"
    assert user.end - user.start < 1


async def test_a_speech_that_goes_on_lasts_until_now() -> None:
    scene = Scene()
    async with scene.noting():
        scene.transcript.begin("avatar", "reply", mid="m", text="Still")
        scene.events.publish(SpeakingStarted("m"))
        await asyncio.sleep(0.1)
        [said] = scene.said()
        assert said.end == pytest.approx(scene.now(), abs=0.05)


async def test_what_was_over_before_is_left_out_and_the_room_s_end_is_no_event() -> None:
    scene = Scene()
    scene.transcript.add("user", "typed", "Before")
    await asyncio.sleep(0.05)
    async with scene.noting():
        scene.events.publish(Disconnected("closed"))
        await asyncio.sleep(0)
        assert scene.said() == []
