"""A room that is joined to be looked at: packets go out as they are, and everything in is kept."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self

from akool_async.errors import DisconnectedError
from akool_async.probe.wire import Kind, Seen, read_packet
from akool_async.stream import StreamCodec
from akool_async.stream.codec import new_mid
from akool_async.stream.messages import Chat, Command, QuestionOptions
from akool_async.transport import ConnectionState, Transport

__all__ = ["Answer", "Asked", "ProbeRoom", "same_words"]

#: Seconds.
_JOIN: Final = 20.0
_SEND: Final = 5.0
_COMMAND: Final = 3.0
#: From a text to the first sign of an answer.
_FIRST: Final = 6.0
#: Without `audio_end`, an answer is over after so long without a part of it.
_QUIET: Final = 1.5
#: What follows an `audio_end` comes within this time.
_SETTLED: Final = 0.3

_END: Final = "ended"


@dataclass(frozen=True, slots=True)
class Asked:
    """A text that was sent; `place`: what the log held before."""

    place: int
    mid: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came after a text was sent.

    Attributes:
        parts: of the avatar's first message since.
        echoes: texts that are called a person's.
        started: when it began to speak, where that was reported.
        stopped: when it stopped for the last time, where that was reported.
        over: it came to its end, as far as can be seen.
    """

    asked: Asked
    parts: tuple[Seen, ...]
    echoes: tuple[Seen, ...]
    started: float | None
    stopped: float | None
    over: bool

    @property
    def text(self) -> str:
        """Of all parts; halves of surrogate pairs become one character."""
        joined = "".join(part.text for part in self.parts)
        return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    @property
    def silent(self) -> bool:
        """Nothing came at all."""
        return not self.parts and self.started is None

    @property
    def seconds(self) -> float | None:
        """How long it was spoken."""
        if self.started is None or self.stopped is None:
            return None
        return self.stopped - self.started


class ProbeRoom:
    """Joined from entering the block to leaving it.

    Attributes:
        log: everything received so far.
        ended: why the room is gone, once it is.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.log: list[Seen] = []
        self.ended: DisconnectedError | None = None
        self._codec = StreamCodec(
            transport.limits,
            transport.dialect,
            own_id=transport.own_id,
            peer_id=transport.peer_id,
        )
        self._clock = asyncio.get_running_loop().time
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.transport.connect(timeout=_JOIN)
        except BaseException:
            await self.transport.close()
            raise
        self._reader = asyncio.create_task(self._read(), name="akool-probe-reader")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._reader is not None
        self._reader.cancel()
        try:
            await asyncio.wait([self._reader])
        finally:
            await self.transport.close()

    async def _read(self) -> None:
        while True:
            try:
                item = await self.transport.receive()
            except DisconnectedError as error:
                self.ended = error
                self._note(Seen(self.now(), "change", text=_END))
                return
            if isinstance(item, bytes):
                self._note(read_packet(item, self.now(), self.transport.dialect))
            else:
                self._note(Seen(self.now(), "change", text=item.state.value))

    def _note(self, seen: Seen) -> None:
        self.log.append(seen)
        self._news.set()

    # Looking.

    def now(self) -> float:
        """The time, in seconds of the event loop's clock."""
        return self._clock()

    def since(self, place: int, *kinds: Kind) -> list[Seen]:
        """What came since the log had `place` entries; all kinds where none is named."""
        return [seen for seen in self.log[place:] if not kinds or seen.kind in kinds]

    def changed(self, state: ConnectionState, place: int = 0) -> bool:
        """Whether the connection has reported this since."""
        return any(seen.text == state.value for seen in self.since(place, "change"))

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Waits until it is true, at most so long, and not beyond the room's end; whether it is."""
        try:
            async with asyncio.timeout(seconds):
                while not condition() and self.ended is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pass
        return condition()

    def _more_than(self, place: int) -> Callable[[], bool]:
        """Whether the log has more entries than it had."""
        return lambda: len(self.log) > place

    async def quiet(self, seconds: float, *, most: float) -> None:
        """Returns when nothing was received for so long, or after `most` seconds."""
        ends = self.now() + most
        while self.now() < ends:
            place = len(self.log)
            if not await self.until(self._more_than(place), seconds):
                return

    # Sending.

    async def send(self, text: str, *, mode: Literal[1, 2] | None = None) -> Asked:
        """Sends a chat message; `mode` goes with it where the dialect has no commands."""
        asked = self.asked(text)
        options = None
        if self.transport.dialect == "v3":
            options = QuestionOptions(mode_type=mode)
        for packet in self._codec.encode(Chat(text, asked.mid, options=options)):
            await self.transport.send(packet, timeout=_SEND)
        return asked

    def asked(self, text: str) -> Asked:
        """A text that is about to be sent."""
        return Asked(len(self.log), new_mid(), text, self.now())

    async def send_in_parts(self, asked: Asked) -> list[bytes]:
        """Sends the first half of a text; returns the packets of the rest."""
        writer = self._codec.open_chat(asked.mid)
        words = asked.text.split(" ")
        half = len(words) // 2
        first = [*writer.add(" ".join(words[:half]) + " "), *writer.flush()]
        for packet in first:
            await self.transport.send(packet.data, timeout=_SEND)
        return [packet.data for packet in writer.finish(" ".join(words[half:]))]

    async def send_packets(self, packets: list[bytes]) -> None:
        """Sends packets as they are."""
        for packet in packets:
            await self.transport.send(packet, timeout=_SEND)

    async def command(self, command: Command, *, limit: float = _COMMAND) -> Seen | None:
        """Sends a command; its answer, `None` where none came in time."""
        place = len(self.log)
        await self.send_packets(self._codec.encode(command))
        await self.until(lambda: bool(self.since(place, "answer")), limit)
        return next(iter(self.since(place, "answer")), None)

    # Answers.

    def answer(self, asked: Asked, *, over: bool = True) -> Answer:
        """What has come since a text was sent."""
        bot = self.since(asked.place, "bot")
        # Parts of what it said before may still come: they have their own mid.
        mid = asked.mid if any(part.mid == asked.mid for part in bot) else None
        if mid is None and bot:
            mid = bot[0].mid
        starts = self.since(asked.place, "audio_start")
        stops = self.since(asked.place, "audio_end")
        return Answer(
            asked,
            tuple(part for part in bot if part.mid == mid),
            tuple(s for s in self.since(asked.place, "user") if same_words(s.text, asked.text)),
            starts[0].at if starts else None,
            stops[-1].at if stops else None,
            over,
        )

    def begun(self, asked: Asked) -> bool:
        """Whether there is any sign of an answer."""
        return bool(self.since(asked.place, "bot", "audio_start"))

    async def wait_begun(self, asked: Asked, seconds: float = _FIRST) -> bool:
        """Waits for it; whether it came."""
        return await self.until(lambda: self.begun(asked), seconds)

    async def wait_answer(self, asked: Asked, *, most: float) -> Answer:
        """Waits until an answer is over, as far as can be seen, at most so many seconds."""
        ends = self.now() + most
        if not await self.wait_begun(asked, min(_FIRST, most)):
            return self.answer(asked, over=False)

        def spoken() -> bool:
            starts = len(self.since(asked.place, "audio_start"))
            return 0 < starts <= len(self.since(asked.place, "audio_end"))

        while self.now() < ends:
            place = len(self.log)
            if any(seen.kind == "audio_start" for seen in self.log):
                if await self.until(spoken, max(0.0, ends - self.now())):
                    await self.quiet(_SETTLED, most=1.0)
                    return self.answer(asked)
            elif not await self.until(self._more_than(place), _QUIET):
                return self.answer(asked)
        return self.answer(asked, over=False)


def same_words(one: str, other: str) -> bool:
    """Whether two texts are the same but for case, spaces and punctuation."""
    return _words(one) == _words(other) != ""


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
