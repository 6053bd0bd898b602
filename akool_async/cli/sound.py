"""`akool chat --microphone --speaker`: this machine's sound in a conversation."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from akool_async.cli.terminal import fail
from akool_async.conversation import AvatarSession
from akool_async.errors import AkoolError
from akool_async.media.devices import Loudspeaker, SoundInput

if TYPE_CHECKING:
    from akool_async.media.frames import AudioFrame
    from akool_async.media.microphone import Microphone
    from akool_async.media.readers import FrameReader

__all__ = ["ChatSound"]


class ChatSound:
    """The devices of a chat; made before a session is paid for.

    With both, the avatar hears nothing while it speaks: the microphone would hear the loudspeaker.

    Args:
        microphone: whether the avatar hears this machine's.
        speaker: whether the avatar is heard.

    Raises:
        MissingDependencyError: `sounddevice`, or PortAudio which it needs, isn't installed.
    """

    def __init__(self, *, microphone: bool, speaker: bool) -> None:
        self._input = SoundInput() if microphone else None
        self._output = Loudspeaker() if speaker else None

    @contextlib.asynccontextmanager
    async def running(self, avatar: AvatarSession) -> AsyncIterator[None]:
        """While it lasts, sound goes both ways. What fails is reported; the chat goes on.

        Raises:
            ConfigurationError: a device can't be opened.
            NotSupportedError: the room carries no sound.
        """
        async with contextlib.AsyncExitStack() as stack:
            works: list[Callable[[], Coroutine[Any, Any, None]]] = []
            if self._output is not None:
                speaker = await stack.enter_async_context(self._output)
                frames = await stack.enter_async_context(avatar.audio_frames())
                works.append(partial(self._listen, frames, speaker))
            if self._input is not None:
                sound = await stack.enter_async_context(self._input)
                microphone = avatar.microphone(mute_while_avatar_speaks=self._output is not None)
                await stack.enter_async_context(microphone)
                works.append(partial(self._speak, sound, microphone))
            tasks = [asyncio.create_task(_reported(work), name="akool-sound") for work in works]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                if tasks:
                    await asyncio.wait(tasks)

    async def _listen(self, frames: FrameReader[AudioFrame], speaker: Loudspeaker) -> None:
        async for frame in frames:
            speaker.play(frame.pcm)

    async def _speak(self, sound: SoundInput, microphone: Microphone) -> None:
        async for pcm in sound:
            await microphone.write(pcm)


async def _reported(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await work()
    except AkoolError as error:
        fail(f"sound: {error}")
