"""`transport.engines.paced_writer`: what is taken, and what waits."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.errors import DisconnectedError
from akool_async.media import AudioRequest
from akool_async.transport.engines.paced_writer import PacedWriter


class Writer(PacedWriter):
    async def close(self) -> None:
        self.end()


async def test_it_waits_while_the_queue_is_full() -> None:
    writer = Writer(AudioRequest(8000), 0.04)
    sound = bytes(range(200)) * 8  # 100 ms
    writing = asyncio.create_task(writer.write(sound))
    await asyncio.sleep(0)
    assert writer.queued == pytest.approx(0.1)
    taken = b""
    while not writing.done():
        taken += writer.take()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert len(taken) == 3 * 320
    playing = asyncio.create_task(writer.wait_for_playout())
    while not playing.done():
        taken += writer.take()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert taken == sound
    assert writer.take() == b""


async def test_muted_it_gives_silence_in_the_same_time() -> None:
    writer = Writer(AudioRequest(8000), 1.0)
    await writer.write(b"\1" * 640)
    writer.mute(True)
    assert writer.take() == bytes(320)
    writer.mute(False)
    assert writer.take() == b"\1" * 320


async def test_clearing_and_the_end_let_everybody_go() -> None:
    writer = Writer(AudioRequest(8000), 0.0)
    writing = asyncio.create_task(writer.write(bytes(1600)))
    await asyncio.sleep(0)
    assert writer.clear() == pytest.approx(0.1)
    await writing
    again = asyncio.create_task(writer.write(bytes(1600)))
    await asyncio.sleep(0)
    await writer.close()
    with pytest.raises(DisconnectedError):
        await again
    assert (writer.queued, writer.clear()) == (0.0, 0.0)
