"""What every recorder does: files that are there, subtitles, and their failures."""

from __future__ import annotations

from pathlib import Path

import pytest
from av_samples import probe, sound

from akool_async.errors import InvalidParameterError
from akool_async.media.recording import Recorder, Speech


def test_subtitles_that_cannot_be_written_are_no_failure_of_the_film(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.webm"
    one = Recorder(path, subtitles=True)
    one.start()
    one.put_audio(sound(0.0))
    (tmp_path / "a.vtt").mkdir()  # in its place meanwhile
    one.end([Speech("avatar", "Hello", 0.0, 1.0)], timeout=60)
    assert one.join(60)
    assert one.error is None
    assert "writing the subtitles of" in caplog.text
    assert "Hello" not in caplog.text
    assert probe(path).codecs == {"audio": ["opus"]}


def test_without_subtitles_a_file_of_their_name_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_text("mine")
    one = Recorder(tmp_path / "a.wav")
    one.start()
    one.end(timeout=60)
    assert one.join(60)
    assert (tmp_path / "a.vtt").read_text() == "mine"
    with pytest.raises(InvalidParameterError, match=r"a\.vtt' is there already"):
        Recorder(tmp_path / "a.mkv", subtitles=True)


def test_too_little_time_leaves_the_subtitles_beside_the_film(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.webm"
    one = Recorder(path, subtitles=True)
    one.put_audio(sound(0.0))
    one.end([Speech("avatar", "Hello", 0.0, 1.0)], timeout=60)
    one._end_by = 0.0  # all of it is over when the film is closed
    one.start()
    assert one.join(60)
    assert "has no subtitle track: too little time was left" in caplog.text
    assert "Hello" in (tmp_path / "a.vtt").read_text()
