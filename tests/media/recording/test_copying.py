"""Recording an encoded stream without decoding it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from av_samples import probe
from flv_server import SECONDS, film

from akool_async.errors import InvalidParameterError, RecordingError
from akool_async.media.recording import RecordingStats, Speech
from akool_async.media.recording.copying import CopyingRecorder
from akool_async.testing.waiting import until


class Clock:
    """A session's clock that a test moves."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def part(begin: float, end: float) -> bytes:
    header, tags = film()
    return header + b"".join(
        tag.packed(tag.at) for tag in tags if tag.is_header or begin * 1000 <= tag.at < end * 1000
    )


async def joined(one: CopyingRecorder) -> None:
    assert await asyncio.to_thread(one.join, 60)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
async def test_the_packets_are_in_the_file_as_they_were(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    one = CopyingRecorder(path, now=Clock())
    one.start()
    one.started("flv")
    await one.data(part(0, SECONDS))
    one.end(timeout=60)
    await joined(one)
    assert one.error is None
    found = probe(path)
    assert found.codecs == {"video": ["h264"], "audio": ["aac"]}
    assert found.flashes == pytest.approx(range(SECONDS), abs=0.025)
    assert found.beeps == pytest.approx(range(SECONDS), abs=0.03)
    assert len(found.pictures) == 25 * SECONDS == one.stats.pictures
    assert one.stats.size == path.stat().st_size
    assert one.origin == 100.0


async def test_it_begins_with_a_key_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    one = CopyingRecorder(path, now=Clock())
    one.start()
    one.started("flv")
    await one.data(part(0.5, 5))  # the next key frame is at 2
    one.end(timeout=60)
    await joined(one)
    found = probe(path)
    assert found.flashes == pytest.approx([0, 1, 2], abs=0.025)
    assert found.pictures[0] == pytest.approx(0, abs=0.025)


async def test_after_a_reconnect_the_time_between_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    clock = Clock()
    one = CopyingRecorder(path, now=clock)
    one.start()
    one.started("flv")
    await one.data(part(0, 2))
    one._current.end()  # cut; the recorder hears of it when the next stream begins
    await until(lambda: one.stats.pictures >= 50, "the first stream was written")
    clock.time += 5
    one.started("flv")
    await one.data(part(4, 6))
    one.end(timeout=60)
    await joined(one)
    found = probe(path)
    assert found.flashes == pytest.approx([0, 1, 5, 6], abs=0.03)
    assert found.beeps == pytest.approx([0, 1, 5, 6], abs=0.05)


async def test_subtitles(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    one = CopyingRecorder(path, now=Clock(), subtitles=True)
    one.start()
    one.started("flv")
    await one.data(part(0, 4))
    one.end([Speech("avatar", "Hello", 101.0, 102.0)], timeout=60)
    await joined(one)
    assert probe(path).subtitles == [(1.0, 2.0, "Hello")]
    assert "Hello" in (tmp_path / "a.vtt").read_text()


async def test_a_file_that_cannot_hold_the_codecs(tmp_path: Path) -> None:
    one = CopyingRecorder(tmp_path / "a.webm", now=Clock())
    one.start()
    one.started("flv")
    await one.data(part(0, 2))
    await joined(one)
    assert isinstance(one.error, RecordingError)
    assert "can't be put into a .webm file as it is" in str(one.error)
    await one.data(part(2, 4))  # ignored


async def test_a_stream_that_fails_ends_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    one = CopyingRecorder(path, now=Clock())
    one.start()
    one.started("flv")
    await one.data(part(0, 2))
    await until(lambda: one.stats.pictures >= 40, "most was written")
    one.failed(OSError("no video came"))
    await joined(one)
    assert "no video came" in str(one.error)
    assert probe(path).flashes == pytest.approx([0, 1], abs=0.025)


async def test_nothing_came(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    one = CopyingRecorder(path, now=Clock())
    one.start()
    one.started("flv")
    await one.data(b"FLV")
    one.end(timeout=60)
    await joined(one)
    assert one.error is None
    assert (one.origin, one.stats) == (None, RecordingStats())
    assert path.read_bytes() == b""


async def test_a_wrong_path_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match="no known suffix"):
        CopyingRecorder(tmp_path / "a.flv", now=Clock())
