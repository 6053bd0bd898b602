"""The demonstration's picture, sound and film."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_avatar import FakeAvatar
from recorded_room import stage

from akool_async.cli.demo_media import TEMPO, DemoMedia, brisk_voice
from akool_async.conversation import AvatarSession
from akool_async.errors import InvalidParameterError, NotSupportedError
from akool_async.simulator.media.voice import syllables
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.testing.waiting import until


def test_the_voice_is_a_fast_one() -> None:
    usual, fast = syllables("how are you"), brisk_voice("how are you")
    assert fast.duration == pytest.approx(usual.duration / TEMPO, abs=0.001)


def test_a_film_is_checked_before_anything_is_started(tmp_path: Path) -> None:
    for wanted, path in ((False, "a.webm"), (True, "a.txt"), (True, "no/a.webm")):
        with pytest.raises(InvalidParameterError):
            DemoMedia(wanted=wanted, record=str(tmp_path / path))
    assert list(tmp_path.iterdir()) == []


async def test_the_first_of_each_is_noted_and_then_no_more_is_read() -> None:
    shown = DemoMedia(wanted=True, record=None)
    async with stage() as room, shown.running(room.avatar):
        await until(lambda: len(shown._first) == 2, "a picture and a sound")
        await until(lambda: not room.kinds, "the end of reading")
    rows = dict(shown.rows())
    assert list(rows) == ["picture", "sound"]
    assert all(row.startswith("first after ") for row in rows.values())


async def test_an_avatar_without_tracks_is_not_spoken_of() -> None:
    shown = DemoMedia(wanted=True, record=None)
    async with stage(publishing=False) as room, shown.running(room.avatar):
        assert room.avatar.tracks == ()
    assert list(shown.rows()) == []


async def test_what_is_not_wanted_is_not_read() -> None:
    shown = DemoMedia(wanted=False, record=None)
    async with stage() as room, shown.running(room.avatar):
        assert room.kinds == []
    assert list(shown.rows()) == []


async def test_a_film_that_an_error_ends_is_named_all_the_same(tmp_path: Path) -> None:
    shown = DemoMedia(wanted=True, record=str(tmp_path / "a.webm"))
    with pytest.raises(RuntimeError, match="stop"):
        async with stage() as room, shown.running(room.avatar):
            async with room.avatar.audio_frames() as frames:
                for _ in range(25):
                    await anext(frames)
            raise RuntimeError("stop")
    assert dict(shown.rows())["film"].startswith(f"{tmp_path / 'a.webm'}, ")


async def test_a_room_of_text_can_not_be_filmed(tmp_path: Path) -> None:
    shown = DemoMedia(wanted=True, record=str(tmp_path / "a.webm"))
    room = InMemoryRoom()
    FakeAvatar(room)
    async with AvatarSession(room.transport) as avatar:
        with pytest.raises(NotSupportedError, match="no audio or video"):
            async with shown.running(avatar):
                pass
    assert list(shown.rows()) == []
