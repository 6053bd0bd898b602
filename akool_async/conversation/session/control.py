"""The avatar's settings and gestures, what happens in the conversation, and who is in its room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

from akool_async.conversation.event_bus import EventReader, check_kind
from akool_async.conversation.options import (
    ConversationOptions,
    ConversationStats,
    Mode,
    SessionInfo,
)
from akool_async.conversation.params import Params, check_action, check_timeout
from akool_async.conversation.session.base import SessionBase
from akool_async.conversation.transcript import Transcript
from akool_async.errors import InvalidParameterError, NotSupportedError
from akool_async.events import Event, ParticipantSpeaking
from akool_async.rooms.viewers import DEFAULT_TTL, ViewerLink
from akool_async.stream import new_mid
from akool_async.stream.messages import SetAction
from akool_async.transport import Participant

__all__ = ["ControlMethods"]

E = TypeVar("E", bound=Event)
H = TypeVar("H", bound=Callable[..., object])


class ControlMethods(SessionBase):
    """The methods of `AvatarSession` that command the avatar, and those that observe it."""

    async def set_params(
        self,
        *,
        mode: Mode | None = None,
        language: str | None = None,
        voice_id: str | None = None,
        voice_url: str | None = None,
        background_url: str | None = None,
        speed: float | None = None,
        pron_map: Mapping[str, str] | None = None,
        stt_language: str | None = None,
        stt_type: str | None = None,
        turn_detection: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Changes the avatar's settings; returns when it answered. See `Params` for the values.

        In the v3 chat room, which has no commands, it sets what later questions carry.

        Raises:
            InvalidParameterError: a wrong value; nothing was sent.
            NotSupportedError: (v3) a setting that no question can carry.
            CommandRejectedError, CommandTimeoutError: as answered, or not answered in time.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        params = Params(
            mode=mode,
            language=language,
            voice_id=voice_id,
            voice_url=voice_url,
            background_url=background_url,
            speed=speed,
            pron_map=pron_map,
            stt_language=stt_language,
            stt_type=stt_type,
            turn_detection=turn_detection,
        )
        if params.empty:
            raise InvalidParameterError("set_params", "nothing to set was given")
        conversation = self._conversation
        limit = check_timeout(timeout, conversation.options.command_timeout)
        self._check_open()
        if conversation.has_commands:
            await conversation.settings.set_params(params, timeout=limit)
        else:
            params.check_v3()
            conversation.settings.want(params)

    async def interrupt(self, *, timeout: float | None = None) -> None:
        """The avatar stops speaking, and what waits to be said or played isn't. Replies in flight
        end early.

        Cancelled, it is sent all the same, and takes effect without being waited for.

        Raises:
            NotSupportedError: (v3) has no commands.
            CommandRejectedError, CommandTimeoutError, DisconnectedError,
            ConversationClosedError: as for `set_params`.
        """
        conversation = self._conversation
        self._check_commands("interrupt")
        limit = check_timeout(timeout, conversation.options.command_timeout)
        conversation.speech.stop_all()
        conversation.playbacks.stop_all()
        await conversation.speech_port.send_interrupt(timeout=limit)

    async def act(
        self,
        *,
        action: str | None = None,
        expression: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """A gesture and/or a facial expression: `ACTIONS`, `EXPRESSIONS` in `stream.messages`.

        Raises:
            InvalidParameterError: neither was given, or one the avatar doesn't know.
            NotSupportedError, CommandRejectedError, CommandTimeoutError, DisconnectedError,
            ConversationClosedError: as for `interrupt`.
        """
        conversation = self._conversation
        self._check_commands("act")
        check_action(action, expression)
        limit = check_timeout(timeout, conversation.options.command_timeout)
        await conversation.commands.send(SetAction(new_mid(), action, expression), timeout=limit)

    @overload
    def events(self, *, max_waiting: int | None = None) -> EventReader[Event]: ...
    @overload
    def events(self, *kinds: type[E], max_waiting: int | None = None) -> EventReader[E]: ...
    def events(self, *kinds: type[Any], max_waiting: int | None = None) -> EventReader[Any]:
        """A new, independent reader of what happens from now on, of `kinds` or of all kinds.

        It keeps `max_waiting` events; a slow reader loses the oldest. A reader of all kinds, or of
        `EventsLost`, is given an `EventsLost` in their place; others count them in `lost`.
        """
        self._wanted(*kinds)
        return self._conversation.events.reader(kinds, limit=max_waiting)

    def on(self, kind: type[E]) -> Callable[[H], H]:
        """Decorator: calls a function, plain or async, with every event of a kind.

        An async one gets its events one after the other in a task that the session owns. What it
        raises is reported as `HandlerFailed`, logged, and given to `ConversationOptions.on_error`.
        """
        check_kind(kind)

        def decorate(function: H) -> H:
            self._conversation.events.on(kind, function)
            self._wanted(kind)
            return function

        return decorate

    def _wanted(self, *kinds: type[Any]) -> None:
        if ParticipantSpeaking in kinds:
            conversation = self._conversation
            conversation.people.follow_speakers(conversation.driver.transport)

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

    @property
    def transcript(self) -> Transcript:
        """Who said what, when."""
        return self._conversation.transcript

    @property
    def info(self) -> SessionInfo:
        """What is known about the session."""
        return self._conversation.info

    @property
    def options(self) -> ConversationOptions:
        """The limits in use."""
        return self._conversation.options

    @property
    def stats(self) -> ConversationStats:
        """What was counted so far: a copy."""
        return self._conversation.stats()

    @property
    def closed(self) -> bool:
        """Whether the conversation is over."""
        return self._conversation.error is not None
