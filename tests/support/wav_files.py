"""Files of sound for tests."""

from __future__ import annotations

import wave
from pathlib import Path

__all__ = ["write_wav"]


def write_wav(path: Path, rate: int, channels: int, data: bytes) -> Path:
    """Writes s16le samples to a WAV file; gives its path."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(data)
    return path
