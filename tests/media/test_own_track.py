"""What microphones and cameras have in common, for both of them."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.errors import ConversationClosedError, SendError
from akool_async.media.camera import Camera
from akool_async.media.contract import AudioRequest
from akool_async.media.microphone import Microphone
from akool_async.testing.in_memory_media import InMemoryMedia


@pytest.fixture(params=["microphone", "camera"])
def made(request):
    """A track that isn't published yet, what it is published by, and who heard of its end."""
    room, ended = InMemoryMedia(), []
    if request.param == "microphone":
        track = Microphone(
            AudioRequest(24_000, 1),
            queue_ms=200,
            muted=False,
            mute_while_avatar_speaks=False,
            transport=lambda: room,
            ended=ended.append,
            spoken=lambda *_: None,
        )
        return request.param, track, room.microphones, ended
    track = Camera(64, 48, transport=lambda: room, ended=ended.append)
    return request.param, track, room.cameras, ended


async def test_it_is_published_once(made):
    _, track, published, _ = made
    await asyncio.gather(track.open(), track.open())
    async with track:
        assert len(published) == 1
    assert published[0].closed


async def test_closed_twice_it_ends_once_and_says_its_name(made):
    name, track, _, ended = made
    await track.open()
    await track.aclose()
    await track.aclose()
    assert ended == [track]
    with pytest.raises(ConversationClosedError, match=f"the {name} was closed"):
        await track.open()


async def test_published_again_it_gives_the_track_before_up_and_stays_muted(made):
    _, track, published, _ = made
    await track.open()
    track.mute()
    assert track.muted
    track.withdraw()
    await track.publish()
    before, now = published
    assert (before.closed, now.closed) == (True, False)
    assert now.muted
    track.unmute()
    assert not now.muted
    await track.aclose()


async def test_what_was_never_opened_is_not_published_again(made):
    _, track, published, _ = made
    await track.publish()
    assert published == []


async def test_an_end_that_comes_while_it_is_published_closes_the_new_track(made):
    _, track, published, _ = made
    await track.open()
    track.end(SendError("gone"))
    await track.publish()
    assert [one.closed for one in published] == [True, True]
    with pytest.raises(SendError, match="gone"):
        await track.open()
