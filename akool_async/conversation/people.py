"""Who is in the room: what the transport knows, compared with what was known before."""

from __future__ import annotations

from collections.abc import Callable

from akool_async import events as ev
from akool_async.transport import Participant, Transport

__all__ = ["People"]


class People:
    """Publishes who came, left, or began to speak. A stranger's data is dropped all the same."""

    def __init__(self, publish: Callable[[ev.Event], None]) -> None:
        self._publish = publish
        self._here: dict[str, Participant] | None = None
        self._follows = False

    @property
    def here(self) -> tuple[Participant, ...] | None:
        """Those in the room; `None`: the transport doesn't know."""
        return None if self._here is None else tuple(self._here.values())

    def begin(self, transport: Transport) -> None:
        """The room was joined: who is there already isn't reported."""
        if self._follows:
            transport.follow_speakers()
        now = transport.participants
        self._here = None if now is None else _by_identity(now)

    def follow_speakers(self, transport: Transport) -> None:
        """Someone wants to know who speaks, in this room and those that follow it."""
        if not self._follows:
            self._follows = True
            transport.follow_speakers()

    def take_over(self, transport: Transport) -> None:
        """Another session's room took over."""
        if self._follows:
            transport.follow_speakers()
        self.look(transport)

    def look(self, transport: Transport) -> None:
        """Something may have changed."""
        now = transport.participants
        if now is None:
            return
        before, self._here = self._here or {}, _by_identity(now)
        for one in before.values():
            successor = self._here.get(one.identity)
            if successor is None or successor.stay != one.stay:
                self._publish(ev.ParticipantLeft(one.identity, one.name, one.is_avatar))
        for one in now:
            known = before.get(one.identity)
            if known is None or known.stay != one.stay:
                self._publish(ev.ParticipantJoined(one.identity, one.name, one.is_avatar))
                known = None
            if one.speaking != (known is not None and known.speaking):
                self._publish(
                    ev.ParticipantSpeaking(one.identity, one.name, one.is_avatar, one.speaking)
                )


def _by_identity(people: tuple[Participant, ...]) -> dict[str, Participant]:
    return {one.identity: one for one in people}
