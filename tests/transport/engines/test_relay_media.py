"""`transport.engines.relay_media`: the member's end of streams."""

from __future__ import annotations

import pytest
from akool_agora import AgoraTransport
from loopback_peer import loopback_room

from akool_async.errors import NotSupportedError, SendError
from akool_async.media import AudioRequest, MediaCapabilities
from akool_async.testing.media_samples import NotingAudio
from akool_async.testing.waiting import TIMEOUT
from akool_async.transport.engines.relay_media import RelayMedia


async def test_a_simulator_without_media_has_none() -> None:
    async with loopback_room("agora") as far:
        transport = AgoraTransport(far.target, {"engine": "loopback"})
        media = transport.media
        assert media is not None
        assert media.capabilities == MediaCapabilities(True, True, True, True)
        await transport.connect(timeout=TIMEOUT)
        try:
            assert media.capabilities == MediaCapabilities()
            assert media.tracks == ()
            with pytest.raises(NotSupportedError):
                media.hear(AudioRequest(), NotingAudio())
        finally:
            await transport.close()


@pytest.mark.virtual_clock
async def test_an_engine_that_is_in_no_room_has_no_microphone() -> None:
    media = RelayMedia("http://127.0.0.1:1", lambda: None)
    with pytest.raises(SendError, match="didn't take our track within 3 s"):
        await media.speak(AudioRequest(), queue_ms=200, timeout=3)
    await media.close()


async def test_pictures_that_are_too_large_are_refused() -> None:
    media = RelayMedia("http://127.0.0.1:1", lambda: None)
    with pytest.raises(NotSupportedError, match="3840x2160"):
        await media.show(3840, 2160, timeout=3)
    await media.close()
