"""What an avatar sees."""

from __future__ import annotations

import pytest

from akool_async.media.frames import VideoFrame
from akool_async.simulator.media.sight import SeenVideo, Sight

GREY = VideoFrame(bytes([90]) * (16 * 16 * 3 // 2), 16, 16)


def test_pictures_are_counted_for_each_who_shows_them() -> None:
    sight = Sight()
    assert sight.seen() == SeenVideo(0, None)
    with pytest.raises(KeyError, match="nothing was seen of 'you'"):
        sight.seen("you")
    for _ in range(3):
        sight.see("me", GREY)
    sight.see("you", VideoFrame(bytes([200]) * (32 * 16 * 3), 32, 16, "rgb24", rotation=90))
    assert (sight.seen("me").pictures, sight.seen("you").pictures) == (3, 1)
    assert sight.seen() == sight.seen("me")
    last = sight.seen("you").last
    assert last is not None
    assert (last.width, last.format, last.rotation) == (32, "rgb24", 90)


def test_a_picture_has_its_time_since_the_first_one() -> None:
    sight = Sight()
    times = []
    for _ in range(2):
        sight.see("me", GREY)
        last = sight.seen("me").last
        assert last is not None
        times.append(last.timestamp)
    assert times[0] == 0 < times[1] < 60
