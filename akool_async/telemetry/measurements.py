"""What a program gives to get numbers: the protocol that conversations and REST calls report to.

`akool_async.telemetry.open_telemetry()` and `.log()` implement it; so can any object of a program.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final, Protocol

__all__ = [
    "CONVERSATION_ID",
    "MEASURED_SESSION",
    "Attributes",
    "Measurements",
    "SessionMeasurements",
]

#: The attribute that has a session's id.
CONVERSATION_ID: Final = "gen_ai.conversation.id"
#: Of a span or a duration: no text of a conversation, no key, no token is ever among them.
Attributes = Mapping[str, str | int | float | bool]


class SessionMeasurements(Protocol):
    """Takes the numbers of one session. Its methods are called on the event loop: they must not
    block, and must not raise.
    """

    def identify(self, attributes: Attributes) -> None:
        """What became known of the session: `gen_ai.conversation.id`, the avatar, the transport."""

    def duration(self, name: str, seconds: float, attributes: Attributes) -> None:
        """A duration: see docs/telemetry.md for the names."""

    def span(self, name: str, seconds: float, attributes: Attributes, error: str) -> None:
        """Something that took `seconds` and ended now; `error`: the name of the exception that
        ended it, "" without one. It is also reported as a duration where that has a name of its
        own.
        """

    def count(self, name: str, amount: float, attributes: Attributes) -> None:
        """Something happened so often in the session, or was so much; reported when it ends. A
        whole number but for `akool.credits_estimated`, which comes when the session is known.
        """

    def end(self, error: str) -> None:
        """The session is over; nothing follows."""


class Measurements(Protocol):
    """Takes the numbers of every session, and of REST calls."""

    def begin(self, attributes: Attributes) -> SessionMeasurements:
        """A session begins."""
        ...

    def request(self, operation: str, seconds: float, attributes: Attributes, error: str) -> None:
        """A REST call ended: `operation` is its method and path, ids in it replaced.

        `http.request.resend_count` is among its attributes if it was repeated.
        """


#: Of the session that the running task creates or closes: its REST calls are made for that.
MEASURED_SESSION: Final = ContextVar[SessionMeasurements | None](
    "akool_measured_session", default=None
)
