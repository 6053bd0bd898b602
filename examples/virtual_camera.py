"""Shows the avatar as a camera of this machine, for video calls.

It needs the extras `livekit` and `sound`.

    pip install pyvirtualcam
    export AKOOL_API_KEY=…
    python examples/virtual_camera.py

On Linux it needs the kernel module v4l2loopback, elsewhere OBS Studio. What you type is said.
"""

from __future__ import annotations

import asyncio
import sys

import pyvirtualcam  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]

import akool_async
from akool_async import AkoolClient, AvatarSession

FPS = 25


async def show(avatar: AvatarSession) -> None:
    """Gives the avatar's pictures to the camera until the session ends."""
    picture = await avatar.snapshot()
    with pyvirtualcam.Camera(picture.width, picture.height, FPS) as camera:
        print(f"The camera is {camera.device}", flush=True)
        async with avatar.video_frames("rgb24", max_fps=FPS) as frames:
            async for frame in frames:
                if (frame.width, frame.height) == (camera.width, camera.height):
                    camera.send(frame.to_ndarray())


async def main() -> None:
    """Until the end of input."""
    async with (
        AkoolClient() as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", mode=1) as avatar,
    ):
        showing = asyncio.create_task(show(avatar))
        try:
            while line := await asyncio.to_thread(sys.stdin.readline):
                if line.strip():
                    await avatar.say(line.strip())
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)


if __name__ == "__main__":
    akool_async.run(main())
