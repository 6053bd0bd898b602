"""What a transport is: bytes in, bytes out, limits, connection changes, one close."""

from __future__ import annotations

import abc
import enum
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from akool_async.errors import DisconnectedError, InvalidParameterError
from akool_async.media.contract import MediaTransport
from akool_async.media.speech_audio import SpeechAudio
from akool_async.models.credentials import Credentials
from akool_async.stream.limits import Dialect, PacketLimits
from akool_async.transport.people import Participant

__all__ = ["ConnectionChange", "ConnectionState", "JoinTarget", "Transport", "TransportStats"]


class ConnectionState(enum.Enum):
    """What happened to the connection."""

    #: It broke; the adapter tries to get it back.
    RECONNECTING = "reconnecting"
    #: It is back. Whether the avatar is in the room is another question.
    RECONNECTED = "reconnected"
    AVATAR_LEFT = "avatar_left"
    AVATAR_BACK = "avatar_back"
    #: The avatar began to publish audio or video (see `Transport.avatar_publishing`).
    AVATAR_PUBLISHED = "avatar_published"
    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 - a state's name
    #: The token was replaced without leaving the room.
    TOKEN_RENEWED = "token_renewed"  # noqa: S105 - a state's name
    #: Someone came into the room, left, or began or ceased to speak (see `Transport.participants`).
    PARTICIPANTS = "participants"
    #: A packet of a participant that isn't the avatar was dropped; reported once.
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class ConnectionChange:
    """A change of the connection, in its place among the packets.

    Attributes:
        state: what happened.
        reason: why, in a few words for a person; "" where nothing is known.
        seconds_left: for `TOKEN_EXPIRING`, until the token expires.
        lossy: for `RECONNECTED`, packets sent or received meanwhile may be lost.
    """

    state: ConnectionState
    reason: str = ""
    seconds_left: float | None = None
    lossy: bool = False


@dataclass(slots=True)
class TransportStats:
    """Counted by the adapter since it was made; `dropped` by reason ("stranger", "overflow" …)."""

    packets_sent: int = 0
    bytes_sent: int = 0
    packets_received: int = 0
    bytes_received: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class JoinTarget:
    """Which room to join, and what is known about it.

    Attributes:
        credentials: for the room, with their token.
        session_id: the service's id of the session, for messages.
        own_room: the room is the user's own, so strangers may be in it.
        renew_credentials: asks the session's owner for credentials with a new token.
        pull_url: (v3) where the video is watched, FLV over HTTP. In no repr: it is a secret.
    """

    credentials: Credentials
    session_id: str | None = None
    own_room: bool = False
    renew_credentials: Callable[[], Awaitable[Credentials]] | None = None
    pull_url: str | None = field(default=None, repr=False)


class Transport(abc.ABC):
    """One room, joined once. Made on the event loop that uses it; not for several tasks sending.

    `send` is called by one task at a time, `receive` by one other.
    """

    #: The entry point's name.
    name: ClassVar[str]
    #: Which dialect of the stream messages the room speaks.
    dialect: ClassVar[Dialect] = "v2"

    #: What one packet and one second may hold; the sender above keeps to it.
    limits: PacketLimits
    stats: TransportStats
    #: (v3) our name and the avatar's in the room, where messages carry them.
    own_id: str | None = None
    peer_id: str | None = None

    @classmethod
    def preflight(cls, options: Mapping[str, Any]) -> None:
        """Checks, before a session is created and paid for, that joining can work at all.

        `options` are what the user gave as `transport_options=`.

        Raises:
            MissingDependencyError: a vendor package or an engine isn't installed.
            InvalidParameterError: an option that this transport doesn't know or can't use.
        """
        if options:
            name = next(iter(options))
            raise InvalidParameterError(name, f"the {cls.name} transport takes no such option")

    @classmethod
    def loopback_options(cls, base_url: str) -> Mapping[str, Any]:
        """Options that reach the rooms of a service on this machine, for example a simulator.

        Asked for when the client's base URL is a loopback address, and put under what the user
        gave: `{**loopback_options(url), **transport_options}`. For a vendor whose own servers
        can't run here; the default adds nothing.
        """
        del base_url
        return {}

    @property
    def avatar_publishing(self) -> bool | None:
        """Whether the avatar publishes audio or video in the room at this moment.

        The service's avatar loses what it is sent before it publishes, so a caller may wait for it
        after `connect`. A transport that knows reports `AVATAR_PUBLISHED` by `receive()` each time
        the avatar begins to publish after `connect` returned. `None`: it can't know; this is the
        default.
        """
        return None

    @property
    def participants(self) -> tuple[Participant, ...] | None:
        """Who is in the room besides us, the avatar included.

        A transport that knows reports `PARTICIPANTS` by `receive()` when this has changed after
        `connect` returned. `None`, the default: it doesn't know.
        """
        return None

    def follow_speakers(self) -> None:  # noqa: B027 - not every room knows
        """From now on, `Participant.speaking` is wanted: a room that says who speaks only of those
        whose sound is received has to receive it. Called on the event loop, any number of times.
        """

    @property
    def media(self) -> MediaTransport | None:
        """Audio and video of this room, the same object each time; ended by `close`.

        `None`, the default: it carries packets only.
        """
        return None

    @property
    def speech_audio(self) -> SpeechAudio | None:
        """A way of this room for speech that the avatar lip-syncs, the same object each time.

        `None`, the default: there is none beside a published audio track (`media`).
        """
        return None

    @abc.abstractmethod
    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        """Keeps what it is given; opens nothing.

        Raises:
            InvalidParameterError: credentials of another kind of room, or incomplete ones.
        """

    @abc.abstractmethod
    async def connect(self, *, timeout: float) -> None:
        """Joins. Returns when a packet sent now reaches the avatar. `timeout` in seconds, for all.

        Cancelled or failed, it leaves nothing behind. Called once.

        Raises:
            JoinRefusedError: the room refused the credentials.
            JoinTimeoutError, AvatarAbsentError: not in time.
            JoinError: anything else that kept it from joining.
            MissingDependencyError: the vendor's package isn't installed.
        """

    @abc.abstractmethod
    async def send(self, packet: bytes, *, timeout: float) -> None:
        """Hands one packet to the room; accepted isn't delivered. `timeout` in seconds.

        What the avatar answers may be received before this returns.

        Raises:
            SendError: not accepted in time, or refused; it may be on its way all the same.
            DisconnectedError: the room is gone for good.
        """

    @abc.abstractmethod
    async def receive(self) -> bytes | ConnectionChange:
        """The next packet from the avatar, or the next change of the connection, in their order.

        Safe to cancel: nothing is lost.

        Raises:
            DisconnectedError: the room is gone for good and everything before was handed out;
                raised again at each further call.
        """

    async def reconnect(self, *, timeout: float) -> None:
        """Leaves and joins again. Called when the room takes packets but seems to deliver none.

        The adapter reports `RECONNECTING` and `RECONNECTED` (lossy) by `receive()` as usual, and
        `AVATAR_LEFT` if the room is joined but the avatar isn't in it.

        Raises:
            DisconnectedError: it can't; this is what the default does.
        """
        del timeout
        raise DisconnectedError(
            f"the {self.name} room fell silent and can't be joined again", reason="silent"
        )

    @abc.abstractmethod
    async def close(self, *, timeout: float = 5.0) -> None:
        """Leaves the room and frees everything. May be called twice, and before `connect`.

        Takes at most `timeout` seconds; then what is left is aborted. Doesn't raise for a
        connection that is gone already.
        """
