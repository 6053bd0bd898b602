"""Frames with a flash and a beep at each whole second, and what a file has of them."""

from __future__ import annotations

import array
import math
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from akool_async.media import AudioFrame, VideoFrame

RATE = 48_000
FRAME = RATE // 50
#: Seconds of a flash and of a beep.
LENGTH = 0.1


def sound(at: float, *, start: float = 0.0, rate: int = RATE, channels: int = 1) -> AudioFrame:
    """20 ms of sound that begin at second `at`, on a clock that began at `start`."""
    count = rate // 50
    samples = array.array("h")
    for i in range(count):
        t = at + i / rate
        loud = (t + 1e-9) % 1 < LENGTH
        samples.extend([int(12_000 * math.sin(2 * math.pi * 1000 * t)) if loud else 0] * channels)
    return AudioFrame(samples.tobytes(), rate, channels, start + at)


def picture(at: float, *, start: float = 0.0, width: int = 64, height: int = 48) -> VideoFrame:
    """A picture shown from second `at` on."""
    luma = 235 if (at + 1e-9) % 1 < LENGTH else 30
    chroma = ((width + 1) // 2) * ((height + 1) // 2)
    data = bytes([luma]) * (width * height) + bytes([128]) * (2 * chroma)
    return VideoFrame(data, width, height, "i420", start + at)


@dataclass
class Probed:
    """What is in a file; times in seconds. `looks` has a number for each picture that differs."""

    codecs: dict[str, list[str]]
    sizes: set[tuple[int, int]]
    flashes: list[float]
    beeps: list[float]
    pictures: list[float]
    sound: float
    subtitles: list[tuple[float, float, str]]
    looks: set[int] = field(default_factory=set)


def probe(path: Path) -> Probed:
    """Decodes all of a file."""
    import av

    found = Probed({}, set(), [], [], [], 0.0, [])
    # FFmpeg 9 takes the beep at the beginning of a WAV file for another format.
    with av.open(str(path), format="wav" if path.suffix == ".wav" else None) as file:
        for stream in file.streams:
            found.codecs.setdefault(stream.type, []).append(stream.codec_context.name)
        bright = loud = False
        for packet in file.demux():
            if packet.stream.type == "subtitle":
                if packet.size:
                    _note_subtitle(found, packet)
                continue
            if packet.stream.type == "audio" and packet.stream != file.streams.audio[0]:
                continue
            for frame in packet.decode():
                at = float(frame.pts * frame.time_base)
                if isinstance(frame, av.VideoFrame):
                    found.pictures.append(at)
                    found.sizes.add((frame.width, frame.height))
                    found.looks.add(zlib.crc32(bytes(frame.planes[0])))
                    was, bright = bright, max(bytes(frame.planes[0])[:40]) > 180
                    if bright and not was:
                        found.flashes.append(at)
                else:
                    for place, energy in _energies(frame):
                        was, loud = loud, energy > 0.05
                        if loud and not was:
                            found.beeps.append(at + place)
                    found.sound = max(found.sound, at + frame.samples / frame.sample_rate)
    return found


def _note_subtitle(found: Probed, packet: Any) -> None:
    start = float(packet.pts * packet.time_base)
    data = bytes(packet)
    if packet.stream.codec_context.name == "mov_text":
        data = data[2:]
    if data:
        length = float(packet.duration * packet.time_base)
        found.subtitles.append((round(start, 3), round(start + length, 3), data.decode()))


def _energies(frame: Any) -> list[tuple[float, float]]:
    """The loudness of each 5 ms, and where they begin in the frame."""
    samples = frame.to_ndarray().astype("float64").reshape(-1)
    if frame.format.name.startswith("s16"):
        samples /= 32768
    step = frame.sample_rate // 200
    return [
        (at / frame.sample_rate, float((samples[at : at + step] ** 2).mean() ** 0.5))
        for at in range(0, len(samples), step)
    ]
