"""Having the avatar speak audio that the program brings."""

from __future__ import annotations

from akool_async.conversation.session.base import SessionBase
from akool_async.errors import NotSupportedError
from akool_async.media.audio_input import AudioSource
from akool_async.media.playback import Playback

__all__ = ["PlayingMethods"]


class PlayingMethods(SessionBase):
    """The method of `AvatarSession` by which a program's own voice is the avatar's."""

    def play_audio(
        self,
        source: AudioSource,
        sample_rate: int = 24_000,
        channels: int = 1,
        *,
        interrupt: bool = False,
        drop: bool = False,
    ) -> Playback:
        """Has the avatar speak audio, its lips in time with it. For `scene_mode="meeting"` only.

        It is played after what is being played already. An iterable's audio goes out as it comes,
        up to 10 s ahead of what is heard where the room allows it; it is closed however the
        playback ends.

        Args:
            source: bytes of s16le samples, channels interleaved; a numpy array of int16, or of
                floats in -1..1, of the shape (samples,) or (samples, channels); a file's path (a
                WAV of this rate and these channels needs nothing installed, other files PyAV); or
                an async iterable of bytes, arrays or `AudioFrame`s while they are generated.
            sample_rate: of it, 8,000 to 48,000 Hz. Files are converted to it.
            channels: 1 or 2.
            interrupt: stops what is played, and drops what waits.
            drop: isn't played at all if anything is played or waits.

        Raises:
            InvalidParameterError: no such audio, a value out of range, or both `interrupt` and
                `drop`; nothing was sent.
            NotSupportedError: the session has another `scene_mode`, or the room no way for audio.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        self._check_open()
        conversation = self._conversation
        if conversation.info.scene_mode != "meeting":
            raise NotSupportedError(
                "the avatar plays audio only in a session that was opened (or joined) with "
                'scene_mode="meeting"; without it give text to say()'
            )
        return conversation.playbacks.play(
            source,
            sample_rate=sample_rate,
            channels=channels,
            interrupt=interrupt,
            drop=drop,
        )
