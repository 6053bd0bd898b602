"""Options that several commands share, and the groups of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from akool_async.cli.settings import client
from akool_async.client import AkoolClient
from akool_async.errors import InvalidParameterError
from akool_async.models.avatar import OFFICIAL_AVATARS
from akool_async.models.session import LEGACY_AVATARS

__all__ = [
    "DURATION",
    "AsJson",
    "Avatar",
    "ChatOptions",
    "Id",
    "Ids",
    "LiveKitServerOptions",
    "NoMedia",
    "Page",
    "Record",
    "SayOptions",
    "Service",
    "SessionOptions",
    "Simulated",
    "Spoken",
    "Timeout",
    "TransportName",
    "Url",
    "WatchOptions",
]

#: Seconds after which a session ends, unless --duration says otherwise.
DURATION: Final = 600

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
Spoken = Annotated[str, typer.Argument(metavar="TEXT", help="- reads standard input.")]
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

Record = Annotated[
    str | None,
    typer.Option("--record", metavar="FILE", help="Keep it as a .webm, .mkv, .mp4 or .wav file."),
]

NoMedia = Annotated[
    bool, typer.Option("--no-media", help="The avatar has no face and no voice, text alone.")
]
Watch = Annotated[
    bool, typer.Option("--watch", help="See and hear it, and talk to it, on a web page.")
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="With --watch: print the page's link, open nothing.")
]
LiveKitClient = Annotated[
    str | None,
    typer.Option(
        "--livekit-client",
        metavar="FILE",
        help="With --watch: livekit-client.umd.js; by default AKOOL_LIVEKIT_CLIENT's, or a CDN's.",
    ),
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


@dataclass(frozen=True, slots=True)
class Service:
    """Which service is called, and how its answer is printed."""

    url: Url = None
    as_json: AsJson = False

    def client(self) -> AkoolClient:
        """A client of it; see `settings.client`."""
        return client(self.url)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list."""

    page: PageNumber = 1
    limit: Limit = 100


@dataclass(frozen=True, slots=True)
class LiveKitServerOptions:
    """A real livekit-server for the simulator's avatars."""

    livekit_url: LiveKitUrl = None
    livekit_api_key: LiveKitKey = None
    livekit_api_secret: LiveKitSecret = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SayOptions:
    """What a session is opened with; `None` where an option wasn't given."""

    avatar: Avatar = None
    transport: TransportName = "livekit"
    language: Language = None
    voice: Voice = None
    duration: Duration = None
    url: Url = None

    def client(self) -> AkoolClient:
        """A client of the service; see `settings.client`."""
        return client(self.url)

    def fields(self, mode: int) -> dict[str, Any]:
        """What `open_session` is called with; `mode` is the one where no option says it.

        Raises:
            InvalidParameterError: an option that the transport's sessions don't have.
        """
        fields: dict[str, Any] = {"mode": mode, "language": self.language, "voice_id": self.voice}
        if self.transport == "chatroom":
            self._refuse("--duration", self.duration)
            return fields | {"avatar_id": self.avatar or LEGACY_AVATARS[0], "legacy": True}
        return fields | {
            "avatar_id": self.avatar or OFFICIAL_AVATARS[0],
            "stream_type": self.transport,
            "duration": self.duration or DURATION,
        }

    @staticmethod
    def _refuse(option: str, value: object) -> None:
        if value is not None:
            raise InvalidParameterError(
                option, "sessions of --transport chatroom (version 3) have none: leave it out"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions(SayOptions):
    """The same with the knowledge base that the avatar answers from."""

    knowledge_id: Knowledge = None

    def fields(self, mode: int) -> dict[str, Any]:
        """As `SayOptions.fields`."""
        fields = SayOptions.fields(self, mode)
        if "legacy" in fields:
            self._refuse("--knowledge", self.knowledge_id)
            return fields
        return fields | {"knowledge_id": self.knowledge_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions(SessionOptions):
    """The same with a mode."""

    mode: Mode = 2

    def fields(self, mode: int) -> dict[str, Any]:
        """As `SayOptions.fields`."""
        return SessionOptions.fields(self, self.mode or mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """The page of a chat."""

    watch: Watch = False
    no_browser: NoBrowser = False
    livekit_client: LiveKitClient = None
