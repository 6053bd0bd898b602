"""What playing audio needs of the conversation."""

from __future__ import annotations

import asyncio

from akool_async.conversation.driver import Driver
from akool_async.conversation.event_bus import EventBus
from akool_async.conversation.options import ConversationOptions
from akool_async.errors import NotSupportedError
from akool_async.media.microphone_speech import MicrophoneSpeech
from akool_async.media.playback_job import PlaybackLimits
from akool_async.media.playback_queue import PlaybackQueue
from akool_async.media.speech_audio import SpeechAudio

__all__ = ["PlaybackAdapter", "playback_queue"]


class PlaybackAdapter:
    """Implements `PlaybackPort`."""

    def __init__(self, driver: Driver, events: EventBus, gate: asyncio.Event) -> None:
        self._driver = driver
        self._events = events
        self._gate = gate
        self._microphone: MicrophoneSpeech | None = None

    def speech_audio(self) -> SpeechAudio:
        """See `PlaybackPort`."""
        transport = self._driver.transport
        way = transport.speech_audio
        if way is not None:
            return way
        media = transport.media
        if media is None or not media.capabilities.speak:
            raise NotSupportedError(
                f"the {transport.name} transport, or its token, lets no audio into the room; a "
                "LiveKit room of your own does: OwnLiveKitRoom(audio_only_from_data_stream=True)"
            )
        if self._microphone is None or self._microphone.media is not media:
            self._microphone = MicrophoneSpeech(media)
        return self._microphone

    async def admitted(self) -> None:
        """See `PlaybackPort`."""
        await self._gate.wait()

    def report(self, error: BaseException, where: str) -> None:
        """See `PlaybackPort`."""
        self._events.report(error, where)


def playback_queue(
    driver: Driver, events: EventBus, gate: asyncio.Event, options: ConversationOptions
) -> PlaybackQueue:
    """The queue of a conversation."""
    limits = PlaybackLimits(
        step=options.send_timeout,
        first_audio=options.text_timeout,
        more_audio=options.audio_timeout,
        report=options.playback_margin,
    )
    return PlaybackQueue(PlaybackAdapter(driver, events, gate), limits)
