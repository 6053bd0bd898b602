"""The examples that record and show pictures, over an avatar in memory."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import types
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
import pytest
from av_samples import probe
from loading import load_example
from recorded_room import Stage, stage

from akool_async.media import VideoFrame
from akool_async.testing.waiting import until


class Client:
    """In place of `AkoolClient`: its session is the stage's."""

    def __init__(self, one: Stage) -> None:
        self._one = one

    def __call__(self) -> Client:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    @contextlib.asynccontextmanager
    async def open_session(self, *_: object, **__: object) -> AsyncIterator[Any]:
        yield self._one.avatar


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.mark.slow
async def test_a_film_of_each_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load_example("record_batch")
    async with stage() as one:
        monkeypatch.setattr(module, "AkoolClient", Client(one))
        await module.record([("first", "One."), ("second", "Two.")], tmp_path)
    for name, text in (("first", "One."), ("second", "Two.")):
        found = probe(tmp_path / f"{name}.webm")
        assert found.codecs["video"] == ["vp9"]
        assert [shown for _, _, shown in found.subtitles] == [text]


@pytest.mark.slow
async def test_a_film_has_its_name_once_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load_example("record_batch")
    async with stage() as one:
        monkeypatch.setattr(module, "AkoolClient", Client(one))
        recording = asyncio.create_task(module.record([("first", "One.")], tmp_path))
        await until((tmp_path / "first.part.webm").exists, "it is begun")
        recording.cancel()
        await asyncio.wait([recording])
        assert "first.webm" not in names(tmp_path)
        await module.record([("first", "One.")], tmp_path)
    assert names(tmp_path) == ["first.vtt", "first.webm"]


def test_rows_are_read_and_wrong_names_refused(tmp_path: Path) -> None:
    module = load_example("record_batch")
    path = tmp_path / "texts.csv"
    path.write_text("first,One.\nonly-a-name\nsecond,Two.\n", "utf-8-sig")
    assert module.read_rows(path) == [("first", "One."), ("second", "Two.")]
    path.write_text("a/b,One.\n", "utf-8")
    with pytest.raises(SystemExit, match="'a/b' can't be the name of a file"):
        module.read_rows(path)


async def test_green_becomes_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load_example("chroma_key")
    picture = np.full((48, 64, 3), (0, 255, 0), "u1")
    picture[10:20, 10:20] = (200, 150, 140)
    keyed = module.keyed(picture, np.full((48, 64, 3), (9, 8, 7), "u1"))
    assert tuple(keyed[0, 0]) == (9, 8, 7)
    assert tuple(keyed[15, 15]) == (200, 150, 140)

    background, out = tmp_path / "background.png", tmp_path / "out.png"
    behind = VideoFrame.from_ndarray(np.full((100, 100, 3), 50, "u1"))
    await asyncio.to_thread(background.write_bytes, behind.to_png())
    async with stage() as one:
        monkeypatch.setattr(module, "AkoolClient", Client(one))
        await module.main(str(background), str(out))
    with av.open(str(out)) as file:
        frame = next(file.decode(video=0))
    assert (frame.width, frame.height) == (64, 48)


async def test_the_avatar_is_a_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[np.ndarray[Any, Any]] = []

    class Camera:
        device = "/dev/video9"

        def __init__(self, width: int, height: int, fps: float) -> None:
            self.width, self.height = width, height

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

        def send(self, frame: np.ndarray[Any, Any]) -> None:
            sent.append(frame)

    fake = types.ModuleType("pyvirtualcam")
    fake.Camera = Camera  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyvirtualcam", fake)
    module = load_example("virtual_camera")
    async with stage() as one:
        showing = asyncio.create_task(module.show(one.avatar))
        await until(lambda: len(sent) >= 3, "pictures were sent")
        showing.cancel()
        await asyncio.wait([showing])
        assert one.kinds == []
    assert sent[0].shape == (48, 64, 3)
