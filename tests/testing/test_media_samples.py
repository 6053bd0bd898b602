"""Sound for tests, and sinks that note what they are given."""

from __future__ import annotations

import pytest

from akool_async.media import VideoRequest
from akool_async.testing.in_memory_media import InMemoryMedia
from akool_async.testing.media_samples import NotingVideo, rms, tone


def test_a_tone_has_its_length_and_is_loud():
    assert len(tone(1000, 480, 48_000, 2)) == 1920
    assert rms(tone(1000, 4800, 48_000, 1)) > 0.2


def test_loudness():
    assert rms(tone(500, 4800, 48_000, 2)) == pytest.approx(11_000 / 32_768 / 2**0.5, abs=0.01)
    assert rms(b"") == 0


def test_luma_is_of_the_middle_of_a_picture():
    media, sink = InMemoryMedia(), NotingVideo()
    media.publish("video")
    media.see(VideoRequest(), sink)
    media.picture(luma=77)
    assert sink.luma == 77
