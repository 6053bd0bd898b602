"""`akool ask` and `akool say`: a session for one text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from akool_async.cli.lines import Lines
from akool_async.cli.options import SayOptions, SessionOptions
from akool_async.cli.records import show_json
from akool_async.cli.simulator import avatar_media, load_simulator
from akool_async.cli.terminal import printer
from akool_async.client import AkoolClient
from akool_async.conversation import AvatarSession
from akool_async.errors import InvalidParameterError, RecordingError
from akool_async.events import Reply
from akool_async.media.recording.formats import check_target, require_av
from akool_async.validation import speech

__all__ = ["ask", "say"]

#: Seconds that are recorded after the avatar stopped speaking.
_TAIL: Final = 0.5


async def ask(text: str, wanted: SessionOptions, *, simulated: bool, as_json: bool) -> int:
    """Asks; standard output gets the reply as it comes, and nothing else."""
    question = await _text(text)
    out = printer()
    reply: Reply | None = None
    async with _session(wanted, mode=2, simulated=simulated) as avatar:
        if as_json:
            reply = await avatar.ask(question)
        else:
            async with avatar.stream(question) as pieces:
                async for piece in pieces:
                    out.piece(piece)
            out.line()
    if reply is not None:
        show_json([{"text": reply.text, "mid": reply.mid, "ended": reply.ended}])
    return 0


async def say(
    text: str,
    wanted: SayOptions,
    *,
    simulated: bool,
    as_json: bool,
    record: str | None = None,
) -> int:
    """Has the avatar say a text, and waits until it was spoken; prints nothing but JSON.

    `record` is the path of a film or sound file, which is checked before a session is paid for.
    """
    words = await _text(text)
    if record is not None:
        _, kind = check_target(record)
        require_av(kind)
    async with _session(wanted, mode=1, simulated=simulated, seen=record is not None) as avatar:
        if record is None:
            await avatar.say(words).spoken()
        else:
            async with avatar.record(record) as recording:
                await avatar.say(words).spoken()
                # The last sounds are still on their way.
                await asyncio.sleep(_TAIL)
            if not recording.stats.seconds:
                raise RecordingError(f"{record!r} is empty: neither sound nor pictures came")
    if as_json:
        shown = {"text": words, "spoken": True}
        show_json([shown if record is None else shown | {"file": record}])
    return 0


async def _text(argument: str) -> str:
    """The argument, or for "-" all of standard input."""
    if argument != "-":
        return speech("TEXT", argument)
    with Lines() as lines:
        whole = "\n".join([line async for line in lines])
    if not whole.strip():
        raise InvalidParameterError("TEXT", "is -, but nothing came from standard input")
    return speech("TEXT", whole.rstrip("\n"))


@asynccontextmanager
async def _session(
    wanted: SayOptions, *, mode: int, simulated: bool, seen: bool = False
) -> AsyncIterator[AvatarSession]:
    fields = wanted.fields(mode=mode)
    if not simulated:
        async with (
            wanted.client() as akool,
            akool.open_session(**fields) as avatar,
        ):
            yield avatar
        return
    async with (
        load_simulator()(pace=0.1, media=avatar_media(off=not seen)) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(**fields) as avatar,
    ):
        yield avatar
