"""Who is in the room, as the client sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from akool_async.transport import Participant

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["People"]


class People:
    """A picture of who is in the room, renewed when something changed.

    While the connection is made again it stays as it was: the client shows then everyone leaving
    and coming.

    `avatar()`: the avatar's identity, as far as it is known.
    """

    def __init__(self, avatar: Callable[[], str | None]) -> None:
        self._avatar = avatar
        self._speaking: frozenset[str] = frozenset()
        self._follows = False
        self._asked_for: set[str] = set()
        self.here: tuple[Participant, ...] = ()

    def speakers(self, speaking: list[rtc.Participant]) -> None:
        """These speak now, and no one else."""
        self._speaking = frozenset(one.identity for one in speaking)

    def follow_speakers(self, room: rtc.Room | None) -> None:
        """Has the sound of everyone but the avatar received: the server says who speaks of no
        others. Nothing reads it. The avatar's is received by who reads it.
        """
        self._follows = True
        self.subscribe(room)

    def forget_room(self) -> None:
        """The next room is asked again for what is received."""
        self._asked_for.clear()
        self._speaking = frozenset()

    def subscribe(self, room: rtc.Room | None) -> None:
        """Has the sound received that is published since, if speakers are followed."""
        from livekit import rtc

        if room is None or not self._follows:
            return
        for one in list(room.remote_participants.values()):
            for track in list(one.track_publications.values()):
                sound = track.kind == rtc.TrackKind.KIND_AUDIO
                if sound and one.identity != self._avatar() and track.sid not in self._asked_for:
                    self._asked_for.add(track.sid)
                    track.set_subscribed(True)

    def look(self, room: rtc.Room | None) -> bool:
        """Whether something changed. `None`: no room is joined, which isn't looked at."""
        from livekit import rtc

        if room is None:
            return False
        active = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
        avatar = self._avatar()
        before, self.here = (
            self.here,
            tuple(
                Participant(
                    one.identity,
                    one.name or "",
                    one.identity == avatar,
                    one.identity in self._speaking,
                    one.sid,
                )
                # Who is still joining gets no packets and hears nothing yet.
                for one in list(room.remote_participants.values())
                if one.state == active
            ),
        )
        return before != self.here
