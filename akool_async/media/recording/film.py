"""The film itself: pictures and sound encoded by PyAV into one file, on one clock.

Synchronous; the recorder's thread calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, Protocol

from akool_async.media.frames import AudioFrame, VideoFrame
from akool_async.media.recording.fitting import Fitter
from akool_async.media.recording.formats import FileFormat
from akool_async.media.recording.output_file import OutputFile
from akool_async.media.recording.timeline import AudioTimeline, VideoTimeline

__all__ = ["SAMPLE_RATE", "FilmWriter", "Writer"]

#: Of every sound track, in Hz.
SAMPLE_RATE: Final = 48_000
#: Seconds of sound that wait for the first picture, whose size is the film's. Without one the film
#: begins with black pictures.
VIDEO_WAIT: Final = 3.0
#: The size of a film that begins without a picture.
DEFAULT_SIZE: Final = (1280, 720)
#: Seconds by which a track may be behind the others: then silence or the last picture again is
#: put in, so that the file's tracks stay side by side.
LAG: Final = 1.0
PICTURE_LAG: Final = 2.0
#: Seconds between two pictures that can be decoded without those before them.
KEY_FRAMES: Final = 2.0
_VIDEO_BIT_RATE: Final = 1_500_000
_AUDIO_BIT_RATE: Final = 64_000


class Writer(Protocol):
    """What writes a file. Not for several threads at once."""

    @property
    def seconds(self) -> float:
        """How long the file is so far."""
        ...

    @property
    def origin(self) -> float | None:
        """The frames' timestamp that is the file's zero; `None` before the first frame."""
        ...

    @property
    def silence(self) -> float:
        """Seconds of silence put in where no sound came, of all tracks."""
        ...

    @property
    def late(self) -> int:
        """Pictures that came for a time that was written already."""
        ...

    def audio(self, frame: AudioFrame, track: int) -> None:
        """Sound of a track."""

    def video(self, frame: VideoFrame) -> None:
        """A picture."""

    def close(self) -> None:
        """Completes the file and closes it."""


class _Sound:
    """One track of sound: made continuous, cut into the encoder's frames, encoded."""

    def __init__(self, film: FilmWriter, stream: Any) -> None:
        self.timeline = AudioTimeline(SAMPLE_RATE)
        self._film = film
        self._stream = stream
        self._pending = bytearray()
        self._encoded = 0
        self._resamplers: dict[tuple[int, int], Any] = {}
        self._converter: Any = None

    def add(self, frame: AudioFrame, at: float) -> None:
        """A frame that begins `at` seconds of the film."""
        pcm = self._converted(frame)
        place = self.timeline.place(at, len(pcm) // 2)
        self._silence(place.silence)
        self._pending += pcm[2 * place.skip :]
        self._encode()

    def fill(self, until: float) -> None:
        """Silence until then."""
        self._silence(self.timeline.fill(until))

    def end(self) -> None:
        """Encodes what is left."""
        if self._pending:
            size = 2 * self._frame_size
            self._pending += bytes(-len(self._pending) % size)
            self._encode()
        self._film.mux(self._stream.encode(None))

    def _converted(self, frame: AudioFrame) -> bytes:
        if frame.sample_rate == SAMPLE_RATE and frame.channels == 1:
            return frame.pcm
        import av

        key = (frame.sample_rate, frame.channels)
        if key not in self._resamplers:
            self._resamplers[key] = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        source = frame.to_av()
        source.pts = None
        return b"".join(
            bytes(one.planes[0])[: 2 * one.samples]
            for one in self._resamplers[key].resample(source)
        )

    def _silence(self, samples: int) -> None:
        while samples:
            some = min(samples, SAMPLE_RATE)
            self._pending += bytes(2 * some)
            self._encode()
            samples -= some

    @property
    def _frame_size(self) -> int:
        size: int = self._stream.codec_context.frame_size
        return size or SAMPLE_RATE // 50

    def _encode(self) -> None:
        samples = self._frame_size
        size = 2 * samples
        at = 0
        while len(self._pending) - at >= size:
            pcm = bytes(self._pending[at : at + size])
            at += size
            frame = AudioFrame(pcm, SAMPLE_RATE).to_av()
            frame.pts = self._encoded
            self._encoded += samples
            for one in self._in_codec_format(frame):
                self._film.mux(self._stream.encode(one))
        del self._pending[:at]

    def _in_codec_format(self, frame: Any) -> list[Any]:
        wanted = self._stream.codec_context.format.name
        if wanted == "s16":
            return [frame]
        if self._converter is None:
            import av

            self._converter = av.AudioResampler(wanted, "mono", SAMPLE_RATE)
        converted: list[Any] = self._converter.resample(frame)
        return converted


class FilmWriter:
    """A film: one picture track and one or more sound tracks. See `Writer`.

    The file's header needs the size of the pictures: what comes before the first one is held back,
    for `VIDEO_WAIT` seconds at most. Pictures of another size are fitted into the film's.

    Args:
        file: where it goes; closed with the film.
        kind: container and codecs.
        tracks: the names of the sound tracks.
        size: width and height that the film has at least.
    """

    def __init__(
        self,
        file: OutputFile,
        kind: FileFormat,
        *,
        tracks: Sequence[str],
        size: tuple[int, int] | None = None,
    ) -> None:
        import av

        self.origin: float | None = None
        self._file = file
        self._kind = kind
        self._size = size
        self._tracks = tracks
        self._container: Any = av.open(
            file, "w", format=kind.container, container_options=dict(kind.container_options)
        )
        self._sounds: list[_Sound] = []
        self._picture: Any = None
        self._fitter: Fitter | None = None
        self._timeline = VideoTimeline(kind.ticks)
        self._last: Any = None
        self._next_key = 0.0
        self._began = False
        self._waiting: list[tuple[AudioFrame, int]] = []
        self._waited = 0.0

    @property
    def seconds(self) -> float:
        """How long the film is so far."""
        return max([self._timeline.seconds, *(sound.timeline.seconds for sound in self._sounds)])

    @property
    def silence(self) -> float:
        """Seconds of silence put in where no sound came, of all tracks."""
        return sum(sound.timeline.inserted for sound in self._sounds) / SAMPLE_RATE

    @property
    def late(self) -> int:
        """Pictures that came for a time that was written already."""
        return self._timeline.late

    def audio(self, frame: AudioFrame, track: int = 0) -> None:
        """Sound of a track."""
        if not self._begun:
            self._waiting.append((frame, track))
            self._waited = max(self._waited, frame.timestamp - self._waiting[0][0].timestamp)
            if self._waited < VIDEO_WAIT:
                return
            self._begin(self._size or DEFAULT_SIZE)
        else:
            self._add(frame, track)
        self._keep_up()

    def video(self, frame: VideoFrame) -> None:
        """A picture."""
        if not self._begun:
            width, height = frame.width, frame.height
            if frame.rotation in (90, 270):
                width, height = height, width
            if self._size is not None and self._size[0] > width:
                width, height = self._size
            self._begin((width, height), frame.timestamp)
        assert self._fitter is not None
        if (tick := self._timeline.place(self._at(frame.timestamp))) is not None:
            self._last = self._fitter.fit(frame)
            self._encode_picture(tick)
        self._keep_up()

    def close(self) -> None:
        """Completes the file and closes it, also where that fails."""
        try:
            if not self._begun and self._waiting and not self._began:
                self._begin(None)
            if self._begun:
                for sound in self._sounds:
                    sound.end()
                if self._picture is not None:
                    self.mux(self._picture.encode(None))
        finally:
            try:
                self._container.close()
            finally:
                self._file.close()

    def mux(self, packets: Any) -> None:
        """Writes encoded packets."""
        self._container.mux(packets)

    @property
    def _begun(self) -> bool:
        return bool(self._sounds)

    def _begin(self, size: tuple[int, int] | None, first_picture: float | None = None) -> None:
        """Writes the header, and what waited for it. Without a size the film has no pictures."""
        # After a header that couldn't be written, writing it again crashes the process.
        self._began = True
        times = [frame.timestamp for frame, _ in self._waiting]
        if first_picture is not None:
            times.append(first_picture)
        self.origin = min(times)
        if size is not None:
            # The encoders want even sizes.
            width, height = (side + side % 2 for side in size)
            self._picture = self._video_stream(width, height)
            self._fitter = Fitter(width, height)
        sounds = [_Sound(self, self._audio_stream(name)) for name in self._tracks]
        self._container.start_encoding()
        self._sounds = sounds
        if self._fitter is not None and first_picture is None:
            self._last = self._fitter.black()
            self._encode_picture(self._timeline.place(0.0) or 0)
        for frame, track in self._waiting:
            self._add(frame, track)
        self._waiting.clear()

    def _video_stream(self, width: int, height: int) -> Any:
        stream = self._container.add_stream(self._kind.video, rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, self._kind.ticks)
        context.bit_rate = _VIDEO_BIT_RATE
        context.gop_size = 600  # key frames are asked for by time, in `_encode_picture`
        context.thread_count = 1
        stream.options = dict(self._kind.video_options)
        return stream

    def _audio_stream(self, name: str) -> Any:
        stream = self._container.add_stream(self._kind.audio, rate=SAMPLE_RATE, layout="mono")
        stream.codec_context.bit_rate = _AUDIO_BIT_RATE
        stream.metadata["title"] = name
        return stream

    def _at(self, timestamp: float) -> float:
        assert self.origin is not None
        return timestamp - self.origin

    def _add(self, frame: AudioFrame, track: int) -> None:
        self._sounds[track].add(frame, self._at(frame.timestamp))

    def _encode_picture(self, tick: int) -> None:
        from av.video.frame import PictureType

        frame = self._last
        frame.pts = tick
        frame.time_base = Fraction(1, self._kind.ticks)
        frame.pict_type = PictureType.NONE
        if self._timeline.seconds >= self._next_key:
            frame.pict_type = PictureType.I
            self._next_key = self._timeline.seconds + KEY_FRAMES
        self.mux(self._picture.encode(frame))

    def _keep_up(self) -> None:
        """Tracks that are far behind get silence, or the last picture again."""
        now = self.seconds
        for sound in self._sounds:
            if sound.timeline.seconds < now - LAG:
                sound.fill(now - LAG / 2)
        if self._last is not None and self._timeline.seconds < now - PICTURE_LAG:
            tick = self._timeline.place(now - PICTURE_LAG / 2)
            if tick is not None:
                self._encode_picture(tick)
