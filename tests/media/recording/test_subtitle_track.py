"""Subtitles inside a film."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import pytest
from av_samples import picture, probe, sound

from akool_async.media.recording import subtitle_track
from akool_async.media.recording.film import FilmWriter
from akool_async.media.recording.formats import FORMATS
from akool_async.media.recording.output_file import OutputFile
from akool_async.media.recording.subtitle_track import add_subtitles
from akool_async.media.recording.subtitles import Cue

CUES = [
    Cue("avatar", "Grüße & “quotes” <b>", 0.5, 1.25),
    Cue("user", "At the same time", 0.5, 1.5),
    Cue("avatar", "The end", 1.6, 1.9),
]


def make(path: Path) -> None:
    writer = FilmWriter(OutputFile(path), FORMATS[path.suffix], tracks=("avatar",))
    for i in range(100):
        writer.video(picture(i / 50))
        writer.audio(sound(i / 50))
    writer.close()


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".mp4"])
def test_they_are_shown_when_they_were_said(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    make(path)
    before = probe(path)
    assert add_subtitles(path, FORMATS[suffix], CUES)
    found = probe(path)
    starts = [round(start, 2) for start, _, _ in found.subtitles]
    assert starts == [0.5, 0.5, 1.6]
    assert [text for _, _, text in found.subtitles] == [cue.text for cue in CUES]
    if suffix != ".mp4":  # its muxer cuts a subtitle off where the next one begins
        assert [end for _, end, _ in found.subtitles] == [1.25, 1.5, 1.9]
    assert found.flashes == before.flashes
    assert found.beeps == pytest.approx(before.beeps, abs=0.001)
    assert len(found.pictures) == len(before.pictures)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_out_of_time_the_film_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    make(path)
    before = path.read_bytes()
    assert not add_subtitles(path, FORMATS[".webm"], CUES, end_by=time.monotonic() - 1)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_full_disk_leaves_the_film_as_it_was(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.webm"
    make(path)
    before = path.read_bytes()

    def full(*arguments: object) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(subtitle_track, "_packet", full)
    with pytest.raises(OSError, match="No space left"):
        add_subtitles(path, FORMATS[".webm"], CUES)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_the_file_s_mode_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    make(path)
    path.chmod(0o640)
    add_subtitles(path, FORMATS[".webm"], CUES)
    assert path.stat().st_mode & 0o777 == 0o640
