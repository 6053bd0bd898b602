"""LiveKit access tokens of the simulator's own rooms, made and checked by `livekit-api`."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import jwt
from livekit import api

from akool_async.rooms.viewers import SIMULATOR_KEY, SIMULATOR_SECRET

__all__ = ["API_KEY", "API_SECRET", "Grants", "TokenRefusedError", "mint", "read"]

#: The key pair of the simulator's own rooms, for programs that mint their own tokens.
API_KEY: Final = SIMULATOR_KEY
API_SECRET: Final = SIMULATOR_SECRET

#: Clocks of two machines may differ by this much.
_LEEWAY: Final = datetime.timedelta(seconds=1)


class TokenRefusedError(Exception):
    """A token that doesn't open the room; the text is what the client is answered."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What a token allows its owner to do. `kind`: "agent" for an agent, else "" or "standard".

    `hidden`: the others don't get to know that it is there. `can_publish_sources`: the only ones,
    as "microphone"; empty: any.
    """

    identity: str
    room: str
    can_publish: bool = True
    can_publish_data: bool = True
    can_subscribe: bool = True
    can_update_own_metadata: bool = False
    name: str = ""
    metadata: str = ""
    kind: str = ""
    hidden: bool = False
    can_publish_sources: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


def mint(grants: Grants, *, lifetime: float, key: str = API_KEY, secret: str = API_SECRET) -> str:
    """A token that is good for `lifetime` seconds; 0 or less: one that has expired already."""
    video = api.VideoGrants(
        room_join=True,
        room=grants.room,
        can_publish=grants.can_publish,
        can_publish_data=grants.can_publish_data,
        can_subscribe=grants.can_subscribe,
        can_update_own_metadata=grants.can_update_own_metadata,
        hidden=grants.hidden,
        can_publish_sources=list(grants.can_publish_sources) or None,
    )
    token = api.AccessToken(key, secret).with_identity(grants.identity).with_grants(video)
    token.with_name(grants.name).with_metadata(grants.metadata)
    token.with_attributes(dict(grants.attributes))
    token.claims.kind = grants.kind
    seconds = int(lifetime) if lifetime > 0 else -60
    return token.with_ttl(datetime.timedelta(seconds=seconds)).to_jwt()


def read(token: str) -> Grants:
    """What a token grants.

    Raises:
        TokenRefusedError: it is malformed, signed with another key, expired, or for no room.
    """
    try:
        claims = api.TokenVerifier(API_KEY, API_SECRET, leeway=_LEEWAY).verify(token)
    except jwt.PyJWTError as error:
        raise TokenRefusedError(f"invalid token: {error}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise TokenRefusedError("invalid token: a claim of the wrong type") from error
    video = claims.video
    if video is None or not video.room_join or not claims.identity:
        raise TokenRefusedError("permissions denied")
    return Grants(
        identity=str(claims.identity),
        room=str(video.room),
        can_publish=video.can_publish,
        can_publish_data=video.can_publish_data,
        can_subscribe=video.can_subscribe,
        can_update_own_metadata=video.can_update_own_metadata is True,
        name=str(claims.name),
        metadata=str(claims.metadata),
        kind=str(claims.kind),
        hidden=video.hidden is True,
        can_publish_sources=tuple(str(source) for source in video.can_publish_sources or ()),
        attributes=claims.attributes or {},
    )
