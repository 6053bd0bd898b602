"""Single pictures, and what recording refuses; files are in tests/media/recording."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_room import stage

from akool_async.errors import (
    ConversationClosedError,
    InvalidParameterError,
    MediaTimeoutError,
)


async def test_a_snapshot() -> None:
    async with stage() as one:
        picture = await one.avatar.snapshot()
        assert (picture.width, picture.height, picture.format) == (64, 48, "rgb24")
        assert picture.to_png().startswith(b"\x89PNG")
        assert one.kinds == []


async def test_no_snapshot_in_time() -> None:
    async with stage(publishing=False) as one:
        with pytest.raises(MediaTimeoutError, match=r"no picture came within 0.05 s"):
            await one.avatar.snapshot(timeout=0.05)
        with pytest.raises(InvalidParameterError, match=r"^timeout"):
            await one.avatar.snapshot(timeout=0)
        assert one.kinds == []


async def test_after_the_end_nothing_is_recorded(tmp_path: Path) -> None:
    async with stage() as one:
        pass
    with pytest.raises(ConversationClosedError):
        one.avatar.record(tmp_path / "call.webm")
    with pytest.raises(ConversationClosedError):
        await one.avatar.snapshot()
