"""The recorder's thread: its queue, its end, failures, and a process that is killed."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from av_samples import picture, probe, sound

from akool_async.errors import InvalidParameterError, RecordingError
from akool_async.media.recording import Recorder, Speech, recorder

PROGRAM = """
import sys, time
sys.path.insert(0, sys.argv[2])
from av_samples import picture, sound
from akool_async.media.recording import Recorder
recorder = Recorder(sys.argv[1])
recorder.start()
for i in range(500):
    recorder.put_audio(sound(i / 50))
    if i % 2 == 0:
        recorder.put_video(picture(i / 50))
while recorder.stats.seconds < 10:
    time.sleep(0.01)
print("written", flush=True)
sys.stdin.read()
"""


def feed(one: Recorder, seconds: float) -> None:
    for i in range(round(seconds * 50)):
        one.put_audio(sound(i / 50))
        if i % 2 == 0:
            one.put_video(picture(i / 50))


def test_frames_go_in_and_a_whole_film_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    ended = threading.Event()
    one = Recorder(path, on_end=ended.set)
    one.start()
    assert not one.over
    feed(one, 3)
    one.end(timeout=60)
    one.end([Speech("a", "again", 0, 1)], timeout=0)  # the first call counts
    assert one.join(60)
    assert ended.is_set()
    assert one.over
    assert one.error is None
    found = probe(path)
    assert found.flashes == pytest.approx([0, 1, 2], abs=0.002)
    assert found.beeps == pytest.approx([0, 1, 2], abs=0.03)
    stats = one.stats
    assert (stats.seconds, stats.pictures, stats.pictures_dropped, stats.sound_dropped) == (
        3.0, 75, 0, 0,
    )  # fmt: skip
    assert stats.size == path.stat().st_size
    feed(one, 1)  # ignored
    assert one.stats == stats
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".webm", ".wav"])
def test_subtitles_are_written_beside_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    one = Recorder(path, subtitles=True)
    one.start()
    feed(one, 2)
    one.end([Speech("avatar", "Hello", 0.5, 1.5)], timeout=60)
    assert one.join(60)
    assert "00:00:00.500 --> 00:00:01.500\n<v avatar>Hello" in (tmp_path / "a.vtt").read_text()
    if suffix == ".webm":
        assert probe(path).subtitles == [(0.5, 1.5, "Hello")]


@pytest.mark.parametrize("name", ["a.webm", "a.vtt"])
def test_files_that_are_there_are_kept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("old")
    with pytest.raises(InvalidParameterError, match="is there already"):
        Recorder(tmp_path / "a.webm", subtitles=True)
    assert (tmp_path / name).read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
    one = Recorder(tmp_path / "a.webm", subtitles=True, overwrite=True)
    one.start()
    feed(one, 1)
    one.end([Speech("avatar", "New", 0.1, 0.9)], timeout=60)
    assert one.join(60)
    assert "New" in (tmp_path / "a.vtt").read_text()
    assert probe(tmp_path / "a.webm").subtitles == [(0.1, 0.9, "New")]


def test_under_load_pictures_are_dropped_and_counted_and_the_clock_is_kept(
    tmp_path: Path, monkeypatch
) -> None:
    path = tmp_path / "a.webm"
    monkeypatch.setattr(recorder, "WAITING_PICTURES", 5 * 64 * 48)
    one = Recorder(path)
    feed(one, 3)  # the thread doesn't run yet: nothing takes them
    one.start()
    one.end(timeout=60)
    assert one.join(60)
    stats = one.stats
    assert stats.pictures == 4
    assert stats.pictures_dropped == 75 - 4
    assert stats.sound_dropped == 0
    assert probe(path).beeps == pytest.approx([0, 1, 2], abs=0.03)


def test_sound_that_nothing_takes_is_dropped_and_counted(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(recorder, "WAITING_SOUND", 0.99)
    one = Recorder(tmp_path / "a.wav")
    for i in range(100):
        one.put_audio(sound(i / 50))
    one.start()
    one.end(timeout=60)
    assert one.join(60)
    assert one.stats.seconds == pytest.approx(1.0, abs=0.021)
    assert one.stats.seconds + one.stats.sound_dropped == pytest.approx(2.0)


def test_out_of_time_what_waits_is_dropped_and_the_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    one = Recorder(path)
    feed(one, 2)
    one.end(timeout=0)
    one.start()
    assert one.join(60)
    assert one.error is None
    assert one.stats.pictures_dropped == 50
    assert one.stats.sound_dropped == pytest.approx(2.0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("suffix", [".webm", ".mp4", ".wav"])
def test_a_full_disk_is_an_error_that_says_so(tmp_path: Path, suffix: str, caplog) -> None:
    path = tmp_path / f"a{suffix}"
    path.symlink_to("/dev/full")
    one = Recorder(path, overwrite=True)
    one.start()
    feed(one, 3)
    assert one.join(60)
    one.end(timeout=60)
    assert one.join(60)
    assert isinstance(one.error, RecordingError)
    assert "No space left on device" in str(one.error)
    assert isinstance(one.error.__cause__, OSError)
    assert caplog.records[-1].levelno == logging.ERROR
    one.put_video(picture(9.0))
    assert one.stats.pictures_dropped == 0


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".mp4", ".wav"])
def test_a_killed_process_leaves_a_playable_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    support = str(Path(__file__).parents[2] / "support")
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), support],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "written\n"
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=60)
    found = probe(path)
    assert found.beeps[:7] == pytest.approx(range(7), abs=0.03)
    if suffix != ".wav":
        assert found.flashes[:7] == pytest.approx(range(7), abs=0.002)


def test_an_unstarted_recorder_can_be_given_up(tmp_path: Path) -> None:
    one = Recorder(tmp_path / "a.webm")
    one.abandon()
    assert list(tmp_path.iterdir()) == []
