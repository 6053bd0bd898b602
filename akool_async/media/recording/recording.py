"""`Recording`: what `AvatarSession.record` returns; it owns the readers and the recorder."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar

from akool_async.concurrency import Uncancellable
from akool_async.errors import AkoolError, ConversationClosedError, RecordingError
from akool_async.media.contract import EncodedSink, MediaSubscription
from akool_async.media.frames import AudioFrame, VideoFrame
from akool_async.media.recording.stats import RecordingStats

if TYPE_CHECKING:
    from akool_async.media.recording.copying import CopyingRecorder
    from akool_async.media.recording.recorder import Recorder
    from akool_async.media.recording.subtitles import Speech

__all__ = ["Recording", "RecordingPort"]

F_co = TypeVar("F_co", covariant=True)

#: Seconds for importing PyAV; on a machine that takes longer the recording begins all the same.
READY_TIMEOUT: Final = 10.0
#: Seconds for writing what waits, the subtitles, and the file's end.
FINISH_TIMEOUT: Final = 15.0
#: Seconds beyond which a thread that doesn't end, in an encoder or on a dead disk, is left.
_LOST: Final = 5.0


class Reader(AbstractAsyncContextManager[AsyncIterator[F_co]], Protocol[F_co]):
    """A reader of frames."""


class RecordingPort(Protocol):
    """What a recording needs of its conversation; all times on the session's media clock."""

    def now(self) -> float:
        """Seconds since the session was joined. Also called in the recorder's thread."""
        ...

    def audio(self, sample_rate: int) -> Reader[AudioFrame]:
        """The avatar's sound, mono."""
        ...

    def video(self) -> Reader[VideoFrame]:
        """The avatar's pictures."""
        ...

    def encoded(self, sink: EncodedSink) -> MediaSubscription | None:
        """The avatar's encoded stream, where the transport has it."""
        ...

    def audio_delay(self) -> float:
        """Seconds by which sound arrives later than the pictures of the same moment."""
        ...

    def size(self) -> tuple[int, int] | None:
        """The size of the avatar's pictures, where it was announced."""
        ...

    def microphone(self, sink: Callable[[AudioFrame], None]) -> Callable[[], None]:
        """Gives what the program says to `sink`; returns what ends that."""
        ...

    def speech(self) -> AbstractAsyncContextManager[Callable[[], Sequence[Speech]]]:
        """Notes who speaks when, while it lasts; gives what was said until the call."""
        ...


class Recording:
    """One conversation's file: a context manager, from whose block the recording lasts.

        async with avatar.record("call.webm") as recording:
            await avatar.say("This is kept.").spoken()
        print(recording.stats)

    It goes on through reconnects, and ends with the conversation if that is over first. However the
    block is left, by an exception, a cancellation or SIGTERM under `akool_async.run`, the file is
    completed.

    Args:
        port: of the conversation.
        path: of the file.
        overwrite: whether it may take the place of a file that is there.
        microphone: whether what the program says is kept, too.
        subtitles: whether the transcript is.
        on_finished: called when it is over.
    """

    def __init__(
        self,
        port: RecordingPort,
        path: Path,
        *,
        overwrite: bool,
        microphone: bool,
        subtitles: bool,
        on_finished: Callable[[Recording], None],
    ) -> None:
        self._port = port
        self._overwrite = overwrite
        self._microphone = microphone
        self._subtitles = subtitles
        self._on_finished = on_finished
        self.path = path
        self._recorder: Recorder | CopyingRecorder | None = None
        self._stack = contextlib.AsyncExitStack()
        self._written = asyncio.Event()
        self._reading: list[asyncio.Task[None]] = []
        self._finishing: Uncancellable[None] | None = None
        self._said: Callable[[], Sequence[Speech]] = tuple

    @property
    def stats(self) -> RecordingStats:
        """The figures so far."""
        return RecordingStats() if self._recorder is None else self._recorder.stats

    @property
    def error(self) -> RecordingError | None:
        """What ended it early, a full disk for example; raised when the block is left, too."""
        return None if self._recorder is None else self._recorder.error

    async def open(self) -> Self:
        """Creates the file and begins.

        Raises:
            InvalidParameterError: the path can't be written.
            MissingDependencyError: PyAV isn't installed.
            NotSupportedError: the transport carries no sound or pictures.
        """
        if self._recorder is not None or self._finishing is not None:
            raise ConversationClosedError("a recording is opened once")
        try:
            await self._begin()
        except BaseException as error:
            await self._finish_now().settle(error)
            raise
        return self

    async def aclose(self) -> None:
        """Ends it: what waits is written, and the file is completed. Twice is fine.

        Goes on to the end when cancelled, then raises the cancellation.

        Raises:
            RecordingError: it had ended early; the file has what came before.
        """
        await self._finish_now().wait()

    async def finish(self) -> None:
        """As `aclose`, for the conversation's end: what fails is raised by `aclose` alone."""
        await self._finish_now().within(None)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            await self._finish_now().settle(error)
        else:
            await self.aclose()

    async def _begin(self) -> None:
        # Imported by who records: a conversation that isn't recorded doesn't pay for it.
        from akool_async.media.recording.film import SAMPLE_RATE
        from akool_async.media.recording.formats import check_target
        from akool_async.media.recording.recorder import Recorder

        _, kind = check_target(self.path, overwrite=self._overwrite)
        loop = asyncio.get_running_loop()

        def on_loop(function: Callable[[], None]) -> Callable[[], None]:
            def call() -> None:
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(function)

            return call

        on_end = on_loop(self._on_written)
        ready = asyncio.Event()

        if self._subtitles:
            self._said = await self._stack.enter_async_context(self._port.speech())
        if not self._microphone and await self._copies(kind.copies, on_end):
            return
        sound = self._port.audio(SAMPLE_RATE)
        pictures = self._port.video() if kind.video else None
        recorder = self._recorder = Recorder(
            self.path,
            overwrite=self._overwrite,
            subtitles=self._subtitles,
            tracks=("avatar", "microphone") if self._microphone else ("avatar",),
            size=self._port.size() if kind.video else None,
            on_ready=on_loop(ready.set),
            on_end=on_end,
        )
        recorder.start()
        # Frames have their time from the arrival of the first ones. Importing PyAV holds the
        # loop up, so it comes before.
        await self._first(ready)
        if self._microphone:
            self._stack.callback(
                self._port.microphone(lambda frame: recorder.put_audio(frame, track=1))
            )
        # Entered here, so that the room is asked for them before this returns.

        def put_sound(frame: AudioFrame) -> None:
            at = frame.timestamp - self._port.audio_delay()
            recorder.put_audio(replace(frame, timestamp=at))

        self._take(await self._stack.enter_async_context(sound), put_sound)
        if pictures is not None:
            self._take(await self._stack.enter_async_context(pictures), recorder.put_video)

    async def _first(self, ready: asyncio.Event) -> None:
        """Waits until the recorder is ready, or is over because it failed."""
        waiting = [asyncio.ensure_future(one.wait()) for one in (ready, self._written)]
        try:
            await asyncio.wait(waiting, timeout=READY_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    async def _copies(self, codecs: frozenset[str], on_end: Callable[[], None]) -> bool:
        """Begins to copy an encoded stream, where there is one that the file can hold."""
        if not {"h264", "aac"} <= codecs:
            return False
        from akool_async.media.recording.copying import CopyingRecorder

        sink = _Late()
        subscription = self._port.encoded(sink)
        if subscription is None:
            return False
        self._stack.callback(subscription.close)
        recorder = CopyingRecorder(
            self.path,
            now=self._port.now,
            overwrite=self._overwrite,
            subtitles=self._subtitles,
            on_end=on_end,
        )
        self._recorder = sink.recorder = recorder
        recorder.start()
        return True

    def _take(self, frames: AsyncIterator[F_co], put: Callable[[F_co], None]) -> None:
        """Gives frames to the recorder, in a task, until they end."""

        async def read() -> None:
            try:
                async for frame in frames:
                    put(frame)
            except AkoolError as error:
                if self._recorder is not None:
                    self._recorder.fail(error)

        self._reading.append(asyncio.create_task(read(), name="akool-recording"))

    def _on_written(self) -> None:
        """The file is closed: frames that still come would be decoded for nothing."""
        self._written.set()
        for task in self._reading:
            task.cancel()

    def _finish_now(self) -> Uncancellable[None]:
        if self._finishing is None:
            self._finishing = Uncancellable(
                self._finish(), timeout=None, name=f"completing {self.path.name}"
            )
        return self._finishing

    async def _finish(self) -> None:
        said = self._said()
        for task in self._reading:
            task.cancel()
        if self._reading:
            await asyncio.wait(self._reading)
        recorder = self._recorder
        try:
            await self._stack.aclose()
        finally:
            if recorder is not None:
                recorder.end(said, timeout=FINISH_TIMEOUT)
                await self._wait_for(recorder)
            self._on_finished(self)
        if recorder is not None and recorder.error is not None:
            raise recorder.error

    async def _wait_for(self, recorder: Recorder | CopyingRecorder) -> None:
        limit = FINISH_TIMEOUT + _LOST
        try:
            async with asyncio.timeout(limit):
                await self._written.wait()
        except TimeoutError:
            # The thread is a daemon: it can't keep the program.
            raise RecordingError(
                f"{str(self.path)!r} wasn't completed within {limit:g} s; "
                "the file holds what was written so far"
            ) from None
        recorder.join()


class _Late:
    """A sink for a recorder that is made after it."""

    def __init__(self) -> None:
        self.recorder: CopyingRecorder | None = None

    def started(self, container: str) -> None:
        if self.recorder is not None:
            self.recorder.started(container)

    async def data(self, data: bytes) -> None:
        if self.recorder is not None:
            await self.recorder.data(data)

    def failed(self, error: BaseException) -> None:
        if self.recorder is not None:
            self.recorder.failed(error)
