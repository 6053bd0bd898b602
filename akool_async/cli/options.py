"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = [
    "AsJson",
    "Avatar",
    "Duration",
    "Id",
    "Ids",
    "Knowledge",
    "Language",
    "Limit",
    "LiveKitKey",
    "LiveKitSecret",
    "LiveKitUrl",
    "Mode",
    "PageNumber",
    "Simulated",
    "Timeout",
    "TransportName",
    "Url",
    "Voice",
]

Url = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="AKOOL_API_URL", help="The service's base URL.", show_default=False
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON for programs; errors are JSON, too.")
]
PageNumber = Annotated[int, typer.Option("--page", min=1, help="Which page of --limit records.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most this many records.")]
Id = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", show_default=False)]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--wait", metavar="SECONDS", min=1, help="Wait up to this long until it is ready."
    ),
]

TransportName = Annotated[
    str, typer.Option("--transport", help="livekit, agora, trtc or chatroom (version 3).")
]
Avatar = Annotated[
    str | None, typer.Option("--avatar", help="The avatar's id; a public one by default.")
]
Mode = Annotated[
    int | None, typer.Option("--mode", min=1, max=2, help="1 says your text, 2 answers it.")
]
Language = Annotated[
    str | None, typer.Option("--language", "--lang", help="Language code, for example en.")
]
Voice = Annotated[str | None, typer.Option("--voice", help="Voice id.")]
Knowledge = Annotated[str | None, typer.Option("--knowledge", help="Id of a knowledge base.")]
Duration = Annotated[
    int | None,
    typer.Option(
        "--duration",
        min=1,
        max=3600,
        help="Seconds after which the session ends; 600 by default. Not with chatroom.",
        show_default=False,
    ),
]
Simulated = Annotated[
    bool, typer.Option("--simulator", help="Use a simulated avatar; costs nothing.")
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
