"""Speech found in a published track."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.simulator.clock import Clock
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.meeting.track import END_OF_SPEECH, RATE, TrackSpeech

LOUD = (2_000).to_bytes(2, "little", signed=True)
PIECE = RATE // 50


@pytest.fixture
def player() -> MeetingPlayer:
    return MeetingPlayer(Clock(running=False))


@pytest.fixture
def speech(player: MeetingPlayer) -> TrackSpeech:
    return TrackSpeech(player, "bot")


def sound(speech: TrackSpeech, seconds: float, sample: bytes = LOUD) -> None:
    for _ in range(round(seconds * 50)):
        speech.feed(sample * PIECE)


def quiet(speech: TrackSpeech, seconds: float) -> None:
    sound(speech, seconds, bytes(2))


def test_it_begins_when_it_is_loud_and_ends_when_it_was_quiet(
    player: MeetingPlayer, speech: TrackSpeech
) -> None:
    quiet(speech, 1.0)
    assert player.segments == []
    sound(speech, 0.5)
    [segment] = player.segments
    assert (segment.sender, segment.way, segment.ended_by) == ("bot", "track", None)
    quiet(speech, END_OF_SPEECH - 0.02)
    assert segment.ended_by is None
    sound(speech, 0.1)  # it was a pause
    quiet(speech, END_OF_SPEECH)
    assert segment.ended_by == "quiet"
    assert segment.received == 2 * RATE * (0.5 + END_OF_SPEECH - 0.02 + 0.1 + END_OF_SPEECH)
    quiet(speech, 1.0)
    sound(speech, 0.02)
    assert len(player.segments) == 2


def test_its_end_ends_what_is_spoken(player: MeetingPlayer, speech: TrackSpeech) -> None:
    speech.close()
    sound(speech, 0.1)
    speech.close()
    speech.close()
    assert [segment.ended_by for segment in player.segments] == ["quiet"]


def test_one_voice_at_a_time(player: MeetingPlayer, speech: TrackSpeech) -> None:
    other = TrackSpeech(player, "guest")
    sound(speech, 0.1)
    sound(other, 0.1)
    assert [segment.sender for segment in player.segments] == ["bot"]
    speech.close()
    sound(other, 0.1)
    assert [segment.sender for segment in player.segments] == ["bot", "guest"]


def test_what_a_data_stream_begins_ends_it(player: MeetingPlayer, speech: TrackSpeech) -> None:
    sound(speech, 0.1)
    stream = player.begin("bot", RATE, 1)
    sound(speech, 0.1)
    assert [segment.ended_by for segment in player.segments] == ["header", None]
    stream.end()
    sound(speech, 0.1)
    assert [segment.way for segment in player.segments] == ["track", "stream", "track"]


async def test_it_is_played_and_not_reported(player: MeetingPlayer, speech: TrackSpeech) -> None:
    clock = Clock(running=False)
    player = MeetingPlayer(clock)
    reported = []

    async def finished(segment: object) -> None:
        reported.append(segment)

    player.on_finished = finished
    speech = TrackSpeech(player, "bot")
    sound(speech, 0.2)
    speech.close()
    playing = asyncio.create_task(player.run())
    for _ in range(30):
        clock.advance(0.02)
        for _ in range(12):
            await asyncio.sleep(0)
    assert player.segments[0].played == pytest.approx(0.2)
    player.begin("bot", RATE, 1).end()
    for _ in range(12):
        await asyncio.sleep(0)
    assert reported == [player.segments[1]]
    playing.cancel()
    await asyncio.wait({playing})
