"""A LiveKit room of one's own: two ready tokens, or a key pair that makes them."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, cast

from pydantic import SecretStr

from akool_async.errors import ConfigurationError, InvalidParameterError
from akool_async.models.addresses import without_password
from akool_async.models.credentials import LiveKitCredentials
from akool_async.models.session_fields import MAX_DURATION
from akool_async.rooms.avatar_credentials import own_credentials_body
from akool_async.rooms.livekit_token import LiveKitClaims, check_livekit_token
from akool_async.rooms.room import OwnRoom, OwnStreamType, PreparedRoom, secret_text
from akool_async.rooms.viewers import DEFAULT_TTL, LinkMaker, RoomLinks, access_token
from akool_async.validation import flag, text, url

__all__ = ["OwnLiveKitRoom"]

#: How much longer than the session a token is good for, in seconds: creating, joining, rejoining.
TOKEN_MARGIN: Final = 120
#: Whose voice an agent's avatar is; LiveKit's agents and their pages look for it.
_ON_BEHALF: Final = "lk.publish_on_behalf"

_ENVIRONMENT: Final = {
    "url": "LIVEKIT_URL",
    "api_key": "LIVEKIT_API_KEY",
    "api_secret": "LIVEKIT_API_SECRET",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OwnLiveKitRoom(OwnRoom):
    """A room on one's own LiveKit server.

    Give `avatar_token` and `bot_token`, or a key pair (or have it in the environment), of which
    tokens are made with `livekit-api` for each session: with the least grants (this program may
    publish a microphone and a camera, and nothing where speech goes by data streams), and a life a
    little longer than the session's. LiveKit makes the room when the first participant joins.

    Attributes:
        name: the room's; with ready tokens theirs.
        url: ws:// or wss://, or the environment's `LIVEKIT_URL`. The service must reach it.
        api_key: or `LIVEKIT_API_KEY`.
        api_secret: or `LIVEKIT_API_SECRET`.
        avatar_token: what the avatar joins with; sent to the service.
        bot_token: what this program joins with.
        avatar_identity: the avatar's name in the room; with ready tokens theirs.
        bot_identity: this program's; another one.
        audio_only_from_data_stream: with `scene_mode="meeting"`: `play_audio` sends speech to the
            avatar by data streams, as LiveKit's agents do, and the avatar joins as an agent that
            speaks for this program. With a ready `avatar_token` that is its maker's to say.
    """

    stream_type: ClassVar[OwnStreamType] = "livekit"

    # `None` only until `__post_init__` has filled them in: who reads them gets a string.
    name: str = cast("str", None)
    url: str = cast("str", None)
    api_key: str | None = None
    api_secret: str | SecretStr | None = field(default=None, repr=False)
    avatar_token: str | SecretStr | None = field(default=None, repr=False)
    bot_token: str | SecretStr | None = field(default=None, repr=False)
    avatar_identity: str | None = None
    bot_identity: str | None = None
    audio_only_from_data_stream: bool = False

    def __post_init__(self) -> None:
        """Takes from the environment what wasn't given, and checks all of it.

        Raises:
            ConfigurationError: no address, or neither tokens nor a key pair; names the variables.
            InvalidParameterError: the URL isn't ws or wss, a token has expired or is for another
                room, the identities are the same, …
        """
        ready = self.avatar_token is not None or self.bot_token is not None
        for name, variable in _ENVIRONMENT.items():
            wanted = name == "url" or not ready
            if wanted and getattr(self, name) is None and os.environ.get(variable, "").strip():
                self._set(name, os.environ[variable].strip())
        if self.url is None:
            raise ConfigurationError("An own LiveKit room needs url=, or set LIVEKIT_URL")
        self._set("url", url("url", self.url, ("wss", "ws")))
        for name in ("name", "avatar_identity", "bot_identity"):
            if getattr(self, name) is not None:
                self._set(name, text(name, getattr(self, name)))
        flag("audio_only_from_data_stream", self.audio_only_from_data_stream)
        if ready:
            self._check_ready_tokens()
        else:
            self._check_key_pair()
        if self.avatar_identity == self.bot_identity:
            raise InvalidParameterError(
                "bot_identity",
                f"{self.bot_identity!r} is the avatar's too, and the two would remove each other",
            )

    def __repr__(self) -> str:
        shown = {
            "name": self.name,
            "url": without_password(self.url),
            "api_key": self.api_key,
            "avatar_identity": self.avatar_identity,
            "bot_identity": self.bot_identity,
        }
        return f"OwnLiveKitRoom({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def _set(self, name: str, value: object) -> None:
        # Frozen: this is how a dataclass fills in what it wasn't given.
        object.__setattr__(self, name, value)

    def _check_key_pair(self) -> None:
        if self.api_key is None or self.api_secret is None:
            missing = ", ".join(
                f"{name}= (or set {variable})"
                for name, variable in _ENVIRONMENT.items()
                if getattr(self, name) is None
            )
            raise ConfigurationError(
                f"An own LiveKit room needs {missing}, or avatar_token= and bot_token="
            )
        self._set("api_key", text("api_key", self.api_key))
        self._set("api_secret", SecretStr(secret_text("api_secret", self.api_secret)))
        # Names that no one else in the room has by chance.
        some = secrets.token_hex(4)
        self._set("name", self.name or f"akool-{some}")
        self._set("avatar_identity", self.avatar_identity or f"akool-avatar-{some}")
        self._set("bot_identity", self.bot_identity or f"akool-bot-{some}")

    def _check_ready_tokens(self) -> None:
        for name in ("api_key", "api_secret"):
            if getattr(self, name) is not None:
                raise InvalidParameterError(name, "isn't used with ready tokens, leave it out")
        for name in ("avatar_token", "bot_token"):
            if getattr(self, name) is None:
                raise InvalidParameterError(name, "is missing, give both tokens")
            self._set(name, SecretStr(secret_text(name, getattr(self, name))))
        avatar, bot = self._claims()
        room = self.name or avatar.room or bot.room
        if room is None:
            raise InvalidParameterError("name", "is missing, and the tokens name no room")
        for name, claims in (("avatar_token", avatar), ("bot_token", bot)):
            if claims.room is not None and claims.room != room:
                raise InvalidParameterError(
                    name, f"is for the room {claims.room!r}, the session is for {room!r}"
                )
        if not bot.can_publish_data:
            raise InvalidParameterError("bot_token", "doesn't grant sending data (canPublishData)")
        self._set("name", room)
        self._set("avatar_identity", avatar.identity)
        self._set("bot_identity", bot.identity)

    def _claims(self) -> tuple[LiveKitClaims, LiveKitClaims]:
        avatar, bot = (
            check_livekit_token(
                f"{who}_token",
                secret_text(f"{who}_token", getattr(self, f"{who}_token")),
                room=self.name,
                identity=getattr(self, f"{who}_identity"),
            )
            for who in ("avatar", "bot")
        )
        return avatar, bot

    def prepare(self, *, duration: float | None = None) -> PreparedRoom:
        """Makes the tokens, or checks the ready ones again. See `OwnRoom.prepare`."""
        if self.avatar_token is not None:
            self._claims()
            token = secret_text("avatar_token", self.avatar_token)
        else:
            token = self._mint_avatar_token(self._life(duration))
        return PreparedRoom(
            stream_type=self.stream_type,
            avatar_credentials=own_credentials_body(
                self.stream_type, {**self._place(), "livekit_token": token}
            ),
            bot_credentials=self.renew(duration=duration),
            avatar=str(self.avatar_identity),
            bot=str(self.bot_identity),
        )

    @staticmethod
    def _life(duration: float | None) -> float:
        return (MAX_DURATION if duration is None else duration) + TOKEN_MARGIN

    def _place(self) -> dict[str, Any]:
        place: dict[str, Any] = {
            "livekit_url": self.url,
            "livekit_room_name": self.name,
            "livekit_server_identity": self.avatar_identity,
            "livekit_client_identity": self.bot_identity,
        }
        if self.audio_only_from_data_stream:
            place["audio_only_from_data_stream"] = True
        return place

    @property
    def can_renew(self) -> bool:
        """Whether there is a key pair to make tokens with."""
        return self.avatar_token is None

    def another(self, number: int) -> OwnLiveKitRoom | None:
        """The same room with `-number` at the end of both identities. See `OwnRoom.another`."""
        if self.avatar_token is not None:
            return None
        return replace(
            self,
            avatar_identity=f"{self.avatar_identity}-{number}",
            bot_identity=f"{self.bot_identity}-{number}",
        )

    def renew(self, *, duration: float | None = None) -> LiveKitCredentials:
        """A new token for the bot, or the ready one. See `OwnRoom.renew`."""
        if self.bot_token is not None:
            token = secret_text("bot_token", self.bot_token)
        else:
            token = self._mint_bot_token(self._life(duration))
        return LiveKitCredentials.read({**self._place(), "livekit_token": token})

    def _mint_avatar_token(self, life: float) -> str:
        token = self._token(self.avatar_identity, life, publishes=True)
        if self.audio_only_from_data_stream:
            token = token.with_kind("agent").with_attributes({_ON_BEHALF: str(self.bot_identity)})
        minted: str = token.to_jwt()
        return minted

    def _mint_bot_token(self, life: float) -> str:
        # Its microphone and camera are what the avatar hears and sees, unless speech comes by data
        # streams alone. Receiving data needs the grant to subscribe.
        publishes = not self.audio_only_from_data_stream
        sources = {"can_publish_sources": ["microphone", "camera"]} if publishes else {}
        token = self._token(self.bot_identity, life, publishes=publishes, **sources)
        minted: str = token.to_jwt()
        return minted

    def _token(self, identity: str | None, life: float, *, publishes: bool, **more: Any) -> Any:
        return access_token(
            self.api_key,
            secret_text("api_secret", self.api_secret),
            identity,
            life,
            room=self.name,
            can_publish=publishes,
            can_publish_data=True,
            can_subscribe=True,
            **more,
        )

    # For people.

    def viewer_token(
        self, identity: str | None = None, name: str | None = None, ttl: float = DEFAULT_TTL
    ) -> str:
        """A token for someone who watches: subscribes only, hidden from the others, sends nothing.

        Args:
            identity: the participant's, unique in the room; a random one by default.
            name: for people to read.
            ttl: seconds in which it has to be used, 1 to 86,400; who has joined stays.

        Raises:
            InvalidParameterError: a wrong value, or the identity of the avatar or the program.
            NotSupportedError: the room has ready tokens, so it can't make one.
            MissingDependencyError: `livekit-api` isn't installed.
        """
        return self.links.make(lambda maker: maker.viewer(identity, name, ttl)).token

    def visitor_token(
        self, identity: str | None = None, name: str | None = None, ttl: float = DEFAULT_TTL
    ) -> str:
        """A token for someone who talks with the avatar: microphone and camera, but no data.

        Arguments and exceptions as for `viewer_token`.
        """
        return self.links.make(lambda maker: maker.visitor(identity, name, ttl)).token

    @property
    def links(self) -> RoomLinks:
        """What `viewer_token` and `visitor_token` are made with. See `OwnRoom.links`."""
        if self.api_secret is None or self.api_key is None:
            return RoomLinks(
                why_not="this OwnLiveKitRoom has ready tokens; give it api_key= and api_secret= in "
                "their place, or have their maker make one for people"
            )
        secret = SecretStr(secret_text("api_secret", self.api_secret))
        taken = (str(self.avatar_identity), str(self.bot_identity))
        return RoomLinks(LinkMaker(self.url, self.name, self.api_key, secret, taken))
