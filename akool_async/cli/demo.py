"""`akool demo`: a whole conversation on this machine, and a block that says what it did."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from akool_async.cli.balance import Balance
from akool_async.cli.demo_media import DemoMedia, brisk_voice
from akool_async.cli.options import LiveKitServerOptions
from akool_async.cli.simulator import avatar_media, livekit_server, load_simulator
from akool_async.cli.terminal import Printer, printer
from akool_async.cli.timing import timing_table
from akool_async.client import AkoolClient
from akool_async.conversation import AvatarSession, Timing
from akool_async.errors import InvalidParameterError
from akool_async.models.avatar import OFFICIAL_AVATARS
from akool_async.transport import load_transport

if TYPE_CHECKING:
    from akool_async.simulator import Simulator

__all__ = ["answer", "demo"]

#: Seconds per word at which an avatar without a voice speaks: quick, and still seen to stream.
PACE = 0.05
#: The long answer is interrupted after this many pieces.
INTERRUPT_AFTER = 4
DURATION = 300
QUESTIONS = (
    "Hello! Who are you?",
    "How many words does this question have?",
)
LONG_QUESTION = "Please count to fifty."


def answer(text: str) -> str:
    """What the simulated avatar says: enough to show that it heard the question."""
    words = text.split()
    if "count" in text:
        return ", ".join(str(number) for number in range(1, 51)) + "."
    if "How many" in text:
        return f"It has {len(words)} words, from “{words[0]}” to “{words[-1].strip('?')}”."
    return (
        "I am a simulated avatar on your own machine. What you read came as packets through "
        "a room, piece by piece, as it would from AKOOL."
    )


@dataclass(slots=True)
class Course:
    """What happened, for the closing block."""

    transport: str
    media: DemoMedia
    room: str = "none"
    sent: str = "0 packets, 0 bytes"
    received: str = "0 packets, 0 bytes"
    first_words: list[float] = field(default_factory=list)
    interrupted: str = "no"
    credits: str = "not known"
    timings: Mapping[str, Timing] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def note_traffic(self, avatar: AvatarSession) -> None:
        """Takes the session's figures as they are now."""
        stats = avatar.stats
        self.sent = f"{stats.packets_sent} packets, {stats.bytes_sent:,} bytes"
        self.timings = stats.timings
        self.received = f"{stats.packets_received} packets, {stats.bytes_received:,} bytes"


async def demo(
    transport: str,
    livekit: LiveKitServerOptions,
    *,
    record: str | None = None,
    no_media: bool = False,
) -> int:
    """Runs it. 0 if nothing was left open, whatever else went wrong raises.

    Args:
        transport: the kind of room.
        livekit: a real livekit-server, where one is to be used.
        record: the file of a film of it.
        no_media: whether the avatar has neither a face nor a voice.
    """
    server = livekit_server(livekit)
    if server is not None and transport != "livekit":
        raise InvalidParameterError("--livekit-url", f"goes with livekit, not with {transport}")
    load_transport(transport)  # before anything is started: is it there at all?
    shown = DemoMedia(wanted=not no_media, record=record)
    media = avatar_media(off=no_media, voice=brisk_voice)
    out = printer()
    course = Course(transport, shown)
    async with load_simulator()(reply=answer, pace=PACE, livekit=server, media=media) as sim:
        await sim.prepare(transport)
        out.line(f"local AKOOL   {sim.url} (simulated; nothing leaves this machine)")
        try:
            await _converse(sim, course, out)
        finally:
            # Also after Ctrl-C: then it matters most that nothing was left open.
            _closing_block(sim, course, out)
        return 1 if sim.open_sessions else 0


async def _converse(sim: Simulator, course: Course, out: Printer) -> None:
    if course.transport == "chatroom":
        fields: dict[str, Any] = {"avatar_id": "Kai_1080P_back", "legacy": True}
    else:
        fields = {
            "avatar_id": OFFICIAL_AVATARS[0],
            "stream_type": course.transport,
            "duration": DURATION,
            "mode": 2,
            "language": "en",
        }
    async with AkoolClient("demo", base_url=sim.url) as akool:
        balance = Balance(akool)
        await balance.note()
        start = time.monotonic()
        async with akool.open_session(**fields) as avatar:
            course.room = f"of session {avatar.info.session_id}, joined in {_ms(start)}"
            out.line(f"room          {course.room}")
            try:
                async with course.media.running(avatar):
                    await _set_params(avatar, out)
                    for question in QUESTIONS:
                        await _ask(avatar, question, course, out)
                    await _interrupt(avatar, course, out)
            finally:
                course.note_traffic(avatar)
        out.line("closed        the room left, the session closed by REST")
        course.credits = await balance.compared()


async def _set_params(avatar: AvatarSession, out: Printer) -> None:
    start = time.monotonic()
    await avatar.set_params(mode=2, language="en")
    out.line(f"set-params    mode 2 (dialogue), language en: answered in {_ms(start)}\n")


async def _ask(avatar: AvatarSession, question: str, course: Course, out: Printer) -> None:
    out.line(f"you>    {question}", style="bold")
    out.piece("avatar> ")
    start = time.monotonic()
    first = True
    async with avatar.stream(question) as pieces:
        async for piece in pieces:
            if first:
                course.first_words.append(time.monotonic() - start)
                first = False
            out.piece(piece)
    out.line("\n")


async def _interrupt(avatar: AvatarSession, course: Course, out: Printer) -> None:
    if course.transport == "chatroom":
        course.interrupted = "no: the legacy chat room knows no commands"
        return
    out.line(f"you>    {LONG_QUESTION}", style="bold")
    out.piece("avatar> ")
    heard = 0
    async with avatar.stream(LONG_QUESTION) as pieces:
        async for piece in pieces:
            out.piece(piece)
            heard += 1
            if heard == INTERRUPT_AFTER:
                break
    start = time.monotonic()
    await avatar.interrupt()
    course.interrupted = f"after {heard} pieces of a long answer; answered in {_ms(start)}"
    out.line(" [interrupted]\n")


def _closing_block(sim: Simulator, course: Course, out: Printer) -> None:
    if course.room == "none":  # it didn't come to a conversation; the error says why
        out.line(f"  {len(sim.open_sessions)} sessions left open")
        return
    first = ", ".join(f"{seconds * 1000:.0f} ms" for seconds in course.first_words) or "none"
    for name, value in (
        ("room", course.room),
        ("transport", course.transport),
        ("sent", course.sent),
        ("received", course.received),
        ("first word", first),
        *course.media.rows(),
        ("interrupted", course.interrupted),
        ("credits", f"{course.credits} (simulated)"),
        ("took", f"{time.monotonic() - course.started:.1f} s"),
    ):
        out.line(f"  {name:<12}{value}")
    for line in timing_table(course.timings):
        out.line(f"  {line}")
    out.line(f"  {len(sim.open_sessions)} sessions left open")


def _ms(start: float) -> str:
    return f"{(time.monotonic() - start) * 1000:.0f} ms"
