"""The media half of a transport: what one that can do nothing answers."""

from __future__ import annotations

from unittest.mock import sentinel

import pytest

from akool_async.errors import NotSupportedError
from akool_async.media import AudioRequest, MediaCapabilities, MediaTransport, VideoRequest


class Deaf(MediaTransport):
    capabilities = MediaCapabilities()
    tracks = ()


async def test_what_it_does_not_declare_it_refuses():
    media = Deaf()
    with pytest.raises(NotSupportedError, match="receives no audio"):
        media.hear(AudioRequest(), sentinel.sink)
    with pytest.raises(NotSupportedError, match="receives no video"):
        media.see(VideoRequest(), sentinel.sink)
    with pytest.raises(NotSupportedError, match="sends no audio"):
        await media.speak(AudioRequest(), queue_ms=200, timeout=1)
    with pytest.raises(NotSupportedError, match="sends no video"):
        await media.show(2, 2, timeout=1)


def test_it_does_nothing_unless_it_says_so():
    assert MediaCapabilities() == MediaCapabilities(False, False, False, False)
