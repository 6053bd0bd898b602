"""`akool chat`: opening the session, and closing it however the command ends."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from akool_async.cli.simulator import load_simulator
from akool_async.cli.talk import Talk
from akool_async.cli.terminal import fail, printer
from akool_async.client import AkoolClient
from akool_async.errors import ConfigurationError

__all__ = ["AVATAR", "Wanted", "chat"]

AVATAR = "dvp_Tristan_cloth2_1080P"
#: The v3 service knows only these few avatars (docs/protocol.md §1).
LEGACY_AVATAR = "Kai_1080P_back"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The command's options, as given."""

    avatar: str
    transport: str
    mode: int
    lang: str | None
    voice: str | None
    knowledge_id: str | None
    duration: int
    url: str | None

    def fields(self) -> dict[str, Any]:
        """What `open_session` is given."""
        if self.transport == "chatroom":
            legacy = LEGACY_AVATAR if self.avatar == AVATAR else self.avatar
            fields = {
                "avatar_id": legacy,
                "legacy": True,
                "mode_type": self.mode,
                "language": self.lang,
                "voice_id": self.voice,
            }
            return {name: value for name, value in fields.items() if value is not None}
        fields = {
            "avatar_id": self.avatar,
            "stream_type": self.transport,
            "mode": self.mode,
            "language": self.lang,
            "voice_id": self.voice,
            "knowledge_id": self.knowledge_id,
            "duration": self.duration,
        }
        return {name: value for name, value in fields.items() if value is not None}


async def chat(wanted: Wanted, *, simulated: bool) -> int:
    """Talks until /quit, the end of input, Ctrl-C twice or a signal; the session is closed."""
    out = printer()
    async with AsyncExitStack() as stack:
        if simulated:
            sim = await stack.enter_async_context(load_simulator()(pace=0.1))
            client = AkoolClient("any", base_url=sim.url)
            out.line("A simulated avatar: it costs nothing and knows little.")
        else:
            try:
                client = AkoolClient(base_url=wanted.url)
            except ConfigurationError as error:
                fail(f"{error}\nTo try it without an account: akool chat --simulator")
                return 2
        akool = await stack.enter_async_context(client)
        out.line("Opening a session …")
        avatar = await stack.enter_async_context(akool.open_session(**wanted.fields()))
        out.line("Type a line to say something; /help lists the rest.")
        status = await Talk(avatar, out).run()
        out.line("Closing the session …")
    out.line("Closed.")
    return status
