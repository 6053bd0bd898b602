"""An avatar speaks a WAV file; what it says is written to another one.

    python example_pipeline.py question.wav spoken.wav

LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET and AKOOL_API_KEY are set.
"""

from __future__ import annotations

import asyncio
import os
import sys
import wave

from akool_pipecat import AkoolVideoService
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    OutputImageRawFrame,
    SpeechOutputAudioRawFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from akool_async import OwnLiveKitRoom

RATE = 24_000


class Writer(FrameProcessor):
    """Stands for an output transport: writes the sound, counts the pictures."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.pictures = 0
        self._file = wave.open(path, "wb")  # noqa: SIM115 - closed by cleanup
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(RATE)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, SpeechOutputAudioRawFrame):
            self._file.writeframes(frame.audio)
        elif isinstance(frame, OutputImageRawFrame):
            self.pictures += 1
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        await super().cleanup()
        self._file.close()


async def main(question: str, spoken: str) -> None:
    with wave.open(question, "rb") as file:
        rate, channels = file.getframerate(), file.getnchannels()
        data = file.readframes(file.getnframes())
    room = OwnLiveKitRoom(audio_only_from_data_stream=True)
    avatar = AkoolVideoService(
        os.environ.get("AKOOL_AVATAR", "dvp_Tristan_cloth2_1080P"), room=room, duration=300
    )
    writer = Writer(spoken)
    worker = PipelineWorker(
        Pipeline([avatar, writer]), params=PipelineParams(audio_out_sample_rate=RATE)
    )
    size = rate // 50 * 2 * channels
    await worker.queue_frames(
        [
            TTSStartedFrame(),
            *(
                TTSAudioRawFrame(data[at : at + size], rate, channels)
                for at in range(0, len(data), size)
            ),
            TTSStoppedFrame(),
            EndFrame(),
        ]
    )
    runner = WorkerRunner(handle_sigterm=True)
    await runner.add_workers(worker)
    await runner.run()
    print(f"{writer.pictures} pictures")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
