"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["AsJson", "Limit", "LiveKitKey", "LiveKitSecret", "LiveKitUrl", "TransportName", "Url"]

Url = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="AKOOL_API_URL", help="The service's base URL.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print whole records as JSON.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most this many.")]
TransportName = Annotated[
    str, typer.Option("--transport", help="livekit, agora, trtc or chatroom (the legacy one).")
]
LiveKitUrl = Annotated[
    str | None,
    typer.Option(
        "--livekit-url", help="Put the avatar into this livekit-server (ws:// or wss://)."
    ),
]
LiveKitKey = Annotated[
    str | None, typer.Option("--livekit-api-key", envvar="LIVEKIT_API_KEY", show_envvar=True)
]
LiveKitSecret = Annotated[
    str | None,
    typer.Option("--livekit-api-secret", envvar="LIVEKIT_API_SECRET", show_envvar=True),
]
