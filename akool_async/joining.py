"""How a room is joined: what the caller gives for it, and what a session made elsewhere says."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from akool_async.conversation import ConversationOptions
from akool_async.conversation.responder import ResponderFunction, RespondWith
from akool_async.errors import InvalidParameterError, JoinError
from akool_async.models.addresses import is_loopback_url
from akool_async.models.credentials import Credentials, read_credentials
from akool_async.models.session import LegacySession, Session
from akool_async.rest.base_url import normalise_base_url
from akool_async.stream.limits import Dialect
from akool_async.transport import Transport, load_transport
from akool_async.validation import quoted

__all__ = [
    "JoinBy",
    "OnCreated",
    "Renew",
    "credentials_of",
    "home_of",
    "pull_url_of",
    "read_session",
]

Renew = Callable[[], Awaitable[Credentials]]
OnCreated = Callable[[Session | LegacySession], Awaitable[object] | object]


@dataclass(frozen=True, slots=True)
class JoinBy:
    """How a room is joined, as the caller wants it."""

    transport: str | type[Transport] | None
    transport_options: Mapping[str, Any] | None
    engine: Any
    options: ConversationOptions | None
    renew_credentials: Renew | None
    on_created: OnCreated | None = None
    respond_with: ResponderFunction | RespondWith | None = None
    idle_timeout: float | None = None

    def responder(self, mode: int | None, dialect: Dialect) -> RespondWith | None:
        """The responder to install, checked."""
        given = self.respond_with
        if given is None:
            return None
        if dialect == "v3":
            raise InvalidParameterError(
                "respond_with", "needs a version 4 session: the v3 chat room reports no speech"
            )
        if mode == 2:
            raise InvalidParameterError(
                "mode", "2 (dialogue) lets the service answer; leave it out with respond_with"
            )
        if isinstance(given, RespondWith):
            return given
        if not callable(given):
            raise InvalidParameterError(
                "respond_with", f"{type(given).__name__} is neither a function nor a RespondWith(…)"
            )
        return RespondWith(given)

    def find(self, kind: str) -> type[Transport]:
        """The transport, `kind` by default. All that was given is checked first."""
        if not isinstance(self.options, ConversationOptions | None):
            raise InvalidParameterError(
                "options", f"{type(self.options).__name__} isn't a ConversationOptions(…)"
            )
        if not isinstance(self.transport_options, Mapping | None):
            raise InvalidParameterError(
                "transport_options", f"{type(self.transport_options).__name__} isn't a mapping"
            )
        for name in ("renew_credentials", "on_created"):
            if not callable(getattr(self, name) or len):
                raise InvalidParameterError(name, "can't be called")
        transport = kind if self.transport is None else self.transport
        if isinstance(transport, str):
            return load_transport(transport)
        if isinstance(transport, type) and issubclass(transport, Transport):
            return transport
        raise InvalidParameterError(
            "transport", f"{quoted(transport)} is neither a name nor a Transport"
        )

    def settings(self, transport: type[Transport], base_url: str) -> dict[str, Any]:
        """The transport's options."""
        settings: dict[str, Any] = {}
        if base_url and is_loopback_url(base_url):
            settings.update(transport.loopback_options(base_url))
        settings.update(self.transport_options or {})
        if self.engine is not None:
            settings["engine"] = self.engine
        return settings


def home_of(credentials: Credentials) -> str:
    """The base URL of the service that made them: a simulator names its own, else the
    environment's.
    """
    named = (credentials.model_extra or {}).get("akool_simulator_url")
    url = named if isinstance(named, str) else os.environ.get("AKOOL_API_URL", "").strip()
    return normalise_base_url(url) if url else ""


def read_session(session: object) -> Session | LegacySession:
    if isinstance(session, Session | LegacySession):
        return session
    if not isinstance(session, Mapping):
        raise InvalidParameterError("session", f"{type(session).__name__} isn't a session")
    if "code" in session and "credentials" not in session:
        # The whole answer of create, whose data may be an array of one.
        data = session.get("data")
        if isinstance(data, list) and data:
            data = data[0]
        if not isinstance(data, Mapping):
            raise InvalidParameterError(
                "session", f"is an answer with code {session['code']!r} and no data"
            )
        session = cast("Mapping[str, Any]", data)
    try:
        if "stream_urls" in session:
            return LegacySession.read(session)
        if "credentials" in session:
            return Session.read(session)
        # The credentials alone, as a backend may hand them on.
        return Session(credentials=read_credentials(dict(session)))
    except ValueError:
        # From None: the cause's text may quote a token.
        raise InvalidParameterError("session", "can't be read as a session") from None


def pull_url_of(session: Session | LegacySession) -> str | None:
    return session.pull_url if isinstance(session, LegacySession) else None


def credentials_of(session: Session | LegacySession) -> Credentials:
    if session.credentials is None:
        raise JoinError(
            "The session has no credentials to join with: only create's answer holds them "
            "(docs/protocol.md §4, 1).",
            retryable=False,
        )
    return session.credentials
