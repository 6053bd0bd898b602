"""The camera: pictures of one size."""

from __future__ import annotations

import numpy as np
import pytest

from akool_async.errors import ConversationClosedError, InvalidParameterError
from akool_async.media import VideoFrame
from akool_async.media.camera import Camera
from akool_async.testing.in_memory_media import InMemoryMedia

pytestmark = pytest.mark.virtual_clock


@pytest.fixture
def room():
    return InMemoryMedia()


@pytest.fixture
def camera(room):
    return Camera(64, 36, transport=lambda: room, ended=lambda _: None)


def picture(width: int = 64, height: int = 36) -> VideoFrame:
    return VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8))


async def test_shows_pictures(room, camera):
    async with camera:
        await camera.write(picture())
        assert room.cameras[0].frames[-1].width == 64
        camera.mute()
        assert room.cameras[0].muted
        camera.unmute()
        assert not room.cameras[0].muted
        camera.avatar_speaks(True)
        assert not room.cameras[0].muted
    assert room.cameras[0].closed
    assert camera.written == 1
    with pytest.raises(ConversationClosedError):
        await camera.write(picture())
    await camera.aclose()


async def test_opens_itself(room, camera):
    await camera.write(picture())
    assert len(room.cameras) == 1
    await camera.aclose()


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (picture(32, 18), "is 32x18, the camera is 64x36"),
        (np.zeros((36, 64, 3), np.uint8), "ndarray isn't a VideoFrame"),
    ],
)
async def test_another_size_or_kind_is_refused(room, camera, frame, problem):
    with pytest.raises(InvalidParameterError, match=problem):
        await camera.write(frame)
    assert room.cameras == []


async def test_is_published_again(room, camera):
    await camera.publish()
    assert room.cameras == []
    async with camera:
        await camera.publish()
        assert [one.closed for one in room.cameras] == [True, False]
