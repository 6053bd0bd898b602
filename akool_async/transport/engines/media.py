"""Audio and video of an engine's room: what an engine may offer, and the transport's half over it.

An engine that carries audio or video has an attribute `media`, an `EngineMedia`. It knows users by
their identity; that only the avatar's reach the program is done here.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

from akool_async.errors import DisconnectedError
from akool_async.media import (
    AudioRequest,
    AudioSink,
    AudioWriter,
    MediaCapabilities,
    MediaSubscription,
    MediaTransport,
    TrackInfo,
    VideoRequest,
    VideoSink,
    VideoWriter,
)
from akool_async.transport.engines.participants import ParticipantTracker

__all__ = ["EngineMedia", "EngineMediaTransport"]


class EngineMedia(abc.ABC):
    """The audio and video of an engine; a capability that it doesn't declare it needn't implement.

    Everything is called on the engine's event loop, and every sink is. What is open stays open
    through the engine's own reconnecting, and through `leave` and the `join` after it; the
    transport closes it all in the end.

    Attributes:
        on_change: called after `capabilities`, or what `tracks` returns, changed. Set by the
            transport; must not raise.
    """

    on_change: Callable[[], None] | None = None

    @property
    @abc.abstractmethod
    def capabilities(self) -> MediaCapabilities:
        """What it can do in this room; before joining, what it can in the best case."""

    @abc.abstractmethod
    def tracks(self, identity: str) -> tuple[TrackInfo, ...]:
        """What a user publishes now."""

    def hear(self, identity: str, request: AudioRequest, sink: AudioSink) -> MediaSubscription:
        """A user's audio, whenever there is any, until it is closed. See `MediaTransport.hear`."""
        raise NotImplementedError

    def see(self, identity: str, request: VideoRequest, sink: VideoSink) -> MediaSubscription:
        """A user's video; as `hear`."""
        raise NotImplementedError

    async def speak(self, request: AudioRequest, *, queue_ms: int, timeout: float) -> AudioWriter:
        """Publishes audio. See `MediaTransport.speak`."""
        raise NotImplementedError

    async def show(self, width: int, height: int, *, timeout: float) -> VideoWriter:
        """Publishes video. See `MediaTransport.show`."""
        raise NotImplementedError

    @abc.abstractmethod
    async def close(self) -> None:
        """Ends everything that is open. Twice is fine."""


class _Followed(MediaSubscription):
    """A subscription of the layer above, whoever the avatar is at the moment."""

    def __init__(
        self, open_: Callable[[str], MediaSubscription], forget: Callable[[_Followed], None]
    ) -> None:
        self._open = open_
        self._forget = forget
        self._at: MediaSubscription | None = None

    def follow(self, avatar: str | None) -> None:
        """Moves to another user; `None`: the avatar isn't there."""
        at, self._at = self._at, None
        if at is not None:
            at.close()
        if avatar is not None:
            self._at = self._open(avatar)

    def close(self) -> None:
        """See `MediaSubscription`."""
        self.follow(None)
        self._forget(self)


class EngineMediaTransport(MediaTransport):
    """Follows the avatar in an engine's room. It is closed by the transport."""

    def __init__(self, engine: EngineMedia, participants: ParticipantTracker) -> None:
        """Takes the reports of both."""
        self._engine = engine
        self._participants = participants
        self._followed: list[_Followed] = []
        self._avatar: str | None = None
        self._tracks: tuple[TrackInfo, ...] = ()
        self._capabilities = engine.capabilities
        self._closed = False
        engine.on_change = participants.on_change = self._changed
        self._changed()

    @property
    def capabilities(self) -> MediaCapabilities:
        """The engine's."""
        return self._engine.capabilities

    @property
    def tracks(self) -> tuple[TrackInfo, ...]:
        """See `MediaTransport`."""
        return self._tracks

    def hear(self, request: AudioRequest, sink: AudioSink) -> MediaSubscription:
        """See `MediaTransport`."""
        if not self.capabilities.hear:
            return super().hear(request, sink)
        return self._follow(lambda avatar: self._engine.hear(avatar, request, sink))

    def see(self, request: VideoRequest, sink: VideoSink) -> MediaSubscription:
        """See `MediaTransport`."""
        if not self.capabilities.see:
            return super().see(request, sink)
        return self._follow(lambda avatar: self._engine.see(avatar, request, sink))

    async def speak(self, request: AudioRequest, *, queue_ms: int, timeout: float) -> AudioWriter:
        """See `MediaTransport`."""
        if not self.capabilities.speak:
            return await super().speak(request, queue_ms=queue_ms, timeout=timeout)
        self._check_open()
        return await self._engine.speak(request, queue_ms=queue_ms, timeout=timeout)

    async def show(self, width: int, height: int, *, timeout: float) -> VideoWriter:
        """See `MediaTransport`."""
        if not self.capabilities.show:
            return await super().show(width, height, timeout=timeout)
        self._check_open()
        return await self._engine.show(width, height, timeout=timeout)

    async def close(self) -> None:
        """Ends all subscriptions and everything published."""
        self._closed = True
        self._engine.on_change = self._participants.on_change = None
        for followed in tuple(self._followed):
            followed.close()
        await self._engine.close()

    def _check_open(self) -> None:
        if self._closed:
            raise DisconnectedError("the room was left", reason="closed")

    def _follow(self, open_: Callable[[str], MediaSubscription]) -> MediaSubscription:
        followed = _Followed(open_, self._forget)
        if not self._closed:
            self._followed.append(followed)
            followed.follow(self._avatar)
        return followed

    def _forget(self, followed: _Followed) -> None:
        if followed in self._followed:
            self._followed.remove(followed)

    def _changed(self) -> None:
        avatar = self._participants.avatar
        if avatar != self._avatar:
            self._avatar = avatar
            for followed in self._followed:
                followed.follow(avatar)
        before: Any = (self._tracks, self._capabilities)
        self._tracks = () if avatar is None else self._engine.tracks(avatar)
        self._capabilities = self._engine.capabilities
        if before != (self._tracks, self._capabilities) and self.on_change is not None:
            self.on_change()
