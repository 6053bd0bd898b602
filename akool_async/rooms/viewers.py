"""Tokens for the people who watch an avatar or talk with it, in a LiveKit room whose key is ours.

A viewer sees and hears, isn't seen by others, and can send nothing. A visitor may have a microphone
and a camera on, which the avatar hears and sees, and can't send data: stream messages of people
would look like the program's own.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import SecretStr

from akool_async.errors import InvalidParameterError, MissingDependencyError, NotSupportedError
from akool_async.models.addresses import hostname, is_loopback, without_password
from akool_async.models.credentials import Credentials, LiveKitCredentials
from akool_async.validation import number, text

__all__ = [
    "DEFAULT_TTL",
    "SIMULATOR_KEY",
    "SIMULATOR_SECRET",
    "LinkMaker",
    "RoomLinks",
    "ViewerLink",
    "access_token",
    "links_of_credentials",
]

#: Seconds in which a token has to be joined with; who is in the room stays.
DEFAULT_TTL: Final = 600.0
_LONGEST_TTL: Final = 86_400.0
#: What a visitor may publish, as LiveKit names the sources.
_VISITOR_SOURCES: Final = ("microphone", "camera")

#: The key pair of a simulator's LiveKit rooms. No secret: it opens rooms on this machine only.
SIMULATOR_KEY: Final = "devkey"
SIMULATOR_SECRET: Final = "a-simulator-keeps-no-secrets-0123456789"  # noqa: S105

_ONE_IDENTITY: Final = (
    "the service's room knows one client identity, which this program joined with: a browser that "
    "uses the session's credentials removes the program. Either open the session in a room of your "
    "own, room=OwnLiveKitRoom(…), or leave the room to the browser alone"
)


@dataclass(frozen=True, slots=True)
class ViewerLink:
    """What a browser joins a room with: `room.connect(url, token)` of livekit-client.

    Attributes:
        url: of the LiveKit server, ws:// or wss://.
        token: in no repr; whoever has it can join under this identity.
        identity: the participant's name in the room, unique there.
        room: the room's name.
    """

    url: str
    token: str = field(repr=False)
    identity: str
    room: str


@dataclass(frozen=True, slots=True, repr=False)
class LinkMaker:
    """Makes tokens for one room with its server's key pair.

    Attributes:
        url: of the server.
        room: the room's name.
        api_key: the key.
        api_secret: its secret.
        taken: identities of the avatar and the program, which others can't have; neither the ones
            of sessions that follow, which have `-1`, `-2` … at the end.
    """

    url: str
    room: str
    api_key: str
    api_secret: SecretStr
    taken: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"LinkMaker(url={without_password(self.url)!r}, room={self.room!r})"

    def viewer(self, identity: str | None, name: str | None, ttl: float) -> ViewerLink:
        """For someone who watches: subscribes only, and is hidden from the others."""
        return self._link("viewer", identity, name, ttl, can_publish=False, hidden=True)

    def visitor(self, identity: str | None, name: str | None, ttl: float) -> ViewerLink:
        """For someone who talks: microphone and camera, no data."""
        sources = list(_VISITOR_SOURCES)
        return self._link(
            "visitor", identity, name, ttl, can_publish=True, can_publish_sources=sources
        )

    def _link(
        self, role: str, identity: str | None, name: str | None, ttl: float, **grants: Any
    ) -> ViewerLink:
        who = f"{role}-{secrets.token_hex(6)}" if identity is None else text("identity", identity)
        shown = None if name is None else text("name", name)
        life = number("ttl", ttl, 1, _LONGEST_TTL)
        for one in self.taken:
            if re.fullmatch(rf"{re.escape(one)}(-\d+)?", who):
                raise InvalidParameterError(
                    "identity", f"{who!r} is the avatar's or this program's, whom it would remove"
                )
        token = access_token(
            self.api_key,
            self.api_secret.get_secret_value(),
            who,
            life,
            room=self.room,
            can_subscribe=True,
            can_publish_data=False,
            **grants,
        )
        if shown is not None:
            token = token.with_name(shown)
        return ViewerLink(self.url, token.to_jwt(), who, self.room)


@dataclass(frozen=True, slots=True)
class RoomLinks:
    """A session's way to let people in: by `maker`, or not at all, for the reason `why_not`."""

    maker: LinkMaker | None = None
    why_not: str = "nothing is known about this room"

    def make(self, form: Callable[[LinkMaker], ViewerLink]) -> ViewerLink:
        """Has the maker make one.

        Raises:
            NotSupportedError: there is none; says why, and the way out.
        """
        if self.maker is None:
            raise NotSupportedError(f"no token for people can be made here: {self.why_not}")
        return form(self.maker)


def links_of_credentials(credentials: Credentials) -> RoomLinks:
    """In a room that the service made: a simulator's lets people in, the service's doesn't."""
    if not isinstance(credentials, LiveKitCredentials):
        return RoomLinks(
            why_not=f"a room of the kind {credentials.kind!r} takes what its vendor's backend makes"
        )
    given = credentials.livekit_token
    token = "" if given is None else given.get_secret_value()
    name = credentials.livekit_room_name
    local = is_loopback(hostname(credentials.livekit_url))
    if name is None or not local or not _is_signed(token, SIMULATOR_SECRET):
        return RoomLinks(why_not=_ONE_IDENTITY)
    taken = (credentials.livekit_server_identity, credentials.livekit_client_identity)
    return RoomLinks(
        LinkMaker(
            credentials.livekit_url,
            name,
            SIMULATOR_KEY,
            SecretStr(SIMULATOR_SECRET),
            tuple(one for one in taken if one),
        )
    )


def _is_signed(token: str, secret: str) -> bool:
    signed, _, signature = token.rpartition(".")
    wanted = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    try:
        given = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, wanted)


def access_token(
    key: str | None, secret: str, identity: str | None, life: float, **grants: Any
) -> Any:
    """An unsigned `livekit.api.AccessToken` that is good for `life` seconds.

    Raises:
        MissingDependencyError: `livekit-api` isn't installed.
    """
    try:
        from livekit import api
    except ImportError as error:
        raise MissingDependencyError(
            "Tokens for LiveKit rooms are made with livekit-api.",
            install='pip install "akool-async[livekit]"',
        ) from error
    token = api.AccessToken(key, secret).with_identity(identity or "")
    token = token.with_grants(api.VideoGrants(room_join=True, **grants))
    return token.with_ttl(datetime.timedelta(seconds=life))
