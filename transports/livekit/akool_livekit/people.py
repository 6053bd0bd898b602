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
        self.here: tuple[Participant, ...] = ()

    def speakers(self, speaking: list[rtc.Participant]) -> None:
        """These speak now, and no one else."""
        self._speaking = frozenset(one.identity for one in speaking)

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
