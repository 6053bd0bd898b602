"""`akool chat`: opening the session, and closing it however the command ends."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from akool_async.cli.lines import Lines
from akool_async.cli.simulator import load_simulator
from akool_async.cli.talk import Talk
from akool_async.cli.terminal import fail, printer
from akool_async.client import AkoolClient
from akool_async.errors import ConfigurationError, InvalidParameterError
from akool_async.models.session import LEGACY_AVATARS

__all__ = ["AVATAR", "DURATION", "SessionOptions", "chat"]

AVATAR: Final = "dvp_Tristan_cloth2_1080P"
#: Seconds after which a session ends, unless --duration says otherwise.
DURATION: Final = 600


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The options of commands that open a session, `None` where they weren't given."""

    avatar: str | None
    transport: str
    mode: int | None
    language: str | None
    voice: str | None
    knowledge_id: str | None
    duration: int | None
    url: str | None

    def fields(self, mode: int) -> dict[str, Any]:
        """What `open_session` is called with; `mode` is the one where none was given.

        Raises:
            InvalidParameterError: an option that the transport's sessions don't have.
        """
        fields: dict[str, Any] = {
            "mode": self.mode or mode,
            "language": self.language,
            "voice_id": self.voice,
        }
        if self.transport == "chatroom":
            for option, value in (
                ("--duration", self.duration),
                ("--knowledge", self.knowledge_id),
            ):
                if value is not None:
                    raise InvalidParameterError(
                        option,
                        "sessions of --transport chatroom (version 3) have none: leave it out",
                    )
            return fields | {"avatar_id": self.avatar or LEGACY_AVATARS[0], "legacy": True}
        return fields | {
            "avatar_id": self.avatar or AVATAR,
            "stream_type": self.transport,
            "knowledge_id": self.knowledge_id,
            "duration": self.duration or DURATION,
        }


async def chat(wanted: SessionOptions, *, simulated: bool) -> int:
    """Talks until /quit, the end of input, Ctrl-C twice or a signal; the session is closed."""
    fields = wanted.fields(mode=2)
    out = printer()
    async with AsyncExitStack() as stack:
        # Input and output first: where they can't be used, no session is paid for.
        lines = stack.enter_context(Lines())
        if simulated:
            sim = await stack.enter_async_context(load_simulator()(pace=0.1))
            client = AkoolClient("any", base_url=sim.url)
            out.line("The avatar is simulated: it costs nothing, and has few answers.")
        else:
            try:
                client = AkoolClient(base_url=wanted.url)
            except ConfigurationError as error:
                fail(f"{error}\nTo try it without an account: akool chat --simulator")
                return 2
        akool = await stack.enter_async_context(client)
        out.line("Opening a session …")
        avatar = await stack.enter_async_context(akool.open_session(**fields))
        out.line("Type a line to say something; /help lists the commands.")
        status = await Talk(avatar, out, interactive=sys.stdin.isatty()).run(lines)
        out.line("Closing the session …")
    out.line("Closed.")
    return status
