"""`avatar.record`: a conversation's file, however its block is left."""

from __future__ import annotations

import array
import asyncio
import signal
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from av_samples import probe
from recorded_room import Stage, stage

from akool_async.conversation import AvatarSession
from akool_async.errors import (
    ConversationClosedError,
    InvalidParameterError,
    NotSupportedError,
    RecordingError,
    TransportError,
)
from akool_async.media.recording.recording import Recording
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.testing.waiting import until

PROGRAM = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
import akool_async
from recorded_room import stage

async def main():
    async with stage() as one, one.avatar.record(sys.argv[1]) as recording:
        while recording.stats.seconds < 1.5:
            await asyncio.sleep(0.01)
        print("recorded", flush=True)
        await asyncio.sleep(600)

akool_async.run(main())
"""


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [one for one in threading.enumerate() if one.name == "akool-recorder"] == []


async def long_enough(recording: Recording, seconds: float = 1.5) -> None:
    await until(lambda: recording.stats.seconds > seconds, f"{seconds:g} s were recorded")


def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def whole(path: Path) -> None:
    found = probe(path)
    assert found.codecs["video"] == ["vp9"]
    assert found.codecs["audio"] == ["opus"]
    assert found.sound > 1
    assert len(found.pictures) > 10
    assert found.flashes
    assert found.beeps


@pytest.mark.slow
async def test_sound_pictures_and_what_was_said(tmp_path: Path) -> None:
    path = tmp_path / "call.webm"
    async with stage() as one:
        async with one.avatar.record(path) as recording:
            assert one.kinds == ["audio", "video"]
            await one.avatar.say("This is kept.").spoken()
            await long_enough(recording)
        assert one.kinds == []
        assert recording.error is None
        assert recording.stats.pictures_dropped == 0
    whole(path)
    assert [text for _, _, text in probe(path).subtitles] == ["This is kept."]
    assert "<v avatar>This is kept." in text_of(path.with_suffix(".vtt"))


async def test_the_microphone_is_the_second_channel(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    async with stage() as one, one.avatar.record(path, microphone=True) as recording:
        async with one.avatar.microphone(sample_rate=48_000) as microphone:
            await long_enough(recording, 0.5)
            await microphone.write(array.array("h", [5000]).tobytes() * 24_000)
            microphone.mute()
            await microphone.write(array.array("h", [7000]).tobytes() * 4_800)
            await microphone.wait_for_playout()
        await long_enough(recording, recording.stats.seconds + 0.5)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 48_000)
        samples = array.array("h", file.readframes(file.getnframes()))
    right = samples[1::2]
    assert right.count(5000) == 24_000
    assert right.count(7000) == 0
    begin = right.index(5000)
    assert right[begin : begin + 24_000].count(5000) == 24_000  # in one piece
    assert max(samples[0::2]) > 10_000


@pytest.mark.slow
async def test_without_subtitles(tmp_path: Path) -> None:
    path = tmp_path / "call.webm"
    async with stage() as one, one.avatar.record(path, subtitles=False) as recording:
        await one.avatar.say("This is not kept.").spoken()
        await long_enough(recording)
    assert probe(path).subtitles == []
    assert names(tmp_path) == [path.name]


async def test_an_exception_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "call.webm"
    with pytest.raises(KeyError, match="mine"):
        async with stage() as one, one.avatar.record(path) as recording:
            await long_enough(recording)
            raise KeyError("mine")
    whole(path)


async def test_a_cancellation_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "call.webm"
    recorded = asyncio.Event()

    async def record() -> None:
        async with stage() as one, one.avatar.record(path) as recording:
            await long_enough(recording)
            recorded.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(record())
    await recorded.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()  # while the file is being completed
    with pytest.raises(asyncio.CancelledError):
        await task
    whole(path)


@pytest.mark.parametrize("steps", range(6))
async def test_cancelled_while_it_is_opened_it_leaves_nothing_open(
    tmp_path: Path, steps: int
) -> None:
    async with stage() as one:

        async def record() -> None:
            async with one.avatar.record(tmp_path / "call.webm"):
                await asyncio.Event().wait()

        recording = asyncio.create_task(record())
        for _ in range(steps):
            await asyncio.sleep(0)
        recording.cancel()
        with pytest.raises(asyncio.CancelledError):
            await recording
        assert one.kinds == []
        assert one.avatar._conversation.media.recordings == ()


def test_sigterm_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "call.webm"
    support = str(Path(__file__).parents[2] / "support")
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), support], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "recorded\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 128 + signal.SIGTERM
        finally:
            process.kill()
    whole(path)


async def test_the_session_s_end_completes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "call.webm"
    async with stage() as one:
        recording = await one.avatar.record(path).open()
        await long_enough(recording)
    assert path.stat().st_size == recording.stats.size
    whole(path)
    await recording.aclose()
    with pytest.raises(ConversationClosedError):
        await recording.open()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
async def test_a_full_disk_ends_the_recording_and_not_the_conversation(tmp_path: Path) -> None:
    path = tmp_path / "call.webm"
    path.symlink_to("/dev/full")
    async with stage() as one:
        with pytest.raises(RecordingError, match="No space left on device"):
            async with one.avatar.record(path, overwrite=True) as recording:
                await until(lambda: recording.error is not None, "the disk is full")
                await until(lambda: one.kinds == [], "nothing is decoded for it")
        await one.avatar.set_params(language="en")


async def test_an_exception_goes_before_the_recording_s_own_failure(tmp_path: Path) -> None:
    path = tmp_path / "call.webm"
    async with stage() as one:
        with pytest.raises(KeyError) as raised:
            async with one.avatar.record(path) as recording:
                await long_enough(recording, 0.2)
                one.media.fail(TransportError("no more video"))
                await until(lambda: recording.error is not None, "it ended")
                raise KeyError("mine")
    assert any("no more video" in note for note in raised.value.__notes__)


async def test_a_wrong_path_leaves_nothing_open(tmp_path: Path) -> None:
    async with stage() as one:
        for name in ("call.avi", "no/call.webm"):
            with pytest.raises(InvalidParameterError, match=r"^path"):
                await one.avatar.record(tmp_path / name).open()
        with pytest.raises(InvalidParameterError, match=r"^path"):
            one.avatar.record(3)  # type: ignore[arg-type]
        for option in ("microphone", "subtitles", "overwrite"):
            with pytest.raises(InvalidParameterError, match=rf"^{option}"):
                one.avatar.record(tmp_path / "a.webm", **{option: "yes"})
        assert one.kinds == []
        assert one.avatar._conversation.media.recordings == ()
    assert names(tmp_path) == []


async def test_a_room_without_media(tmp_path: Path) -> None:
    room = InMemoryRoom()
    session = AvatarSession(room.transport)
    with pytest.raises(ConversationClosedError):
        session.record(tmp_path / "a.webm")
    from fake_avatar import FakeAvatar

    FakeAvatar(room)
    async with session:
        with pytest.raises(NotSupportedError):
            await session.record(tmp_path / "a.webm").open()
        with pytest.raises(NotSupportedError):
            await session.snapshot()
    assert names(tmp_path) == []


async def test_two_recordings_at_once(tmp_path: Path) -> None:
    async def record(one: Stage, name: str) -> None:
        async with one.avatar.record(tmp_path / name) as recording:
            await long_enough(recording)

    async with stage() as one:
        await asyncio.gather(record(one, "a.webm"), record(one, "b.mp4"))
    whole(tmp_path / "a.webm")
    assert probe(tmp_path / "b.mp4").codecs == {"video": ["h264"], "audio": ["aac"]}
