"""AkoolVideoService: speech in, the avatar's picture and sound out."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from loguru import logger
from pipecat.audio.utils import is_silence
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    OutputImageRawFrame,
    SpeechOutputAudioRawFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
from pipecat.services.ai_service import AIService
from pipecat.services.settings import ServiceSettings

from akool_async import (
    AkoolClient,
    AkoolError,
    AvatarSession,
    ConversationOptions,
    Disconnected,
    OwnLiveKitRoom,
    Playback,
)
from akool_pipecat.speech import Segment

__all__ = ["SAMPLE_RATE", "AkoolVideoService"]

#: What the avatar is sent, in Hz.
SAMPLE_RATE: Final = 16_000
#: Milliseconds of sound in a frame that is pushed.
_FRAME_MS: Final = 20


class AkoolVideoService(AIService):
    """Takes `TTSAudioRawFrame`s, pushes the avatar's `SpeechOutputAudioRawFrame`s and
    `OutputImageRawFrame`s.

    Put it behind the TTS and before the output transport, whose `video_out_enabled` is set. The
    session at the service costs credits from the pipeline's start to its end, whatever ends it.
    """

    def __init__(
        self,
        avatar_id: str | Sequence[str],
        *,
        room: OwnLiveKitRoom,
        client: AkoolClient | None = None,
        duration: int = 3600,
        renew: bool = True,
        wait_for_slot: float | None = None,
        take_over: bool = False,
        background_url: str | None = None,
        audio_out_sample_rate: int | None = None,
        max_fps: float | None = None,
        options: ConversationOptions | None = None,
        **kwargs: Any,
    ) -> None:
        """Opens nothing.

        Args:
            avatar_id: the avatar, or several: the next is taken where one is in use.
            room: a LiveKit room with `audio_only_from_data_stream=True`, where the avatar and this
                service meet. It isn't the room of the pipeline's transport.
            client: stays open; one of the environment's credentials by default, closed at the end.
            duration: whole seconds of one session, 1..3600.
            renew: another session takes over before one ends, when the avatar is silent.
            wait_for_slot: seconds for which creating is tried again while every avatar is in use.
            take_over: first closes what the account has open with the avatar.
            background_url: an image or a video.
            audio_out_sample_rate: of the sound that is pushed; the pipeline's by default.
            max_fps: at most so many pictures in a second.
            options: limits of the avatar's conversation.
            **kwargs: for `AIService`.
        """
        super().__init__(settings=ServiceSettings(model=None), **kwargs)
        self._client = client
        self._own_client: AkoolClient | None = None
        self._audio_rate = audio_out_sample_rate
        self._max_fps = max_fps
        self._avatar_id = avatar_id
        self._fields: dict[str, Any] = {
            "room": room,
            "scene_mode": "meeting",
            "duration": duration,
            "renew": "quiet" if renew else None,
            "wait_for_slot": wait_for_slot,
            "take_over": take_over,
            "background_url": background_url,
            "options": options or ConversationOptions(opening_timeout=2.0),
        }
        self._avatar: AvatarSession | None = None
        self._segment: Segment | None = None
        #: Not over yet, in their order.
        self._playbacks: list[Playback] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._teardown: asyncio.Task[None] | None = None
        self._waits_for_sound = False

    @property
    def avatar(self) -> AvatarSession:
        """The conversation with the avatar: its events, `act`, `info`.

        Raises:
            RuntimeError: the pipeline hasn't started, or has ended.
        """
        if self._avatar is None:
            raise RuntimeError("the avatar isn't there")
        return self._avatar

    @property
    def segments_playing(self) -> bool:
        """Whether the avatar speaks, or is about to."""
        self._playbacks = [one for one in self._playbacks if not one.done]
        return bool(self._playbacks)

    def can_generate_metrics(self) -> bool:
        """TTFB: from the first sound of the TTS to the first sound of the avatar."""
        return True

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        """Learns the pipeline's sample rate."""
        await super().setup(setup)
        self._audio_rate = self._audio_rate or setup.audio_out_sample_rate

    async def start(self, frame: StartFrame) -> None:
        """Opens the session. Where that fails, the pipeline gets an `ErrorFrame`."""
        await super().start(frame)
        if self._client is None:
            self._client = self._own_client = AkoolClient()
        try:
            self._avatar = await self._client.open_session(self._avatar_id, **self._fields)
        except AkoolError as error:
            await self._end()
            await self.push_error(error_msg=f"no avatar: {error}", exception=error)
            return
        self._avatar.on(Disconnected)(self._disconnected)

    def _start_media(self) -> None:
        avatar = self._avatar
        if avatar is not None and self._audio_rate is not None:
            self._spawn(self._hear(avatar, self._audio_rate), "hear")
            self._spawn(self._see(avatar), "see")

    async def stop(self, frame: EndFrame) -> None:
        """Lets the avatar finish what it was given, and closes the session."""
        await super().stop(frame)
        await self._end_segment()
        for playback in list(self._playbacks):
            try:
                await playback.played()
            except AkoolError as error:
                logger.warning("the avatar's last speech: {}", error)
        await self._end()

    async def cancel(self, frame: CancelFrame) -> None:
        """Closes the session at once."""
        await super().cancel(frame)
        await self._end()

    async def cleanup(self) -> None:
        """Closes the session, if nothing else did."""
        await super().cleanup()  # type: ignore[no-untyped-call]
        await self._end()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Takes speech; passes everything else on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame) and direction is FrameDirection.DOWNSTREAM:
            await self._speak(frame)
            return
        if isinstance(frame, TTSStartedFrame):
            await self._end_segment()  # the frame that ends it may have been lost
            if not self.segments_playing:
                self._waits_for_sound = True
                await self.start_ttfb_metrics()
        elif isinstance(frame, TTSStoppedFrame):
            await self._end_segment()
        elif isinstance(frame, InterruptionFrame):
            await self._interrupt()
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._start_media()  # what is behind us has to have it before any picture

    async def _speak(self, frame: TTSAudioRawFrame) -> None:
        avatar = self._avatar
        if avatar is None or avatar.closed:
            return  # the error was reported when it ended
        if self._segment is None:
            segment = Segment(SAMPLE_RATE)
            try:
                self._playbacks.append(avatar.play_audio(segment.read(), SAMPLE_RATE))
            except AkoolError as error:
                await self.push_error(error_msg=f"not spoken: {error}", exception=error)
                return
            self._segment = segment
        await self._segment.write(frame.audio, frame.sample_rate, frame.num_channels)

    async def _end_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            await segment.end()

    async def _interrupt(self) -> None:
        segment, self._segment = self._segment, None
        stopped = [one for one in self._playbacks if not one.done]
        self._playbacks = []
        if self._waits_for_sound:
            self._waits_for_sound = False
            await self.cancel_ttfb_metrics()  # type: ignore[no-untyped-call]
        # Those that wait first, so that none begins. The pipeline isn't held up by the answers.
        for playback in reversed(stopped):
            self._spawn(self._silence(playback), "silence")
        if segment is not None:
            await segment.end()

    async def _silence(self, playback: Playback) -> None:
        try:
            await playback.cancel()
        except AkoolError as error:
            await self.push_error(error_msg=f"not interrupted: {error}", exception=error)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = self.create_task(work, name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hear(self, avatar: AvatarSession, rate: int) -> None:
        async with avatar.audio_frames(rate, frame_ms=_FRAME_MS) as frames:
            async for frame in frames:
                if self._waits_for_sound and not is_silence(frame.pcm):
                    self._waits_for_sound = False
                    await self.stop_ttfb_metrics()
                await self.push_frame(SpeechOutputAudioRawFrame(frame.pcm, rate, frame.channels))

    async def _see(self, avatar: AvatarSession) -> None:
        async with avatar.video_frames("rgb24", self._max_fps) as frames:
            async for frame in frames:
                image = OutputImageRawFrame(
                    image=bytes(frame.data), size=(frame.width, frame.height), format="RGB"
                )
                image.pts = round(frame.timestamp * 1e9)
                await self.push_frame(image)

    async def _disconnected(self, event: Disconnected) -> None:
        if event.reason != "closed":
            await self.push_error(error_msg=f"the avatar's session ended: {event.reason}")

    async def _end(self) -> None:
        """One teardown, whoever asks for it, and however often; it isn't cancelled half-way."""
        if self._teardown is None:
            self._teardown = asyncio.create_task(self._close(), name="akool-pipecat-teardown")
        await asyncio.shield(self._teardown)

    async def _close(self) -> None:
        avatar, self._avatar = self._avatar, None
        client, self._own_client = self._own_client, None
        try:
            if avatar is not None:
                await avatar.aclose()
        finally:
            if client is not None:
                await client.aclose()
            for task in list(self._tasks):
                await self.cancel_task(task)
