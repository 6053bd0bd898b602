"""`akool chat`: opening the session, and closing it however the command ends."""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from akool_async.cli import INSTALL
from akool_async.cli.balance import Balance
from akool_async.cli.capture import CaptureOptions, captured
from akool_async.cli.lines import Lines
from akool_async.cli.options import ChatOptions, WatchOptions
from akool_async.cli.simulator import avatar_media, load_simulator
from akool_async.cli.sound import ChatSound
from akool_async.cli.talk import Talk
from akool_async.cli.terminal import Printer, fail, printer
from akool_async.cli.timing import TurnTimings
from akool_async.cli.watching import ChatPage
from akool_async.client import AkoolClient
from akool_async.conversation import ConversationOptions
from akool_async.errors import ConfigurationError, MissingDependencyError

if TYPE_CHECKING:
    from akool_async.cli.prompt import Prompt

__all__ = ["chat"]


async def chat(
    wanted: ChatOptions,
    watched: WatchOptions,
    kept: CaptureOptions,
    *,
    simulated: bool,
    microphone: bool = False,
    speaker: bool = False,
    timing: bool = False,
) -> int:
    """Talks until /quit, the end of input, Ctrl-C twice or a signal; the session is closed."""
    fields = wanted.fields(mode=2)
    sound = ChatSound(microphone=microphone, speaker=speaker)
    timings = TurnTimings() if timing else None
    if timings is not None:
        fields["options"] = ConversationOptions(telemetry=timings)
    page = ChatPage(watched, transport=wanted.transport)
    out = printer()
    async with AsyncExitStack() as stack:
        # Input and output first: where they can't be used, no session is paid for.
        lines = _lines(out)
        stack.enter_context(lines)
        editor = not isinstance(lines, Lines)
        out = out if isinstance(lines, Lines) else lines
        if simulated:
            sim = await stack.enter_async_context(
                load_simulator()(pace=0.1, media=avatar_media(off=not watched.watch))
            )
            client = AkoolClient("any", base_url=sim.url)
            out.line("The avatar is simulated: it costs nothing, and has few answers.")
        else:
            try:
                client = wanted.client()
            except ConfigurationError as error:
                fail(f"{error}\nTo try it without an account: akool chat --simulator")
                return 2
        akool = await stack.enter_async_context(client)
        fields |= page.room(akool.base_url)
        fields |= stack.enter_context(captured(kept, wanted.transport, out))
        balance = Balance(akool)
        await balance.note()
        out.line("Opening a session …")
        async with (
            akool.open_session(**fields) as avatar,
            sound.running(avatar),
            page.running(avatar, out, balance.spent),
        ):
            out.line("Type a line to say something; /help lists the commands.")
            talk = Talk(
                avatar,
                out,
                interactive=sys.stdin.isatty(),
                editor=editor,
                timings=timings,
            )
            status = await talk.run(lines)
            out.line("Closing the session …")
        await balance.show(out)
    out.line("Closed.")
    return status


def _lines(out: Printer) -> Lines | Prompt:
    """An editor where a person types and sees a terminal; else lines as they come.

    Raises:
        ConfigurationError: standard input is closed.
        MissingDependencyError: prompt_toolkit isn't installed.
    """
    seen = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    if not seen or os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return Lines()
    try:
        from akool_async.cli.prompt import Prompt
    except ImportError as error:
        raise MissingDependencyError(
            f"akool chat in a terminal needs prompt_toolkit: {error}.",
            install=INSTALL,
        ) from error
    return Prompt(out)
