"""AkoolVideoService in a real pipeline: speech in, the avatar's sound and picture out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from akool_pipecat import SAMPLE_RATE, AkoolVideoService
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InterruptionFrame,
    MetricsFrame,
    OutputImageRawFrame,
    SpeechOutputAudioRawFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.metrics.metrics import TTFBMetricsData
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.tests.utils import SleepFrame, run_test
from pipecat.workers.runner import WorkerRunner
from signal_samples import loudness, tone

from akool_async import AkoolClient, OwnLiveKitRoom
from akool_async.simulator import Fault, Simulator
from akool_async.simulator.meeting.player import Segment as Played
from akool_async.testing.waiting import until

AVATAR = "dvp_Tristan_cloth2_1080P"
RATE = 24_000


def speech(seconds: float) -> list[Frame]:
    frames: list[Frame] = [TTSStartedFrame()]
    size = RATE // 50
    for at in range(0, round(seconds * RATE), size):
        pcm = tone(at, size)
        frames.append(TTSAudioRawFrame(audio=pcm, sample_rate=RATE, num_channels=1))
    return [*frames, TTSStoppedFrame()]


async def run(
    service: AkoolVideoService, frames: Sequence[Frame], **how: Any
) -> tuple[Sequence[Frame], Sequence[Frame]]:
    return await run_test(service, frames_to_send=frames, start_timeout=30.0, **how)


def segments(sim: Simulator) -> list[Played]:
    [session] = sim.sessions.values()
    return sim.meeting(session).segments


def calls(sim: Simulator) -> Counter[str]:
    """Paid sessions created and closed."""
    paths = (request.path.rpartition("/")[2] for request in sim.requests)
    return Counter(path for path in paths if path in ("create", "close"))


def of_kind(frames: Sequence[Frame], kind: type[Any]) -> list[Any]:
    return [frame for frame in frames if isinstance(frame, kind)]


def first_bytes(frames: Sequence[Frame]) -> list[float]:
    """Every time to the first byte that was measured, in seconds."""
    data = [one for frame in of_kind(frames, MetricsFrame) for one in frame.data]
    return [one.value for one in data if isinstance(one, TTFBMetricsData) and one.value]


async def test_speech_becomes_sound_and_pictures(
    sim: Simulator, akool: AkoolClient, room: OwnLiveKitRoom
) -> None:
    service = AkoolVideoService(AVATAR, room=room, client=akool)
    params = PipelineParams(enable_metrics=True)
    down, up = await run(service, speech(1.0), pipeline_params=params)
    assert not of_kind(up, ErrorFrame)
    assert not of_kind(down, TTSAudioRawFrame)
    assert of_kind(down, TTSStartedFrame)
    assert of_kind(down, TTSStoppedFrame)
    [image, *_] = of_kind(down, OutputImageRawFrame)
    assert image.format == "RGB"
    assert len(image.image) == 3 * image.size[0] * image.size[1]
    sound = of_kind(down, SpeechOutputAudioRawFrame)
    assert {(frame.sample_rate, frame.num_channels) for frame in sound} == {(RATE, 1)}
    loud = [frame for frame in sound if loudness(frame.audio) > 2_000]
    assert 0.7 < len(loud) * 0.02 < 1.3
    [first] = first_bytes(down)
    assert 0 < first < 10
    assert calls(sim) == {"create": 1, "close": 1}


async def test_nothing_of_the_speech_stays_in_the_resampler(
    sim: Simulator, akool: AkoolClient, room: OwnLiveKitRoom
) -> None:
    service = AkoolVideoService(AVATAR, room=room, client=akool)
    await run(service, [*speech(0.5), *speech(0.3)])
    assert [s.received / 2 / SAMPLE_RATE for s in segments(sim)] == pytest.approx([0.5, 0.3])
    # The pipeline's end may be quicker than the answer to the last report.
    assert [s.played for s in segments(sim)] == pytest.approx([0.5, 0.3])
    assert not any(s.cleared for s in segments(sim))


async def test_an_interruption_clears(
    sim: Simulator, akool: AkoolClient, room: OwnLiveKitRoom
) -> None:
    service = AkoolVideoService(AVATAR, room=room, client=akool)

    async def interrupts() -> None:
        await until(lambda: bool(sim.sessions) and bool(segments(sim)))
        await until(lambda: segments(sim)[0].played > 0.2)
        await service.queue_frame(InterruptionFrame())

    meanwhile = asyncio.create_task(interrupts())
    down, _ = await run(service, [*speech(8.0), SleepFrame(sleep=4.0), *speech(0.3)])
    await meanwhile
    assert of_kind(down, InterruptionFrame)
    first, second = segments(sim)
    assert first.cleared
    assert first.played < 6.0
    assert not second.cleared


async def test_an_interruption_drops_what_waits_too(
    sim: Simulator, akool: AkoolClient, room: OwnLiveKitRoom
) -> None:
    """A TTS gives one sentence after the other, faster than they are spoken."""
    service = AkoolVideoService(AVATAR, room=room, client=akool)

    async def interrupts() -> None:
        await until(lambda: bool(sim.sessions) and bool(segments(sim)))
        await until(lambda: segments(sim)[0].played > 0.2)
        await service.queue_frame(InterruptionFrame())
        await until(lambda: not service.segments_playing)

    meanwhile = asyncio.create_task(interrupts())
    params = PipelineParams(enable_metrics=True)
    frames = [*speech(20.0), *speech(20.0), *speech(20.0), SleepFrame(sleep=3.0)]
    down, _ = await run(service, frames, pipeline_params=params)
    await asyncio.wait_for(meanwhile, 30)
    [first] = segments(sim)
    assert first.cleared
    assert first.played < 15.0
    # One of the three began in silence.
    assert len(first_bytes(down)) == 1


async def test_a_segment_whose_end_is_lost_ends_with_the_next_one(
    sim: Simulator, akool: AkoolClient, room: OwnLiveKitRoom
) -> None:
    service = AkoolVideoService(AVATAR, room=room, client=akool)
    await run(service, [*speech(0.4)[:-1], *speech(0.3)])
    assert [s.received / 2 / SAMPLE_RATE for s in segments(sim)] == pytest.approx([0.4, 0.3])


@pytest.mark.parametrize("ends", ["cancel", "cleanup"])
async def test_a_pipeline_that_ends_while_the_session_is_opened_leaves_none(
    sim: Simulator, akool: AkoolClient, room: OwnLiveKitRoom, ends: str
) -> None:
    sim.fail_next(Fault(path="*/session/create", delay=2.0))
    service = AkoolVideoService(AVATAR, room=room, client=akool)
    worker = PipelineWorker(Pipeline([service]), params=PipelineParams())
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await until(lambda: calls(sim)["create"] == 1)
    if ends == "cancel":
        await worker.cancel()
    else:
        await service.cleanup()
        await worker.cancel()
    await asyncio.wait_for(running, 60)
    await until(lambda: sim.open_sessions == [])
    await until(lambda: calls(sim)["close"] == len(sim.sessions) == 1)


async def test_a_session_that_can_not_be_had_is_an_error_frame(
    sim: Simulator, akool: AkoolClient, room: OwnLiveKitRoom
) -> None:
    sim.fail_next(Fault(path="*/session/create", code=1104))
    service = AkoolVideoService(AVATAR, room=room, client=akool)
    down, up = await run(service, speech(0.2))
    [error] = of_kind(up, ErrorFrame)
    assert "no avatar" in error.error
    assert of_kind(down, TTSStoppedFrame)


@pytest.mark.parametrize("ends", ["end", "cancel"])
async def test_the_session_is_closed_once_whatever_ends_the_pipeline(
    sim: Simulator, akool: AkoolClient, room: OwnLiveKitRoom, ends: str
) -> None:
    service = AkoolVideoService(AVATAR, room=room, client=akool)
    worker = PipelineWorker(Pipeline([service]), params=PipelineParams())
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await until(lambda: bool(sim.open_sessions))
    await sim.until_ready()
    if ends == "end":
        await worker.queue_frame(EndFrame())
    else:
        await worker.cancel()
    await asyncio.wait_for(running, 30)
    await service.cleanup()
    assert calls(sim) == {"create": 1, "close": 1}
    with pytest.raises(RuntimeError):
        _ = service.avatar
