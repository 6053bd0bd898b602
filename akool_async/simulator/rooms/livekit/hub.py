"""A LiveKit-compatible room that carries data only: occupants, signalling, packets.

It knows neither HTTP nor WebRTC. `member` has the occupants that come over the network;
`Resident` is one in this process: the avatar, or a stranger that a test puts in.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Protocol

from livekit.protocol import models as pb
from livekit.protocol import rtc

from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.rooms.link import SimulatedLink
from akool_async.simulator.rooms.livekit.tokens import Grants

if TYPE_CHECKING:
    from akool_async.simulator.media.avatar_media import AvatarMedia

__all__ = ["DataRoom", "Occupant", "Resident", "new_sid"]

logger = logging.getLogger(__name__)

_Kind: Final = pb.ParticipantInfo.Kind
_ACTIVE: Final = pb.ParticipantInfo.State.ACTIVE


def new_sid(prefix: str) -> str:
    """An id as LiveKit makes them: `RM_…` for a room, `PA_…` for a participant."""
    return f"{prefix}_{secrets.token_hex(6)}"


class Occupant(Protocol):
    """A participant in the room."""

    grants: Grants
    sid: str
    state: pb.ParticipantInfo.State
    #: Whether it was announced to the others.
    announced: bool
    #: What it publishes, as others see it.
    tracks: list[pb.TrackInfo]

    @property
    def active(self) -> bool:
        """Whether packets reach them."""
        ...

    def signal(self, response: rtc.SignalResponse) -> None:
        """Something about the room, over the signalling connection."""

    def receive(self, packet: pb.DataPacket) -> None:
        """A data packet; lost where they aren't connected."""


class Resident:
    """An occupant in this process, without a network in between."""

    def __init__(
        self, identity: str, room: str, on_packet: Callable[[bytes, str], None] | None = None
    ) -> None:
        self.grants = Grants(identity=identity, room=room)
        self.sid = new_sid("PA")
        self.state: pb.ParticipantInfo.State = _ACTIVE
        self.announced = False
        self.tracks: list[pb.TrackInfo] = []
        #: What its tracks carry, and who hears; `None`: they carry nothing.
        self.media: AvatarMedia | None = None
        #: Takes what is no packet of the program: streams and calls.
        self.on_data: Callable[[pb.DataPacket], None] | None = None
        self._on_packet = on_packet

    @property
    def active(self) -> bool:
        """Whether packets reach it."""
        return self.state == _ACTIVE

    def signal(self, response: rtc.SignalResponse) -> None:
        """Residents see the room from inside."""

    def receive(self, packet: pb.DataPacket) -> None:
        """Hands a packet without a topic to the resident; lost until it is active."""
        if not self.active:
            return
        if packet.WhichOneof("value") != "user":
            if self.on_data is not None:
                self.on_data(packet)
        elif self._on_packet is not None and not packet.user.topic:
            self._on_packet(packet.user.payload, packet.participant_identity)


class DataRoom:
    """The room.

    Attributes:
        occupants: by identity.
        reuses_transceivers: a track takes the section of an older one that ended, as on a real
            server: some clients then don't report it.
        link: carries the packets.
        speaks_microphones: the avatar says what comes in microphones, so they are asked for.
        silent: nothing that is sent is delivered any more; everything else goes on.
        lost: packets for occupants that can't receive now.
        refused: packets that their senders may not send.
        on_joined, on_left: called with the identity of an occupant that became active, or left, and
            isn't hidden.
    """

    def __init__(self, name: str, *, conditions: NetworkConditions | None = None) -> None:
        self.name = name
        self.sid = new_sid("RM")
        self.created = time.time()
        self.link = SimulatedLink(conditions or NetworkConditions(), reliable=False)
        self.occupants: dict[str, Occupant] = {}
        self.silent = False
        self.reuses_transceivers = False
        self.speaks_microphones = False
        self.lost = 0
        self.refused = 0
        self.on_joined: Callable[[str], None] | None = None
        self.on_left: Callable[[str], None] | None = None
        self._versions = itertools.count(1)

    def info(self) -> pb.Room:
        """What clients get to know about the room."""
        return pb.Room(
            sid=self.sid,
            name=self.name,
            creation_time=int(self.created),
            num_participants=len(self.occupants),
            empty_timeout=300,
            departure_timeout=20,
        )

    def describe(self, occupant: Occupant) -> pb.ParticipantInfo:
        """What clients get to know about an occupant."""
        grants = occupant.grants
        return pb.ParticipantInfo(
            sid=occupant.sid,
            identity=grants.identity,
            name=grants.name,
            metadata=grants.metadata,
            attributes=dict(grants.attributes),
            state=occupant.state,
            joined_at=int(self.created),
            # Clients ignore an entry that is older than the one they have.
            version=next(self._versions),
            tracks=occupant.tracks,
            kind=_Kind.AGENT if grants.kind == "agent" else _Kind.STANDARD,
            permission=pb.ParticipantPermission(
                can_subscribe=grants.can_subscribe,
                can_publish=grants.can_publish,
                can_publish_data=grants.can_publish_data,
                can_update_metadata=grants.can_update_own_metadata,
                hidden=grants.hidden,
                # By name, which the message takes as well as a number.
                can_publish_sources=[source.upper() for source in grants.can_publish_sources],
            ),
        )

    def others(self, than: Occupant) -> list[pb.ParticipantInfo]:
        """The occupants that are announced to a participant that joins now."""
        return [self.describe(o) for o in self.occupants.values() if o is not than and o.announced]

    def enter(self, occupant: Occupant, *, announce_after: float | None = 0.0) -> None:
        """Adds an occupant; it is announced that much later, in seconds, or never (`None`).

        A participant without a track is announced up to 3 s late by a real server
        (docs/livekit.md). One that is hidden never is.
        """
        self.occupants[occupant.grants.identity] = occupant
        if announce_after is None or occupant.grants.hidden:
            return
        if announce_after > 0:
            self.link.later(announce_after, lambda: self._announce(occupant))
        else:
            self._announce(occupant)

    def change(self, occupant: Occupant, state: pb.ParticipantInfo.State) -> None:
        """An occupant's state changed; announced where the occupant is."""
        if occupant.state == state:
            return
        occupant.state = state
        if self.occupants.get(occupant.grants.identity) is not occupant:
            return
        if occupant.announced:
            self._announce_entry(occupant)
        if state == _ACTIVE and self.on_joined is not None and not occupant.grants.hidden:
            self.on_joined(occupant.grants.identity)

    def send_entry(self, occupant: Occupant) -> None:
        """An occupant's entry changed: sent to it, and to the others where it is announced."""
        update = rtc.ParticipantUpdate(participants=[self.describe(occupant)])
        occupant.signal(rtc.SignalResponse(update=update))
        if occupant.announced:
            self._announce_entry(occupant)

    def leave(self, occupant: Occupant) -> None:
        """Removes an occupant; twice is fine."""
        identity = occupant.grants.identity
        if self.occupants.get(identity) is not occupant:
            return
        del self.occupants[identity]
        was_active = occupant.active
        occupant.state = pb.ParticipantInfo.State.DISCONNECTED
        if occupant.announced:
            self._announce_entry(occupant)
            occupant.announced = False
        if was_active and self.on_left is not None and not occupant.grants.hidden:
            self.on_left(identity)

    def send(self, sender: Occupant, packet: pb.DataPacket, *, reliable: bool = True) -> None:
        """Carries a packet from one occupant to the others, or to those it is addressed to."""
        if not sender.grants.can_publish_data or not _may_send(sender, packet):
            self.refused += 1
            return
        # What a client says about itself isn't believed.
        packet.participant_identity = sender.grants.identity
        packet.participant_sid = sender.sid
        packet.kind = pb.DataPacket.Kind.RELIABLE if reliable else pb.DataPacket.Kind.LOSSY
        if packet.WhichOneof("value") == "user":
            packet.user.participant_identity = sender.grants.identity
            packet.user.participant_sid = sender.sid
        wanted = set(packet.destination_identities)
        if packet.WhichOneof("value") == "user":
            wanted.update(packet.user.destination_identities)
        for occupant in list(self.occupants.values()):
            if occupant is sender or (wanted and occupant.grants.identity not in wanted):
                continue
            self._deliver(occupant, packet)

    def send_bytes(
        self, sender: Occupant, payload: bytes, *, topic: str = "", to: Iterable[str] = ()
    ) -> None:
        """A resident sends bytes to all, or to those named."""
        user = pb.UserPacket(payload=payload, topic=topic or None)
        self.send(sender, pb.DataPacket(user=user, destination_identities=to))

    def signal(self, response: rtc.SignalResponse, *, but: Occupant | None = None) -> None:
        """Sends something to all (but one) over signalling."""
        for occupant in list(self.occupants.values()):
            if occupant is not but:
                occupant.signal(response)

    def close(self) -> None:
        """Removes all occupants and drops what is under way."""
        self.link.close()
        self.occupants.clear()

    def _announce(self, occupant: Occupant) -> None:
        if self.occupants.get(occupant.grants.identity) is occupant:
            occupant.announced = True
            self._announce_entry(occupant)

    def _announce_entry(self, occupant: Occupant) -> None:
        update = rtc.ParticipantUpdate(participants=[self.describe(occupant)])
        self.signal(rtc.SignalResponse(update=update), but=occupant)

    def _deliver(self, occupant: Occupant, packet: pb.DataPacket) -> None:
        if self.silent:
            self.lost += 1
            return
        if not self.link.conditions.perfect:
            # A packet's number would have the client undo what the conditions ask for.
            numbered, packet = packet, pb.DataPacket()
            packet.CopyFrom(numbered)
            packet.sequence = 0
        self.link.carry(lambda: occupant.receive(packet))


def _may_send(sender: Occupant, packet: pb.DataPacket) -> bool:
    """Transcriptions are an agent's to send, as on livekit-server.

    One without a track's id ends the receiving process of the native clients
    (docs/livekit.md), so it is refused of agents, too.
    """
    if packet.WhichOneof("value") != "transcription":
        return True
    return sender.grants.kind == "agent" and bool(packet.transcription.track_id)
