"""How long a text takes: by the clock where nothing is heard, by its sound where it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from settling import settle
from simulated_media import avatar_media

from akool_async.media.frames import AudioFrame
from akool_async.simulator import Clock, Media
from akool_async.simulator.avatar.delivery import Aloud, Paced
from akool_async.simulator.avatar.speech import Piece
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.testing.waiting import until

RATE = 16_000


async def test_a_word_takes_its_seconds() -> None:
    clock = Clock(running=False)
    paced = Paced(clock, 0.5)
    await paced.prepare("one two three")
    saying = asyncio.create_task(paced.deliver(Piece("one two ", 2, last=False), 0.6))
    await settle()
    clock.advance(0.99)
    await settle()
    assert not saying.done()
    clock.advance(0.01)
    await asyncio.wait_for(saying, 10)
    await paced.end()


async def test_without_a_pace_no_time_passes() -> None:
    paced = Paced(Clock(running=False), None)
    await asyncio.wait_for(paced.deliver(Piece("one two ", 2, last=True), 1.0), 10)


def seconds_of_sound(seconds: float) -> AudioFrame:
    return AudioFrame(
        pcm=b"\x00\x20" * int(seconds * RATE), sample_rate=RATE, channels=1, timestamp=0.0
    )


@asynccontextmanager
async def aloud(seconds: float) -> AsyncIterator[tuple[Aloud, AvatarMedia, list[str]]]:
    """A mouth whose sounds are all so long; and the texts that were made into sound."""
    asked: list[str] = []

    def voice(text: str) -> AudioFrame:
        asked.append(text)
        return seconds_of_sound(seconds)

    async with avatar_media(Media(voice=voice)) as media:
        yield Aloud(media, Clock(), lambda: "v1"), media, asked


async def test_a_piece_lasts_as_long_as_its_share_of_the_sound() -> None:
    async with aloud(0.6) as (delivery, media, asked):
        await delivery.prepare("half and half")
        assert asked == ["half and half"]
        assert media.mouth.queued == 0.0
        await delivery.deliver(Piece("half ", 1, last=False), 0.5)
        assert media.face.caption == "half"
        assert media.mouth.queued <= 0.3
        await delivery.deliver(Piece("and half", 2, last=True), 1.0)
        assert media.face.caption == "and half"
        await delivery.end()
        assert (media.mouth.queued, media.face.caption) == (0.0, "")


async def test_the_sound_is_played_once_whatever_the_number_of_pieces() -> None:
    async with aloud(0.2) as (delivery, media, asked):
        await delivery.prepare("a b c")
        for word, share in (("a ", 0.4), ("b ", 0.7), ("c", 1.0)):
            await delivery.deliver(Piece(word, 1, last=share == 1.0), share)
            assert media.mouth.queued <= 0.2 * (1 - share) + 1e-3
        assert asked == ["a b c"]
        await delivery.end()


async def test_stopped_it_is_silent_at_once_and_waits_no_longer() -> None:
    async with aloud(60.0) as (delivery, media, _):
        await delivery.prepare("a very long text")
        saying = asyncio.create_task(delivery.deliver(Piece("a very", 2, last=False), 0.5))
        await until(lambda: media.mouth.queued > 0)
        delivery.stop()
        assert (media.mouth.queued, media.face.caption) == (0.0, "")
        await asyncio.wait_for(saying, 10)
