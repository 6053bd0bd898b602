"""Puts the avatar before a picture of your own, where its background is green.

It needs the extras `livekit` and `record`.

    export AKOOL_API_KEY=…
    python examples/chroma_key.py background.png out.png

Saves one picture. For a film, do the same with each frame of `avatar.video_frames("rgb24")`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import av
import numpy as np

import akool_async
from akool_async import AkoolClient
from akool_async.media import VideoFrame

#: How much greener than red and blue the background is, 0 to 255; a softer edge up to twice this.
THRESHOLD = 40


def keyed(picture: np.ndarray[Any, Any], background: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """`picture` over `background`, both (height, width, 3) of uint8."""
    colours = picture.astype(np.float32)
    greenness = colours[..., 1] - np.maximum(colours[..., 0], colours[..., 2])
    shown = 1 - np.clip((greenness - THRESHOLD) / THRESHOLD, 0, 1)[..., None]
    mixed: np.ndarray[Any, Any] = shown * colours + (1 - shown) * background
    return mixed.astype(np.uint8)


def read_picture(path: str, width: int, height: int) -> np.ndarray[Any, Any]:
    """A picture of this size from a file of any kind."""
    with av.open(path) as file:
        frame = next(file.decode(video=0))
        return frame.to_ndarray(width=width, height=height, format="rgb24")


async def main(background: str, out: str) -> None:
    """Takes one picture of the avatar."""
    async with AkoolClient() as akool, akool.open_session("dvp_Tristan_cloth2_1080P") as avatar:
        picture = await avatar.snapshot()
    behind = read_picture(background, picture.width, picture.height)
    result = VideoFrame.from_ndarray(keyed(picture.to_ndarray(), behind))
    Path(out).write_bytes(result.to_png())  # noqa: ASYNC240 - nothing else runs
    print(f"{out}: {result.width}x{result.height}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    akool_async.run(main(sys.argv[1], sys.argv[2]))
