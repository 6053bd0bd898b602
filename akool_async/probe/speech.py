"""Speech for the avatar to hear during a probe: a recording, or this machine's microphone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

from akool_async.errors import NotSupportedError
from akool_async.media.audio_input import AudioSource, check_audio, read_audio
from akool_async.media.contract import AudioRequest, AudioWriter
from akool_async.media.devices import SoundInput
from akool_async.probe.room import ProbeRoom
from akool_async.probe.script import Speak

__all__ = ["microphone_speech", "recorded_speech"]

_REQUEST: Final = AudioRequest(48_000)
_BYTES_PER_SECOND: Final = 2 * _REQUEST.sample_rate
#: Seconds. What is sent at a time; the longest wait for a file or a room.
_PIECE: Final = 0.1
_TIMEOUT: Final = 10.0
#: Seconds of silence before speech, while the track is being subscribed to, and after it, from
#: which its end is recognised.
_BEFORE: Final = 0.5
_AFTER: Final = 1.5
#: The longest utterance, in seconds.
_LONGEST: Final = 6.0


async def recorded_speech(source: AudioSource) -> Speak:
    """A recording of one sentence that the avatar hears; the first 6 s of it. It is read here.

    Args:
        source: the path of a WAV or of any file that PyAV reads; or bytes, s16le, 48 kHz, mono.

    Raises:
        InvalidParameterError: the file can't be read.
        MissingDependencyError: it needs PyAV.
    """
    check_audio(source, _REQUEST.sample_rate, 1)
    sound = bytearray()
    pieces = read_audio(source, _REQUEST.sample_rate, 1, timeout=_TIMEOUT)
    async with contextlib.aclosing(pieces):
        async for pcm in pieces:
            sound += pcm
            if len(sound) >= _LONGEST * _BYTES_PER_SECOND:
                break
    del sound[int(_LONGEST) * _BYTES_PER_SECOND :]

    async def speak(room: ProbeRoom, time: int) -> None:
        del time
        async with _microphone(room) as writer:
            await _write(writer, bytes(sound))

    return speak


def microphone_speech(ask: Callable[[str], None], *, seconds: float = 4.0) -> Speak:
    """A person speaks into this machine's microphone; `ask` shows when, and what to do.

    Raises:
        MissingDependencyError: `sounddevice` isn't installed.
    """
    device = SoundInput(_REQUEST.sample_rate)

    async def speak(room: ProbeRoom, time: int) -> None:
        async with _microphone(room) as writer, device as sound:
            again = "" if time == 1 else "again "
            ask(f"Say one sentence {again}now, without a pause; you have {seconds:g} s.")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    async for pcm in sound:
                        await _write(writer, pcm)

    return speak


@contextlib.asynccontextmanager
async def _microphone(room: ProbeRoom) -> AsyncIterator[AudioWriter]:
    """A published track, with silence before and after what is written.

    Raises:
        NotSupportedError: the room carries no sound.
    """
    media = room.transport.media
    if media is None or not media.capabilities.speak:
        raise NotSupportedError(f"the {room.transport.name} transport sends no sound here")
    writer = await media.speak(_REQUEST, queue_ms=200, timeout=_TIMEOUT)
    try:
        await _write(writer, _silence(_BEFORE))
        yield writer
        await _write(writer, _silence(_AFTER))
        await writer.wait_for_playout()
    finally:
        await writer.close()


async def _write(writer: AudioWriter, pcm: bytes) -> None:
    size = int(_PIECE * _BYTES_PER_SECOND)
    for at in range(0, len(pcm), size):
        await writer.write(pcm[at : at + size])


def _silence(seconds: float) -> bytes:
    return bytes(int(seconds * _BYTES_PER_SECOND))
