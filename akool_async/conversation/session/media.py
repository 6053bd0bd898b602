"""Sound and pictures: the avatar's, the program's own, and recordings of both."""

from __future__ import annotations

import asyncio
from os import PathLike
from typing import get_args

from akool_async.conversation.session.base import SessionBase
from akool_async.errors import InvalidParameterError, MediaTimeoutError, NotSupportedError
from akool_async.media.audio_input import AudioSource
from akool_async.media.camera import Camera
from akool_async.media.contract import AudioRequest, TrackInfo, VideoRequest
from akool_async.media.frames import AudioFrame, PixelFormat, VideoFrame
from akool_async.media.microphone import Microphone
from akool_async.media.playback import Playback
from akool_async.media.readers import FrameReader
from akool_async.media.recording.recording import Recording
from akool_async.validation import choice, flag, number, seconds, whole

__all__ = ["MediaMethods"]


class MediaMethods(SessionBase):
    """The methods of `AvatarSession` for audio and video, where its transport carries them."""

    @property
    def tracks(self) -> tuple[TrackInfo, ...]:
        """The tracks that the avatar publishes now; empty where the transport carries none."""
        return self._conversation.media.tracks

    def audio_frames(
        self,
        sample_rate: int = 48_000,
        channels: int = 1,
        frame_ms: int = 20,
        *,
        max_waiting: int | None = None,
    ) -> FrameReader[AudioFrame]:
        """What the avatar says, as frames of s16le samples; converted to this form natively.

            async for frame in avatar.audio_frames(sample_rate=16_000):
                recognizer.feed(frame.pcm)

        The room is asked for audio while there are readers. While the avatar is silent, LiveKit
        gives silence. Frames follow each other; where some are missing, `timestamp` jumps.

        Args:
            sample_rate: 8,000 to 48,000 Hz.
            channels: 1 or 2.
            frame_ms: milliseconds of a frame, 10 to 100.
            max_waiting: frames kept for a slow reader, 2 s of them by default; then the oldest are
                dropped, and counted in `FrameReader.dropped`.

        Raises:
            InvalidParameterError: a wrong value.
            NotSupportedError: the transport carries no audio.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        request = _check_audio(sample_rate, channels, frame_ms)
        limit = _check_waiting(max_waiting)
        self._check_open()
        return self._conversation.media.audio_reader(request, limit)

    def video_frames(
        self,
        format: PixelFormat = "i420",  # noqa: A002 - the frame's field
        max_fps: float | None = None,
        max_height: int | None = None,
        *,
        max_waiting: int | None = None,
    ) -> FrameReader[VideoFrame]:
        """The avatar's pictures. Their size may change while it goes on.

        The room is asked for video while there are readers: decoding 720p costs a tenth of a
        processor core.

        Args:
            format: "i420" (the cheapest), "rgb24" or "rgba".
            max_fps: at most so many in a second, evenly.
            max_height: larger pictures are made smaller by PyAV; a room that has the video in
                several sizes is asked for the one that fits.
            max_waiting: frames kept for a slow reader, 8 by default; then the oldest are dropped,
                and counted in `FrameReader.dropped`.

        Raises:
            InvalidParameterError: a wrong value.
            MissingDependencyError: `max_height` needs PyAV.
            NotSupportedError: the transport carries no video.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        choice("format", format, get_args(PixelFormat))
        fps = None if max_fps is None else number("max_fps", max_fps, 0.1, 240)
        if max_height is not None:
            max_height = whole("max_height", max_height, 2, 16_384, unit="pixels")
        limit = _check_waiting(max_waiting)
        self._check_open()
        return self._conversation.media.video_reader(VideoRequest(format, max_height), fps, limit)

    def microphone(
        self,
        sample_rate: int = 24_000,
        channels: int = 1,
        queue_ms: int = 200,
        *,
        muted: bool = False,
        mute_while_avatar_speaks: bool = False,
    ) -> Microphone:
        """A microphone of the program's own: the service recognises what is said into it.

            async with avatar.microphone() as microphone:
                await microphone.write(pcm)       # s16le, as much as there is; it paces
                await microphone.play("question.wav")

        Args:
            sample_rate: of what is written, 8,000 to 48,000 Hz.
            channels: 1 or 2.
            queue_ms: 20 to 2,000 milliseconds that wait to be played at most: what `write` runs
                ahead of the sound.
            muted: begins muted; for push to talk, `with microphone.talking(): …`.
            mute_while_avatar_speaks: from the avatar's `audio_start` to its `audio_end` nothing is
                heard: against the echo of a loudspeaker. It can't be interrupted by voice then.

        Raises:
            InvalidParameterError: a wrong value.
            NotSupportedError: the transport, or the token, doesn't let the program speak.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        request = _check_audio(sample_rate, channels, 20)
        whole("queue_ms", queue_ms, 20, 2_000, unit="ms")
        flag("muted", muted)
        flag("mute_while_avatar_speaks", mute_while_avatar_speaks)
        self._check_open()
        return self._conversation.media.microphone(
            request,
            queue_ms=queue_ms,
            muted=muted,
            mute_while_avatar_speaks=mute_while_avatar_speaks,
        )

    def camera(self, width: int, height: int) -> Camera:
        """A camera of the program's own, for the service's vision.

            async with avatar.camera(640, 360) as camera:
                await camera.write(VideoFrame.from_ndarray(picture))

        Args:
            width: of every picture, 16 to 3,840 pixels, even.
            height: 16 to 2,160 pixels, even.

        Raises:
            InvalidParameterError: a wrong value.
            NotSupportedError: the transport, or the token, doesn't let the program show pictures.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        for name, value, most in (("width", width, 3_840), ("height", height, 2_160)):
            if whole(name, value, 16, most, unit="pixels") % 2:
                raise InvalidParameterError(name, f"{value} is odd, video has even sides")
        self._check_open()
        return self._conversation.media.camera(width, height)

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


def _check_audio(sample_rate: int, channels: int, frame_ms: int) -> AudioRequest:
    return AudioRequest(
        whole("sample_rate", sample_rate, 8_000, 48_000, unit="Hz"),
        whole("channels", channels, 1, 2),
        whole("frame_ms", frame_ms, 10, 100, unit="ms"),
    )


def _check_waiting(value: int | None) -> int | None:
    return None if value is None else whole("max_waiting", value, 1)
