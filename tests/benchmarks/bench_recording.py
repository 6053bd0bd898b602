"""Recording: what the recorder's thread costs beside PyAV alone."""

from __future__ import annotations

import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from akool_async.media import AudioFrame, VideoFrame
from akool_async.media.recording import Recorder
from akool_async.media.recording.formats import FORMATS
from framework import Bench, at_most_times, row

WIDTH, HEIGHT, FPS, SECONDS = 1280, 720, 25, 4


def pictures() -> list[VideoFrame]:
    """A bar that moves over a gradient."""
    still = bytes(range(256)) * (WIDTH // 256) * HEIGHT
    made = []
    for number in range(FPS * SECONDS):
        pixels = bytearray(still)
        left = number * 8 % (WIDTH - 200)
        for y in range(200, 400):
            pixels[y * WIDTH + left : y * WIDTH + left + 200] = b"\xdc" * 200
        data = bytes(pixels) + b"\x80" * (WIDTH * HEIGHT // 2)
        made.append(VideoFrame(data, WIDTH, HEIGHT, "i420", number / FPS))
    return made


def ours(path: Path, frames: list[VideoFrame]) -> float:
    """Processor seconds for a second of film."""
    begin = time.process_time()
    recorder = Recorder(path)
    recorder.start()
    for number, frame in enumerate(frames):
        while number - recorder.stats.pictures > 10:  # as they come in a conversation, not at once
            time.sleep(0.002)
        recorder.put_video(frame)
        for part in range(2):
            at = frame.timestamp + part / 50
            recorder.put_audio(AudioFrame(bytes(1920), 48_000, 1, at))
    recorder.end(timeout=60)
    recorder.join()
    assert recorder.error is None
    assert recorder.stats.pictures == len(frames)
    return (time.process_time() - begin) / SECONDS


def bare(path: Path, frames: list[VideoFrame]) -> float:
    """The same by PyAV in one loop: pictures alone, without sound and without a clock."""
    import av

    begin = time.process_time()
    kind = FORMATS[path.suffix]
    with av.open(str(path), "w", format=kind.container) as film:
        stream: Any = film.add_stream(kind.video, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.bit_rate = 1_500_000
        stream.codec_context.thread_count = 1
        stream.options = dict(kind.video_options)
        for number, frame in enumerate(frames):
            picture = frame.to_av()
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            film.mux(stream.encode(picture))
        film.mux(stream.encode(None))
    return (time.process_time() - begin) / SECONDS


@row(
    "record 720p25 with sound, processor seconds for one of film",
    group="recording",
    unit="s",
    counterpart="PyAV's encoder alone, pictures without sound",
    goal=at_most_times(1.5),
)
def record(bench: Bench) -> None:
    """Both kinds of film, in turns."""
    frames = pictures()
    with tempfile.TemporaryDirectory() as folder:
        ours(Path(folder, "warm.webm"), frames[:10])  # imports
        for number in bench.rounds(3):
            for suffix in (".webm", ".mp4"):
                bench.record(
                    suffix,
                    ours=ours(Path(folder, f"ours{number}{suffix}"), frames),
                    counterpart=bare(Path(folder, f"bare{number}{suffix}"), frames),
                )
