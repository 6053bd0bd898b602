"""Bots: the functions that converse, by name, and how their jobs are written down."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, Final, Generic, ParamSpec

from akool_async import AvatarSession
from akool_async.errors import InvalidParameterError
from akool_fleet.options import Drain

__all__ = ["BotFunction", "BotSettings", "JobOrder", "read_order", "write_order"]

P = ParamSpec("P")
BotFunction = Callable[Concatenate[AvatarSession, P], Awaitable[object]]

#: What the fleet itself gives to `open_session`.
_OURS: Final = ("duration", "on_created", "avatar_id", "stream_type")


@dataclass(frozen=True, slots=True)
class BotSettings(Generic[P]):
    """A bot as the fleet runs it; see `Fleet.bot`."""

    name: str
    function: BotFunction[P]
    drain: Drain
    retries: int


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What a job runs with: the bot's arguments, and the keywords of `open_session`."""

    avatar_id: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    session: dict[str, Any]


def write_order(
    avatar_id: str,
    stream_type: str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    session: Mapping[str, Any] | None,
) -> str:
    """A job as JSON.

    Raises:
        InvalidParameterError: a value that JSON can't hold, or a session field of the fleet's own.
    """
    if not isinstance(avatar_id, str) or not avatar_id:
        raise InvalidParameterError("avatar_id", "must be the id of a streaming avatar")
    fields = dict(session or {})
    for name in _OURS:
        if name in fields:
            where = "give it to send()" if name in ("avatar_id", "stream_type") else "the fleet's"
            raise InvalidParameterError(f"session.{name}", f"can't be given here: {where}")
    fields["stream_type"] = stream_type
    order = {"avatar_id": avatar_id, "args": list(args), "kwargs": dict(kwargs), "session": fields}
    try:
        return json.dumps(order, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise InvalidParameterError(
            "arguments", "must be values that JSON can hold: they are sent through Redis"
        ) from None


def read_order(text: str) -> JobOrder:
    """The job that `write_order` wrote."""
    order = json.loads(text)
    return JobOrder(order["avatar_id"], tuple(order["args"]), order["kwargs"], order["session"])
