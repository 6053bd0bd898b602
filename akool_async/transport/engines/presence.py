"""Who an engine says is in the room: everyone but this program, with a number for each stay."""

from __future__ import annotations

import itertools

from akool_async.transport.people import Participant

__all__ = ["Presence"]


class Presence:
    """Kept by a `ParticipantTracker`. Each method returns whether the list has changed.

    While the room is joined again everyone is announced again; who isn't, until that is done, has
    left. Until then no one seems to have.
    """

    def __init__(self) -> None:
        #: Identity and stay, in the order of coming.
        self._here: dict[str, str] = {}
        self._numbers = itertools.count(1)
        #: Who was announced since the room is joined again; `None`: it isn't.
        self._announced: set[str] | None = None

    def came(self, identity: str) -> bool:
        """They are there; announced twice is fine."""
        if self._announced is not None:
            self._announced.add(identity)
        if identity in self._here:
            return False
        self._here[identity] = str(next(self._numbers))
        return True

    def left(self, identity: str) -> bool:
        """They aren't there any more."""
        if self._announced is not None:
            self._announced.discard(identity)
        return self._here.pop(identity, None) is not None

    def begin_rejoin(self) -> None:
        """The room is left, to be joined again."""
        self._announced = set()

    def end_rejoin(self) -> bool:
        """It is joined again."""
        announced, self._announced = self._announced or set(), None
        gone = [identity for identity in self._here if identity not in announced]
        for identity in gone:
            del self._here[identity]
        return bool(gone)

    def participants(self, avatar_id: str | None) -> tuple[Participant, ...]:
        """All of them; `avatar_id` is the avatar's identity."""
        return tuple(
            Participant(identity, is_avatar=identity == avatar_id, stay=stay)
            for identity, stay in self._here.items()
        )
