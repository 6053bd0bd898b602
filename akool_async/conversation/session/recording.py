"""Keeping what is heard and seen: files, and single pictures."""

from __future__ import annotations

import asyncio
from os import PathLike

from akool_async.conversation.session.base import SessionBase
from akool_async.errors import MediaTimeoutError
from akool_async.media.contract import VideoRequest
from akool_async.media.frames import VideoFrame
from akool_async.media.recording.recording import Recording
from akool_async.validation import flag, seconds

__all__ = ["RecordingMethods"]


class RecordingMethods(SessionBase):
    """The methods of `AvatarSession` that keep sound and pictures."""

    def record(
        self,
        path: str | PathLike[str],
        *,
        microphone: bool = False,
        subtitles: bool = True,
        overwrite: bool = False,
    ) -> Recording:
        """Keeps the conversation as a film or a sound file, while its block lasts.

            async with avatar.record("call.webm") as recording:
                await avatar.say("This is kept.").spoken()

        The suffix says the kind: .webm and .mkv (VP9 and Opus), .mp4 (H.264 and AAC), .wav (sound
        alone, needs no package). The chat room's video (v3) goes into .mkv and .mp4 as it is,
        without being encoded again. It is encoded in a thread; pictures that a slow machine can't
        encode are left out, and counted in `Recording.stats`.

        Args:
            path: of the file.
            microphone: keeps what is written to `microphone()`, too: in a film as a second sound
                track, in a .wav file as the second channel.
            subtitles: keeps the transcript: beside the file, with the suffix .vtt, and in a film
                as a subtitle track, too. Both are written at the end.
            overwrite: whether it may take the place of a file that is there.

        Raises:
            InvalidParameterError: a wrong value.
            DisconnectedError, ConversationClosedError: the conversation is over.

        Entering the block raises `InvalidParameterError` for an unknown suffix, a folder that isn't
        there or a file that is; `MissingDependencyError` without PyAV; `NotSupportedError` where
        the transport carries no audio or video. Leaving it raises `RecordingError` if the recording
        ended early; the file has what came before.
        """
        from akool_async.conversation.recording_port import new_recording

        flag("microphone", microphone)
        flag("subtitles", subtitles)
        flag("overwrite", overwrite)
        self._check_open()
        conversation = self._conversation
        return new_recording(
            conversation.media,
            conversation.events,
            conversation.transcript,
            path,
            microphone=microphone,
            subtitles=subtitles,
            overwrite=overwrite,
        )

    async def snapshot(self, *, timeout: float = 10.0) -> VideoFrame:
        """The avatar's picture at this moment; `to_png()` makes a file's bytes of it.

            Path("avatar.png").write_bytes((await avatar.snapshot()).to_png())

        Args:
            timeout: seconds to wait for one.

        Raises:
            MediaTimeoutError: none came in time: the avatar publishes no video.
            NotSupportedError: the transport carries no video.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        limit = seconds("timeout", timeout)
        self._check_open()
        reader = self._conversation.media.video_reader(VideoRequest("rgb24"), None, 1)
        try:
            async with asyncio.timeout(limit), reader as pictures:
                async for picture in pictures:
                    return picture
        except TimeoutError:
            raise MediaTimeoutError(f"no picture came within {limit:g} s") from None
        self._check_open()
        raise MediaTimeoutError("the video ended before a picture came")
