"""Sound alone, as a WAV file."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from av_samples import picture, sound

from akool_async.errors import InvalidParameterError
from akool_async.media import AudioFrame
from akool_async.media.recording import wav
from akool_async.media.recording.output_file import OutputFile
from akool_async.media.recording.wav import WavWriter

RATE = 8000


def frame(level: int, at: float, samples: int = 160) -> AudioFrame:
    return AudioFrame(level.to_bytes(2, "little") * samples, RATE, 1, at)


def read(path: Path) -> tuple[int, bytes]:
    with wave.open(str(path)) as file:
        assert (file.getsampwidth(), file.getframerate()) == (2, RATE)
        return file.getnchannels(), file.readframes(file.getnframes())


def test_one_track(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer = WavWriter(OutputFile(path), rate=RATE, tracks=1)
    writer.video(picture(0.0))
    for i in range(5):
        writer.audio(frame(i + 1, 10 + i * 0.02))
    writer.close()
    assert read(path) == (1, b"".join(bytes([i + 1, 0]) * 160 for i in range(5)))
    assert (writer.seconds, writer.origin, writer.silence, writer.late) == (0.1, 10, 0, 0)


def test_it_can_be_read_after_each_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer = WavWriter(OutputFile(path), rate=RATE, tracks=1)
    for i in range(3):
        writer.audio(frame(7, i * 0.02))
        assert len(read(path)[1]) == (i + 1) * 320
    writer.close()


def test_the_microphone_is_the_second_channel(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer = WavWriter(OutputFile(path), rate=RATE, tracks=2)
    writer.audio(frame(1, 0.0), 0)
    writer.audio(frame(2, 0.2), 1)
    writer.close()
    channels, data = read(path)
    assert channels == 2
    left, right = data[0::4], data[2::4]
    assert left == b"\1" * 160 + b"\0" * 1600
    assert right == b"\0" * 1600 + b"\2" * 160
    assert writer.silence == pytest.approx(0.4)


def test_a_silent_channel_holds_nothing_back(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer = WavWriter(OutputFile(path), rate=RATE, tracks=2)
    for i in range(150):
        writer.audio(frame(1, i * 0.02), 0)
    assert len(read(path)[1]) // 4 / RATE > 1.9
    writer.close()
    assert len(read(path)[1]) // 4 / RATE == 3.0


def test_a_frame_of_another_kind(tmp_path: Path) -> None:
    writer = WavWriter(OutputFile(tmp_path / "a.wav"), rate=RATE, tracks=1)
    with pytest.raises(InvalidParameterError, match=r"^frame: has 48000 Hz and 2 channels"):
        writer.audio(sound(0.0, channels=2))
    writer.close()


def test_no_larger_than_its_header_can_say(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(wav, "LARGEST", 1000)
    path = tmp_path / "a.wav"
    writer = WavWriter(OutputFile(path), rate=RATE, tracks=1)
    writer.audio(frame(1, 0.0))
    writer.audio(frame(1, 0.02))
    with pytest.raises(OSError, match="can't be larger than 4 GB"):
        writer.audio(frame(1, 0.04))
    with pytest.raises(OSError, match="can't be larger than 4 GB"):
        writer.close()
    assert len(read(path)[1]) == 640


def test_an_empty_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    WavWriter(OutputFile(path), rate=RATE, tracks=1).close()
    assert read(path) == (1, b"")
