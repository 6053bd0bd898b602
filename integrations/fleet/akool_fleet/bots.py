"""Bots: the functions that converse, by name, and how their jobs are written down."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, Final, Generic, ParamSpec

from akool_async import AkoolClient, AvatarSession
from akool_async.errors import InvalidParameterError
from akool_async.validation import choice
from akool_fleet.options import Drain

__all__ = [
    "BotFunction",
    "BotSettings",
    "JobOrder",
    "check_arguments",
    "check_function",
    "read_order",
    "write_order",
]

P = ParamSpec("P")
BotFunction = Callable[Concatenate[AvatarSession, P], Awaitable[object]]

#: Keywords of `open_session` that a job can't give, and why.
_REFUSED: Final = {
    "avatar_id": "give it to send()",
    "stream_type": "give it to send()",
    "duration": "it is the fleet's max_session",
    "on_created": "the fleet writes sessions down by it",
    "renew": "a job has one session at a time: send another job",
    "take_over": "it would close the sessions of other workers",
    "legacy": "fleets have sessions of version 4",
    "running_timeout": "fleets have sessions of version 4",
}
_STREAM_TYPES: Final = ("livekit", "agora", "trtc")
#: Parameters of `Bot.send`, which therefore can't be a bot's own by keyword.
_SENDS: Final = ("avatar_id", "stream_type", "session", "job_id")


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


def check_function(name: str, function: object) -> None:
    """Checks that a function can be a bot.

    Raises:
        InvalidParameterError: it isn't async, takes no avatar, or could never be given an argument.
    """
    if not inspect.iscoroutinefunction(function):
        raise InvalidParameterError("function", f"{name} must be an async function")
    signature = inspect.signature(function)
    try:
        signature.bind_partial(None)
    except TypeError:
        raise InvalidParameterError("function", f"{name} must take the avatar first") from None
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name in _SENDS:
            raise InvalidParameterError(
                "function", f"{name} can't have {parameter.name!r} as a keyword: send() takes it"
            )


def check_arguments(
    bot: BotSettings[Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    """Checks that a bot takes these arguments, before a session is paid for it.

    Raises:
        InvalidParameterError: it doesn't.
    """
    try:
        inspect.signature(bot.function).bind(None, *args, **kwargs)
    except TypeError as error:
        raise InvalidParameterError("arguments", f"don't fit the bot {bot.name}: {error}") from None


def write_order(
    avatar_id: str,
    stream_type: str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    session: Mapping[str, Any] | None,
) -> str:
    """A job as JSON.

    Raises:
        InvalidParameterError: a value that JSON can't hold, or a wrong keyword of `open_session`.
    """
    if not isinstance(avatar_id, str) or not avatar_id:
        raise InvalidParameterError("avatar_id", "must be the id of a streaming avatar")
    choice("stream_type", stream_type, _STREAM_TYPES)
    if not isinstance(session, Mapping | None):
        raise InvalidParameterError("session", f"{type(session).__name__} isn't a mapping")
    fields = dict(session or {})
    known = inspect.signature(AkoolClient.open_session).parameters
    for name in fields:
        if name in _REFUSED:
            raise InvalidParameterError(f"session.{name}", f"can't be given here: {_REFUSED[name]}")
        if name not in known or name == "self":
            raise InvalidParameterError(f"session.{name}", "is no keyword of open_session")
    fields["stream_type"] = stream_type
    order = {"avatar_id": avatar_id, "args": list(args), "kwargs": dict(kwargs), "session": fields}
    try:
        written = json.dumps(order, ensure_ascii=False, allow_nan=False)
        written.encode()  # no half of a surrogate pair
        if not _same(json.loads(written), order):
            raise ValueError("keys that aren't strings")
    except (TypeError, ValueError, RecursionError):
        # From None: the cause may quote an argument.
        raise InvalidParameterError(
            "arguments",
            "must be values that JSON can hold, mappings with strings as keys: they are sent"
            " through Redis",
        ) from None
    return written


def _same(read: Any, given: Any) -> bool:
    """Whether JSON kept a value as it was; a tuple comes back as a list."""
    if isinstance(given, Mapping):
        return read.keys() == given.keys() and all(_same(read[key], given[key]) for key in given)
    if isinstance(given, (list, tuple)):
        return all(map(_same, read, given))
    return bool(read == given)


def read_order(text: str) -> JobOrder:
    """The job that `write_order` wrote."""
    order = json.loads(text)
    return JobOrder(order["avatar_id"], tuple(order["args"]), order["kwargs"], order["session"])
