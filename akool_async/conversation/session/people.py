"""Who is in the room, and tokens that let people in."""

from __future__ import annotations

from akool_async.conversation.session.base import SessionBase
from akool_async.errors import NotSupportedError
from akool_async.rooms.viewers import DEFAULT_TTL, ViewerLink
from akool_async.transport import Participant

__all__ = ["PeopleMethods"]


class PeopleMethods(SessionBase):
    """The methods of `AvatarSession` about the people in its room."""

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Those in the room now, the avatar included, this program not; nor who is hidden.

        Changes come as `ParticipantJoined`, `ParticipantLeft` and `ParticipantSpeaking`. Who was
        there before the session opened has no event.

        Raises:
            NotSupportedError: the transport doesn't know.
            ConversationClosedError, DisconnectedError: the conversation isn't open.
        """
        self._check_open()
        here = self._conversation.people.here
        if here is None:
            name = self._conversation.driver.transport.name
            raise NotSupportedError(f"the {name} transport doesn't report who is in the room")
        return here

    def viewer_link(
        self, identity: str | None = None, name: str | None = None, ttl: float = DEFAULT_TTL
    ) -> ViewerLink:
        """What a browser needs to watch: subscribes only, hidden from the others, sends nothing.

            link = avatar.viewer_link()
            answer = {"url": link.url, "token": link.token}

        In a LiveKit room of the user's own with a key pair, and in a simulator's.

        Args:
            identity: the participant's, unique in the room; a random one by default.
            name: for people to read.
            ttl: seconds in which it has to be used, 1 to 86,400; who has joined stays.

        Raises:
            InvalidParameterError: a wrong value, or the identity of the avatar or the program.
            NotSupportedError: there is no key to make tokens with, as in the service's room; says
                what to do.
            MissingDependencyError: `livekit-api` isn't installed.
            ConversationClosedError, DisconnectedError: the conversation isn't open.
        """
        self._check_open()
        links = self._conversation.info.links
        return links.make(lambda maker: maker.viewer(identity, name, ttl))

    def visitor_link(
        self, identity: str | None = None, name: str | None = None, ttl: float = DEFAULT_TTL
    ) -> ViewerLink:
        """What a browser needs to talk with the avatar: microphone and camera, but no data.

        Arguments and exceptions as for `viewer_link`.
        """
        self._check_open()
        links = self._conversation.info.links
        return links.make(lambda maker: maker.visitor(identity, name, ttl))
