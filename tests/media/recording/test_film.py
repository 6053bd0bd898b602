"""Films: what is in the file after frames went in."""

from __future__ import annotations

from pathlib import Path

import pytest
from av_samples import picture, probe, sound

from akool_async.media import AudioFrame
from akool_async.media.recording.film import FilmWriter
from akool_async.media.recording.formats import FORMATS
from akool_async.media.recording.output_file import OutputFile

START = 1000.0


def film(path: Path, *tracks: str, size: tuple[int, int] | None = None) -> FilmWriter:
    return FilmWriter(
        OutputFile(path), FORMATS[path.suffix], tracks=tracks or ("avatar",), size=size
    )


def feed(writer: FilmWriter, begin: float, end: float, *, sounds=True, pictures=True) -> None:
    """20 ms of sound each, and a picture at every second one."""
    for i in range(round(begin * 50), round(end * 50)):
        if pictures and i % 2 == 0:
            writer.video(picture(i / 50, start=START))
        if sounds:
            writer.audio(sound(i / 50, start=START))


@pytest.mark.parametrize(
    ("suffix", "video", "audio"),
    [(".webm", "vp9", "opus"), (".mkv", "vp9", "opus"), (".mp4", "h264", "aac")],
)
def test_flash_and_beep_are_where_they_were(
    tmp_path: Path, suffix: str, video: str, audio: str
) -> None:
    path = tmp_path / f"a{suffix}"
    writer = film(path)
    feed(writer, 0, 4)
    writer.close()
    found = probe(path)
    assert found.codecs == {"video": [video], "audio": [audio]}
    assert found.sizes == {(64, 48)}
    assert found.flashes == pytest.approx([0, 1, 2, 3], abs=0.002)
    assert found.beeps == pytest.approx([0, 1, 2, 3], abs=0.03)
    assert len(found.pictures) == 100
    assert found.sound == pytest.approx(4.0, abs=0.05)
    assert (writer.seconds, writer.origin, writer.silence, writer.late) == (4.0, START, 0, 0)


def test_a_gap_in_the_sound_becomes_silence(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    writer = film(path)
    feed(writer, 0, 2)
    feed(writer, 2, 6, sounds=False)
    feed(writer, 6, 8)
    writer.close()
    found = probe(path)
    assert found.beeps == pytest.approx([0, 1, 6, 7], abs=0.03)
    assert found.flashes == pytest.approx(range(8), abs=0.002)
    assert writer.silence == pytest.approx(4.0, abs=0.01)


def test_a_gap_in_the_pictures_is_filled_with_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    writer = film(path)
    feed(writer, 0, 2)
    feed(writer, 2, 8, pictures=False)
    feed(writer, 8, 9)
    writer.close()
    found = probe(path)
    assert found.flashes == pytest.approx([0, 1, 8], abs=0.002)
    assert max(b - a for a, b in zip(found.pictures, found.pictures[1:], strict=False)) < 2.1


def test_pictures_that_come_twice_or_too_late_are_left_out(tmp_path: Path) -> None:
    writer = film(tmp_path / "a.webm")
    feed(writer, 0, 1)
    writer.video(picture(0.96, start=START))
    writer.video(picture(0.5, start=START))
    assert writer.late == 2
    writer.close()
    assert len(probe(tmp_path / "a.webm").pictures) == 25


def test_sound_before_the_first_picture_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    writer = film(path)
    feed(writer, 0, 2, pictures=False)
    assert writer.origin is None
    feed(writer, 2, 3)
    writer.close()
    found = probe(path)
    assert found.sizes == {(64, 48)}
    assert found.beeps == pytest.approx([0, 1, 2], abs=0.03)
    assert found.flashes == pytest.approx([2], abs=0.002)


def test_without_a_picture_the_film_begins_black(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    writer = film(path, size=(128, 96))
    feed(writer, 0, 4, pictures=False)
    feed(writer, 4, 5)
    writer.close()
    found = probe(path)
    assert found.sizes == {(128, 96)}
    assert found.pictures[0] == 0
    assert found.flashes == pytest.approx([4], abs=0.002)
    assert found.beeps == pytest.approx(range(5), abs=0.03)


def test_a_short_film_without_a_picture_has_sound_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    writer = film(path)
    feed(writer, 0, 1, pictures=False)
    writer.close()
    assert probe(path).codecs == {"audio": ["opus"]}


def test_pictures_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    writer = film(path)
    feed(writer, 0, 3, sounds=False)
    writer.close()
    found = probe(path)
    assert found.flashes == pytest.approx([0, 1, 2], abs=0.002)
    assert found.beeps == []


def test_odd_sizes_become_even(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    writer = film(path)
    for i in range(10):
        writer.video(picture(i / 25, width=63, height=47))
    writer.close()
    assert probe(path).sizes == {(64, 48)}


def test_a_rotated_first_picture_gives_the_size(tmp_path: Path) -> None:
    from dataclasses import replace

    path = tmp_path / "a.webm"
    writer = film(path)
    writer.video(replace(picture(0.0), rotation=90))
    writer.close()
    assert probe(path).sizes == {(48, 64)}


def test_an_announced_size_is_kept_when_the_first_picture_is_smaller(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    writer = film(path, size=(128, 96))
    feed(writer, 0, 1)
    writer.close()
    assert probe(path).sizes == {(128, 96)}


def test_the_microphone_is_a_second_track(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    writer = film(path, "avatar", "microphone")
    feed(writer, 0, 1)
    for i in range(50):  # what a microphone gives: another rate
        writer.audio(sound(i / 50, start=START, rate=24_000), 1)
    writer.close()
    assert probe(path).codecs == {"video": ["vp9"], "audio": ["opus", "opus"]}
    import av

    with av.open(str(path)) as file:
        assert [s.metadata.get("title") for s in file.streams.audio] == ["avatar", "microphone"]
        seconds = [0.0, 0.0]
        for packet in file.demux(audio=(0, 1)):
            for frame in packet.decode():
                seconds[packet.stream.index - 1] += frame.samples / frame.sample_rate
    assert seconds == pytest.approx([1.0, 1.0], abs=0.05)


def test_stereo_and_other_rates_are_converted(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    writer = film(path)
    for i in range(100):
        writer.video(picture(i / 50))
        writer.audio(sound(i / 50, rate=16_000, channels=2))
    writer.close()
    assert probe(path).beeps == pytest.approx([0, 1], abs=0.03)


def test_an_empty_film_leaves_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    film(path).close()
    assert path.read_bytes() == b""


def test_key_frames_come_every_two_seconds(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.webm"
    writer = film(path)
    feed(writer, 0, 5)
    writer.close()
    with av.open(str(path)) as file:
        keys = [float(p.pts * p.time_base) for p in file.demux(video=0) if p.is_keyframe and p.size]
    assert keys == pytest.approx([0, 2, 4], abs=0.001)


def test_a_frame_with_samples_left_over_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    writer = film(path)
    writer.audio(AudioFrame(bytes(2 * 1500), 48_000))
    writer.close()
    assert probe(path).sound == pytest.approx(1500 / 48_000, abs=0.02)
