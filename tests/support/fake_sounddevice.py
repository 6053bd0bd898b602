"""A stand-in for `sounddevice`: a test calls its streams, as the thread of PortAudio does."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

__all__ = ["FakeSoundDevice"]


class PortAudioError(Exception):
    """As the package has it."""


class _Stream:
    def __init__(
        self,
        *,
        samplerate: int,
        channels: int,
        dtype: str,
        device: int | str | None,
        blocksize: int,
        callback: Callable[..., None],
    ) -> None:
        if device == "broken":
            raise PortAudioError("Error querying device -1")
        assert (channels, dtype) == (1, "int16")
        self.rate, self.blocksize, self._callback = samplerate, blocksize, callback
        self.state = "made"

    def start(self) -> None:
        self.state = "started"

    def close(self) -> None:
        self.state = "closed"

    def play(self) -> bytes:
        """A block of what the loudspeaker plays."""
        data = bytearray(2 * self.blocksize)
        self._callback(memoryview(data), self.blocksize, None, None)
        return bytes(data)

    def hear(self, pcm: bytes) -> None:
        """The microphone hears a block."""
        self._callback(memoryview(pcm), len(pcm) // 2, None, None)


class FakeSoundDevice(types.ModuleType):
    """Put it into `sys.modules["sounddevice"]`."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.outputs: list[_Stream] = []
        self.inputs: list[_Stream] = []

    def RawOutputStream(self, **options: Any) -> _Stream:  # noqa: N802 - the package's name
        """A loudspeaker."""
        self.outputs.append(_Stream(**options))
        return self.outputs[-1]

    def RawInputStream(self, **options: Any) -> _Stream:  # noqa: N802 - the package's name
        """A microphone."""
        self.inputs.append(_Stream(**options))
        return self.inputs[-1]
